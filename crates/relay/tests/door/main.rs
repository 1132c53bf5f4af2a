//! The door over real sockets: what proves itself is taken, whatever is in it, and nothing else is.

#![cfg(test)]

mod addresses;
mod bodies;
mod common;
mod crowding;
mod durable;
mod proofs;
mod tls;
