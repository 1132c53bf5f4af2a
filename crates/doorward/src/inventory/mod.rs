//! The inventory of upstream keys: what is asked of Instantly, of its audit log as it was read, and of
//! the ledger. What is made of it is in [`doorward_keys::inventory`].

mod doubt;
mod listing;
mod named;
mod reach;
mod seen;
mod uses;

pub(crate) use doubt::may_be;
pub(crate) use listing::{KEYS_MAX, list_keys};
pub(crate) use named::NamedCalls;
pub(crate) use reach::{Reach, keeper, standing};
pub(crate) use seen::{Sought, is_seen_whole, sightings, watched_to};
pub(crate) use uses::{Used, uses_since};
