//! From blobs with secrets to commits and paths.
//!
//! All trees are read once, in the order of their packs, and only those that lead to a blob with a
//! secret are kept, each reduced to the entries that do. Two commits whose reduced trees are the same
//! do not differ in secrets; where they are not, the difference is what was introduced or removed.

mod commits;
mod events;
mod order;
mod reduced;
mod trees;

pub(crate) use commits::{CommitRow, Commits, MISSING, TagRow};
pub(crate) use events::Events;
pub(crate) use order::Order;
pub(crate) use reduced::Reduced;
pub(crate) use trees::{Trees, Wanted};
