//! Encodings undone: text that hides in text.

mod escape;
mod runs;
mod utf16;

pub(crate) use escape::{Mark, decode};
pub(crate) use runs::{each_run, joined, packed, stretches};
pub(crate) use utf16::{is_utf16, narrow, wide_runs};
