//! From what is declared and what is there to ordered steps. Nothing is done here.
//!
//! The order is safe: keys that clients will need are made before anything is granted, people are
//! invited before others are removed, and what is removed goes last, keys at the very end. Carrying
//! the steps out brings the workspace to its declared state: planned again, nothing is left.

mod block_list;
mod clients;
mod destinations;
mod group;
mod keys;
mod make;
mod members;
mod present;
mod step;
mod subscriptions;
#[cfg(test)]
mod tests;

pub use make::{Target, make};
pub use present::{
    BlockedNow, ClientNow, DestinationNow, KeyNow, MemberNow, MembershipNow, Present, SourceNow,
    StrangerKey, StrangerSubscription, WorkspaceNow,
};
pub use step::{Act, Blind, Cannot, Changed, Plan, Sign, Step};
