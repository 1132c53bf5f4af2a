//! The event store: what is taken in stays, whatever happens.

#![cfg(test)]

mod common;
mod crash;
mod deliveries;
mod disk;
mod erasing;
mod files;
mod lists;
mod model;
mod replays;
mod retention;
mod taking;
