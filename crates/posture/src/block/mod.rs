//! The block list: what a value is, and lists of values as people keep them in files.

mod list;
mod value;

pub use list::{BlockLines, LineFault, read_lines};
pub use value::{BlockFault, BlockValue};
