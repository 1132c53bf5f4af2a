//! What a pacer keeps over a restart.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ask::WorkspaceId;

/// What is known of the calls sent before a pacer was made.
#[derive(Debug, Clone, Copy)]
pub enum Start<'a> {
    /// None were: nothing has run here before.
    Idle,
    /// Nothing is known: every window of up to a minute is taken for as full as it may have been.
    /// With the vendor's limits that is a second of silence. Longer windows start empty.
    Unknown,
    /// The run before ended in order and saved this as its last act.
    Resumed {
        /// What it saved.
        saved: &'a Saved,
        /// How long ago at the least, by a clock that can be trusted. Zero is always safe.
        ago: Duration,
    },
    /// The run before saved this at some time, went on, and was cut off: what it saved counts, and
    /// beside it windows of up to a minute are taken for full.
    Crashed {
        /// What it saved.
        saved: &'a Saved,
        /// How long ago at the least. Zero is always safe.
        ago: Duration,
    },
}

/// All windows of a pacer in which something counts. Holds no secrets; some tens of kilobytes for a
/// busy workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Saved {
    /// Version of this form: 1.
    pub version: u32,
    /// Milliseconds since windows of which nothing was known were taken for full, if they were.
    pub unknown_ms: Option<u64>,
    /// One for each log.
    pub windows: Vec<SavedWindow>,
}

/// One log of what was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedWindow {
    /// Whose; none where the vendor counts by address.
    pub workspace: Option<WorkspaceId>,
    /// Calls and seconds of an operation's own limit, as the vendor states it; none for the
    /// workspace's own two windows.
    pub limit: Option<(u32, u32)>,
    /// `(age, calls)`: so many calls so many milliseconds before it was saved, the oldest first. Ages
    /// are rounded down: a call never counts for too short.
    pub sent: Vec<(u64, u32)>,
    /// Thousandths of the budget in use after complaints of the upstream.
    pub pace: u32,
    /// Milliseconds for which the upstream asked for silence.
    pub blocked_ms: u64,
}

pub(crate) const VERSION: u32 = 1;
/// More than any window holds.
pub(crate) const MOST_CALLS: u64 = 1_000_000;

/// Ages in whole milliseconds, equal ones together.
pub(crate) fn pack(ages: impl Iterator<Item = Duration>) -> Vec<(u64, u32)> {
    let mut packed: Vec<(u64, u32)> = Vec::new();
    for age in ages {
        let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        match packed.last_mut() {
            Some((last, calls)) if *last == age => *calls = calls.saturating_add(1),
            _ => packed.push((age, 1)),
        }
    }
    packed
}
