//! The gateway over real sockets, before an upstream that writes down what reaches it.

#![cfg(test)]

mod authentication;
mod bodies;
mod claims;
mod crowding;
mod decisions;
mod door;
mod failures;
mod forwarding;
mod http2;
mod idempotency;
mod ledger;
mod pace;
mod pages;
mod private;
mod successors;
mod tls;
mod upstream;
mod veil;
mod wire;
