//! Requests that wait for a person's approval.
//!
//! ```text
//! needs approval ─► granted already? ─► yes: on it goes, and the approval is spent before it leaves
//!                          │ no
//!                          ▼
//!                 asked for, once for the same request ─► 403, or held for a while
//! ```
//!
//! An approval is spent durably, and good again only where it is certain that nothing was sent.
//!
//! What is approved is one very request: client, workspace, sub-workspace, method, target and body,
//! to the byte. The gateway looks approvals up in memory; what is there is in the store as well.

mod asking;
mod asks;
mod desk;
mod kept;
mod spent;
mod wait;

pub use desk::{ApprovalDesk, ApprovalSettings, Ended};
pub use kept::KeptRequest;

pub(crate) use asking::Stopped;
pub(crate) use spent::Spent;
