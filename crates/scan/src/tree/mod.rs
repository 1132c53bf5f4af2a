//! The files of a folder, in parallel.

mod walk;

pub use walk::{Counters, Sink, TreeOptions, scan, total};
