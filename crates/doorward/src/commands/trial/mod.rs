//! Trying decisions out: one that is described, and those that the ledger has.

mod again;
mod explain;
mod past;
mod simulate;
mod told;

pub(super) use explain::run as explain;
pub(super) use simulate::run as simulate;
