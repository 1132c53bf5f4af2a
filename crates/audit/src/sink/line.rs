//! An entry on its way to a receiver, and what a receiver does with it.

use std::time::Duration;

use doorward_policy::Timestamp;

use super::config::SinkFormat;
use super::stop::Stop;
use crate::entry::Entry;
use crate::export::Format;

/// An entry as its receiver gets it.
#[derive(Debug, Clone)]
pub(super) struct Line {
    /// Its place in the ledger.
    pub(super) sequence: u64,
    /// When it happened.
    pub(super) at: Option<Timestamp>,
    /// A name that no other entry has, of letters, digits and `_`.
    pub(super) name: String,
    /// What the receiver gets, without an end.
    pub(super) text: Vec<u8>,
}

impl Line {
    pub(super) fn new(entry: &Entry, text: Vec<u8>) -> Self {
        Self {
            sequence: entry.seq,
            at: entry.at(),
            name: entry
                .id
                .map_or_else(|| format!("seq_{}", entry.seq), |id| id.to_string()),
            text,
        }
    }
}

impl SinkFormat {
    /// The entry as JSON, without an end.
    pub(super) fn json(self, entry: &Entry) -> Vec<u8> {
        let format = match self {
            Self::Json => Format::Jsonl,
            Self::Ocsf => Format::Ocsf,
        };
        let mut line = format.line(entry);
        line.pop();
        line
    }
}

/// How much is delivered at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Entries, 1 or more.
    pub(super) entries: usize,
    /// Bytes; a single entry may be larger.
    pub(super) bytes: usize,
    /// How long a batch that is not full waits for more.
    pub(super) linger: Duration,
}

/// Why a batch was not delivered. Texts hold no secrets, and nothing that a receiver said.
#[derive(Debug)]
pub(super) enum Failure {
    /// It may be later.
    Later {
        /// Why not now.
        why: String,
        /// How long the receiver wants to be left alone.
        after: Option<Duration>,
    },
    /// The receiver does not take this batch; it may take parts of it.
    Refused(String),
    /// The time was over.
    Stopped,
}

impl Failure {
    pub(super) fn later(why: impl std::fmt::Display) -> Self {
        Self::Later {
            why: why.to_string(),
            after: None,
        }
    }
}

/// Where a sink's entries go.
pub(super) trait Deliver: Send {
    /// How much it takes at once.
    fn limits(&self) -> Limits;

    /// What it gets of an entry.
    fn text(&self, entry: &Entry) -> Vec<u8>;

    /// Delivers all lines, of which there is at least one, or says why not; then some may have been
    /// delivered, and all come again.
    fn deliver(&mut self, lines: &[Line], now: Timestamp, stop: &Stop) -> Result<(), Failure>;

    /// Makes sure of what was delivered, where that is not sure yet: before the place is remembered,
    /// and now and then while there is nothing to deliver.
    fn check(&mut self, _: &Stop) -> Result<(), Failure> {
        Ok(())
    }

    /// Ends, in little time.
    fn close(&mut self) {}
}
