//! The checklist: checks of a workspace, the manifest with its plan, and reports.
//!
//! Nothing here asks anybody: what was seen at Instantly comes in as [`live::Live`], what Doorward itself
//! knows as [`here::Facts`], and both are judged by [`checks`] against the team's [`Thresholds`].

pub mod block;
pub mod checks;
pub mod here;
pub mod live;
pub mod manifest;
pub mod plan;
pub mod report;
mod thresholds;

pub use thresholds::{DeclaredMember, Thresholds};
