//! The server: its ledger, what hangs on it, its disks.

use doorward_policy::Timestamp;

use crate::live::Seen;

/// The server.
#[derive(Debug, Clone, Default)]
pub struct Server {
    /// The ledger, verified now.
    pub ledger: Seen<LedgerFacts>,
    /// Where reviews of the record stand.
    pub review: Seen<Review>,
    /// Each witness of the ledger.
    pub witnesses: Seen<Vec<WitnessFacts>>,
    /// Each sink that the record is handed on to.
    pub sinks: Seen<Vec<SinkFacts>>,
    /// The disks that it writes to.
    pub disks: Seen<Vec<Disk>>,
}

/// The ledger.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerFacts {
    /// Leaves that were verified.
    pub leaves: u64,
    /// Why it does not verify, or why nothing can be recorded; none when all is well.
    pub fault: Option<String>,
}

/// Where reviews of the record stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Review {
    /// The last that was signed off.
    pub last: Option<Timestamp>,
    /// Until when the next is to be.
    pub due: Timestamp,
    /// Leaves that wait for it.
    pub waiting: u64,
}

/// A witness.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WitnessFacts {
    /// Its name.
    pub name: String,
    /// Leaves that are signed and that it has not cosigned.
    pub lag: u64,
    /// Why it does not cosign.
    pub trouble: Option<String>,
}

/// A sink.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SinkFacts {
    /// Its name.
    pub name: String,
    /// Leaves that were not handed on yet.
    pub lag: u64,
    /// Age of the oldest of them, milliseconds.
    pub oldest_ms: u64,
    /// Why it does not take them.
    pub trouble: Option<String>,
}

/// A disk that is written to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Disk {
    /// What is on it.
    pub what: String,
    /// Bytes that are free for Doorward.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
}
