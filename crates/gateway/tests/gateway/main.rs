//! The gateway over real sockets, before an upstream that writes down what reaches it.

#![cfg(test)]

mod approved;
mod authentication;
mod bodies;
mod caller;
mod claims;
mod counts;
mod crowding;
mod decisions;
mod door;
mod failures;
mod files;
mod forwarding;
mod held_reads;
mod http2;
mod idempotency;
mod last_moment;
mod ledger;
mod pace;
mod pages;
mod private;
mod rotating;
mod searches;
mod sharing;
mod successors;
mod tls;
mod upstream;
mod veil;
mod wire;
