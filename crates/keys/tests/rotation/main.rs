//! Rotations driven in a world of keys that is simulated: no network, no clock, every fault at every
//! step. What must hold is said in terms of that world, not of the machine's own state.

#![cfg(test)]

mod everywhere;
mod hanging;
mod properties;
mod silence;
mod stories;
mod unseen;
mod world;
