//! Instantly's own audit log, read from a sandbox and held against the ledger.

#![cfg(test)]

mod every;
mod listing;
mod mixed;
mod pulling;
mod stage;
mod watching;
