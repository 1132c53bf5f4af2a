//! When keys come due.

#![cfg(test)]

mod properties;
mod stories;
