//! The checklist: checks of a workspace, the manifest with its plan, and reports.
//!
//! Nothing here asks anybody: what was seen comes in as [`live::Live`] and is judged.

pub mod live;
pub mod report;
