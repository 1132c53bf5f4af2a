//! Git repositories: the whole history, a range of it, what is staged.
//!
//! [`open`] reads a repository without running anything of it, whoever owns it. [`scan_history`]
//! looks at every object once: a pack's deltas are walked from their bases, only what a delta inserts
//! is looked at, and commits and paths are found for hits alone. [`scan_staged`] and [`scan_range`]
//! look at what is added by the next commit, or by the commits of a range.

mod added;
mod history;
mod jobs;
mod memory;
mod message;
mod open;
mod options;
mod passes;
mod range;
mod recall;
mod report;
mod staged;
mod store;
mod sweep;
mod tips;
mod trace;
mod trail;
mod trees;

pub use history::scan_history;
pub use open::{GitError, Repository, open};
pub use options::{HistoryHit, HistoryOptions, HistoryPlace, HistorySink, Progress, Refs, Summary};
pub use range::scan_range;
pub use staged::scan_staged;
