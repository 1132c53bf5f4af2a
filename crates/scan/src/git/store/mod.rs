//! A repository's object store, read without trust: packs, loose objects, alternates.
//!
//! Every object has a [`Number`]: its place in the order of all packs' indexes, then of the loose
//! objects. Packs are read by blocks, not mapped, so that what is held stays small.

mod blocks;
mod delta;
mod entry;
mod fault;
mod loose;
mod objects;
mod pack;
mod reader;

pub(crate) use delta::Copied;
pub(crate) use entry::{Base, Entry};
pub(crate) use fault::Fault;
pub(crate) use objects::{Number, Objects};
pub(crate) use pack::Pack;
pub(crate) use reader::Reader;

/// The largest object that is made in memory, in bytes.
pub(crate) const LARGEST: u64 = 128 << 20;
