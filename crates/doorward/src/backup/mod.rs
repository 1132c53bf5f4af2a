//! Copies of all that Doorward keeps, taken while it runs, and put back elsewhere.
//!
//! A backup is a folder: the ledger, the database, the events, the ledger's public keys, the configuration, and
//! `backup.json` with the digest of each. Secrets are not in it: what is needed is named by its
//! reference.
//!
//! The ledger is copied first and the database then, so that whatever the ledger's copy speaks of is
//! in the database: the keys of people above all, and approvals that were spent. The database then
//! has a newer anchor than the ledger's copy, which would not start: in the copy the anchor is set
//! to the checkpoint that was copied. All of it is verified before it is called a backup, and
//! again before it is put back.
//! The events are copied before the database too: no destination that it does not know is delivered to
//! in them, whose number another would be given later.

mod files;
mod restore;
mod restored;
mod take;

use serde::{Deserialize, Serialize};

pub(crate) use restore::restore;
pub(crate) use restored::{RestoredNote, tell_restored};
pub(crate) use take::take;

/// The manifest's name in a backup.
const MANIFEST: &str = "backup.json";
/// The database's.
const STORE: &str = "doorward.db";
/// The events'.
const EVENTS: &str = "relay.db";
/// The ledger's.
const LEDGER: &str = "ledger";
/// The public keys'.
const PUBLIC_KEYS: &str = "ledger.pub";
/// The configuration's.
const CONFIG: &str = "doorward.toml";
/// The layout of a backup.
const FORMAT: u32 = 1;

/// What is in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Manifest {
    /// The layout.
    pub(crate) format: u32,
    /// The version that made it.
    pub(crate) doorward: String,
    /// When.
    pub(crate) made_at: String,
    /// The ledger's name, if there is a ledger.
    pub(crate) origin: Option<String>,
    /// Leaves under the checkpoint that was copied.
    pub(crate) signed_leaves: u64,
    /// References of secrets that are needed and are not in it.
    pub(crate) secrets: Vec<Needed>,
    /// Every file but this one, sorted by path.
    pub(crate) files: Vec<Listed>,
}

impl Manifest {
    /// Whether events are in it.
    pub(crate) fn has_events(&self) -> bool {
        self.files.iter().any(|file| file.path == EVENTS)
    }
}

/// A secret that is needed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Needed {
    /// What for.
    pub(crate) what: String,
    /// Where it was.
    pub(crate) reference: String,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listed {
    /// Within the backup, with `/` between.
    pub(crate) path: String,
    /// Bytes.
    pub(crate) size: u64,
    /// SHA-256, in hex.
    pub(crate) sha256: String,
}
