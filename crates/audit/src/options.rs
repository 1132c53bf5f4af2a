//! How the record is opened.

use std::path::PathBuf;
use std::sync::Arc;

use doorward_ledger::log::Tuning;
use doorward_ledger::{Signer, VerifierKey};
use doorward_policy::Timestamp;
use doorward_store::Store;
use secrecy::SecretString;

/// What the record needs to know.
pub struct AuditOptions {
    /// The ledger's folder; made with mode 0700 when it is missing.
    pub folder: PathBuf,
    /// The log's unique name, the first line of its checkpoints.
    pub origin: String,
    /// Who signs checkpoints: one, or the new and the old while one takes over from the other.
    pub signers: Vec<Arc<dyn Signer>>,
    /// Earlier keys of this log: a checkpoint that they signed is still believed.
    pub trusted: Vec<VerifierKey>,
    /// The audit key, of 32 bytes or more: under it people are found and their keys wrapped.
    pub audit_key: SecretString,
    /// Where people's keys and the anchor are.
    pub store: Arc<dyn Store>,
    /// Take a ledger over whose anchor is lost. Only after it was verified.
    pub adopt: bool,
    /// Sizes and times of the log.
    pub tuning: Tuning,
    /// The time.
    pub clock: fn() -> Timestamp,
}

impl AuditOptions {
    /// The usual: one signer, whose name is the log's; the machine's clock.
    pub fn new(
        folder: PathBuf,
        signer: Arc<dyn Signer>,
        audit_key: SecretString,
        store: Arc<dyn Store>,
    ) -> Self {
        Self {
            folder,
            origin: signer.verifier_key().name().as_str().to_owned(),
            signers: vec![signer],
            trusted: Vec::new(),
            audit_key,
            store,
            adopt: false,
            tuning: Tuning::default(),
            clock: system_time,
        }
    }
}

/// The machine's clock.
pub fn system_time() -> Timestamp {
    let millis = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}
