//! Deliveries over real HTTP, to destinations that behave and to those that don't.

#![cfg(test)]

mod common;
mod crash;
mod failures;
mod guard;
mod hostile;
mod orders;
mod replays;
mod sending;
mod server;
mod tls;
