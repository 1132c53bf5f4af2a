//! The inventory of upstream keys: stories, and what holds for every input.

#![cfg(test)]

mod narrowing;
mod properties;
mod stories;
