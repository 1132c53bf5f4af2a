//! What Doorward itself holds and knows, as plain data beside what was seen at Instantly. No secret is in
//! it: of secrets there are fingerprints, which tell alone that two are the same.

mod folder;
mod held;
mod relayed;
mod secret;
mod server;

use std::collections::BTreeSet;

use doorward_catalog::OpSet;
use doorward_policy::Timestamp;

use crate::live::{Live, Seen};

pub use folder::{FileFacts, Folder, PlainSecret, Repository};
pub use held::{ClientFacts, HeldKey, KeyUses, Owed};
pub use relayed::{Quarantined, SourceFacts};
pub use secret::SecretFacts;
pub use server::{Disk, LedgerFacts, Review, Server, SinkFacts, WitnessFacts};

/// All that the checks judge.
#[derive(Debug, Clone)]
pub struct Facts {
    /// Each workspace that was asked for.
    pub workspaces: Vec<WorkspaceFacts>,
    /// The server.
    pub server: Server,
    /// The secrets that are used, by where they are kept.
    pub secrets: Seen<Vec<SecretFacts>>,
    /// The operations that are to wait for somebody's approval.
    pub dangerous: OpSet,
    /// The folder that the configuration, or the team's project, is in.
    pub folder: Seen<Folder>,
}

/// A workspace, as it was seen at Instantly and as it is known here.
#[derive(Debug, Clone)]
pub struct WorkspaceFacts {
    /// Doorward's id of it.
    pub id: String,
    /// Its name here.
    pub name: String,
    /// What was seen at Instantly.
    pub live: Live,
    /// The keys that are held, but for those that are retired.
    pub keys: Vec<HeldKey>,
    /// The revocations that are owed.
    pub owed: Vec<Owed>,
    /// The clients that are in force.
    pub clients: Vec<ClientFacts>,
    /// Where its webhooks come in.
    pub sources: Vec<SourceFacts>,
    /// The sub-workspaces that Doorward knows: guarded themselves, or named in a grant.
    pub sub_workspaces: BTreeSet<String>,
    /// The acts in Instantly's own audit log that did not come through Doorward.
    pub around: Seen<Around>,
}

/// Acts that did not come through Doorward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Around {
    /// From when on was looked.
    pub since: Timestamp,
    /// How many there are.
    pub records: u64,
    /// The keys that they were done under, by Instantly's ids, with how many; as far as they are named.
    pub keys: Vec<(String, u64)>,
}
