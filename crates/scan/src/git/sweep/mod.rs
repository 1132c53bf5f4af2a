//! All objects of a pack, each inflated once: by families of deltas, bases before what is built on
//! them.

mod forest;
mod look;
mod regions;
mod secrets;
mod walk;

pub(crate) use forest::{Forest, Root};
pub(crate) use look::{Known, Looked, Looker};
pub(crate) use secrets::{Secrets, Seen};
pub(crate) use walk::{Based, Node, Visit, each_root};
