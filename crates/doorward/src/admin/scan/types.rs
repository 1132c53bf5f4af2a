//! What the scanner can ask and what is answered.

use doorward_catalog::wire::SecretText;
use doorward_finding::Severity;
use doorward_ledger::{Event, FindingState};
use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::admin::deeds::{Acts, Deed};
use crate::leak::Found;

/// Longest id of a detector, and digits of a fingerprint and of a commit, that are recorded.
const RULE_MAX: usize = 64;
const PRINT: usize = 32;
const COMMIT: usize = 12;

/// A finding as it is recorded: no secret, no excerpt, no person.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ScanFinding {
    /// Id of the detector.
    pub(crate) rule: String,
    /// How bad it is.
    pub(crate) severity: Severity,
    /// By what the secret is known: no hash that it could be guessed from.
    pub(crate) fingerprint: String,
    /// The first place: path and line.
    pub(crate) place: String,
    /// The beginning of the commit that brought it in.
    pub(crate) commit: Option<String>,
    /// How many places there are.
    pub(crate) places: u64,
}

/// Is this key alive, which is it, and when was it used?
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ScanVerify {
    /// The key's value.
    pub(crate) value: SecretText,
    /// Name or id of the workspace, where it matters.
    pub(crate) workspace: Option<String>,
    /// What it was found as.
    pub(crate) finding: ScanFinding,
}

/// What came of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ScanVerified {
    /// Which key it is.
    pub(crate) found: Option<Found>,
    /// Why that can't be told.
    pub(crate) why: Option<String>,
    /// The last call under it, or the last time that it was presented at the gateway.
    pub(crate) last_used: Option<Timestamp>,
}

/// This was found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ScanRecord {
    /// It.
    pub(crate) finding: ScanFinding,
}

/// It is recorded.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ScanRecorded {}

impl ScanFinding {
    fn deed(&self, action: &str) -> Deed {
        let plain = |text: &str, max: usize| {
            let all = text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
            match all && text.len() <= max {
                true => text.to_owned(),
                false => super::super::deeds::NOT_SAID.to_owned(),
            }
        };
        let event = Event::Finding {
            check: plain(&self.rule, RULE_MAX),
            severity: in_ledger(self.severity),
            state: FindingState::Open,
        };
        let mut deed = Deed::new(action, "secret", event)
            .with("place", &self.place)
            .with("places", &self.places);
        let hex = |text: &str, digits: usize| {
            text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        if hex(&self.fingerprint, PRINT) {
            deed.set_id("fingerprint", &self.fingerprint);
        }
        if let Some(commit) = self.commit.as_deref().filter(|id| hex(id, COMMIT)) {
            deed.set_id("commit", commit);
        }
        deed
    }
}

/// A severity as the ledger has it.
fn in_ledger(severity: Severity) -> doorward_ledger::Severity {
    match severity {
        Severity::Info => doorward_ledger::Severity::Info,
        Severity::Low => doorward_ledger::Severity::Low,
        Severity::Medium => doorward_ledger::Severity::Medium,
        Severity::High => doorward_ledger::Severity::High,
        Severity::Critical => doorward_ledger::Severity::Critical,
    }
}

impl Acts for ScanVerify {
    fn deed(&self) -> Option<Deed> {
        Some(self.finding.deed("scan.verify"))
    }

    fn complete(deed: &mut Deed, answer: &ScanVerified) {
        let alive = match &answer.found {
            Some(Found::ClientKey(key)) => {
                Deed::of_key(deed, key);
                Some(key.status == "active")
            }
            Some(Found::UpstreamKey(key)) => {
                if !key.workspace_id.is_empty() {
                    deed.act.workspace = Some(key.workspace_id.clone());
                }
                deed.act.upstream_key.clone_from(&key.key_id);
                if let Some(id) = &key.api_key_id {
                    deed.set_id("api_key_id", id);
                }
                // By that it is known at the gateway's door.
                if let Some(print) = &key.fingerprint {
                    deed.set_id("presented_as", print);
                }
                key.alive
            }
            None => None,
        };
        deed.act.metadata.insert("alive".to_owned(), alive.into());
    }
}

impl Acts for ScanRecord {
    fn deed(&self) -> Option<Deed> {
        Some(self.finding.deed("scan.found"))
    }
}
