//! JSON as it is needed here: one spelling for each document, with nothing lost.

mod canonical;
mod text;
mod view;

pub(crate) use text::write_text;

pub use canonical::{Canonical, Canonicaliser, Fault, Limits};
pub use view::{Node, Object};
