//! The event store: what is taken in stays, whatever happens.

#![cfg(test)]

mod common;
mod taking;
