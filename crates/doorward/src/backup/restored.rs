//! What a restore brings back, and the first start after it.
//!
//! A backup knows nothing of what came after it. What could pass a second time because of that is
//! ended while the backup is put back: approvals that were open then, and may have been spent since;
//! writes that were under way. The rest is told: when it is put back, and in the ledger and by an
//! alert at the first start.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use doorward_alert::{Alert, AlertKind, Severity};
use doorward_audit::{Audit, Draft};
use doorward_gateway::IdempotencySettings;
use doorward_ledger::{Act, Actor, ActorKind, Event, Resource, Verdict};
use doorward_policy::Timestamp;
use doorward_store::{ApprovalStore, IdempotencyStore, SqliteStore};
use serde::{Deserialize, Serialize};

use super::Manifest;
use super::files::{failed, sync_folder, write};
use crate::admin::{AdminError, now};
use crate::alerts::AlertDesk;
use crate::exit::Failure;
use crate::paths::DataDir;

/// The note's name in a data folder; gone once it was told.
const NOTE: &str = "restored.json";

/// A folder that was restored and not served since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RestoredNote {
    /// When the backup was made.
    pub(crate) made_at: String,
    /// When it was put back.
    pub(crate) restored_at: String,
    /// Leaves in the ledger that was put back.
    pub(crate) leaves: u64,
    /// Approvals that were open in the backup and are expired now.
    pub(crate) approvals_expired: usize,
    /// Writes that were under way in the backup, of which nobody knows now whether they were made.
    pub(crate) writes_unknown: u64,
}

impl RestoredNote {
    /// Ends in a database that is being put back what must not pass a second time, and notes in the
    /// folder that it was put back.
    ///
    /// # Errors
    /// When the database or the folder can't be written.
    pub(super) fn leave(
        folder: &Path,
        store: &SqliteStore,
        manifest: &Manifest,
        leaves: u64,
    ) -> Result<Self, Failure> {
        let (ever, never) = (
            Timestamp::from_millis(i64::MAX),
            Timestamp::from_millis(i64::MIN),
        );
        let expired = store.expire_approvals(ever, never);
        let expired = expired.map_err(AdminError::from)?;
        let writes_unknown = store
            .end_interrupted_writes(IdempotencySettings::LATE_MAX)
            .map_err(AdminError::from)?;
        let note = Self {
            made_at: manifest.made_at.clone(),
            restored_at: now().to_string(),
            leaves,
            approvals_expired: expired.len(),
            writes_unknown,
        };
        let path = folder.join(NOTE);
        let text = serde_json::to_vec_pretty(&note).map_err(Failure::failed)?;
        write(&path, &text).map_err(|error| failed("write", &path, error))?;
        sync_folder(folder)?;
        Ok(note)
    }

    fn read(path: &Path) -> Result<Option<Self>, Failure> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("read", path, error)),
        };
        let note = serde_json::from_slice(&text);
        note.map(Some).map_err(|error| failed("read", path, error))
    }

    fn draft(&self, at: Timestamp) -> Draft {
        let mut act = Act::new("server.restored", Verdict::Success);
        act.actor = Some(Actor::of(ActorKind::Doorward));
        act.resource = Some(Resource {
            kind: "server".to_owned(),
            ..Resource::default()
        });
        for (name, value) in [
            ("backup_made_at", self.made_at.clone().into()),
            ("restored_at", self.restored_at.clone().into()),
            ("backup_leaves", self.leaves.into()),
            ("approvals_expired", self.approvals_expired.into()),
            ("writes_unknown", self.writes_unknown.into()),
        ] {
            act.metadata.insert(name.to_owned(), value);
        }
        Draft::new(at, act, Event::Admin)
    }

    fn alert(&self, at: Timestamp) -> Alert {
        let title = "the server runs on a backup that was put back";
        Alert::new(AlertKind::Restored, title, at)
            .severity(Severity::High)
            .text(
                "What was revoked, disabled or changed after the backup is as it was then. See \
                 \"Backups\" in docs/operations.md.",
            )
            .fact("backup of", &self.made_at)
            .fact("leaves in it", self.leaves)
    }
}

/// Tells of a restore, the first time that its folder is served: in the ledger, by an alert, and in
/// the log. Blocks.
///
/// # Errors
/// When it can't be recorded; nothing is served then.
pub(crate) fn tell_restored(
    data: &DataDir,
    audit: &Arc<Audit>,
    alerts: &AlertDesk,
) -> Result<(), Failure> {
    let path = data.path().join(NOTE);
    let Some(note) = RestoredNote::read(&path)? else {
        return Ok(());
    };
    audit
        .record_blocking(note.draft(audit.now()))
        .map_err(|error| Failure::failed(format_args!("the restore can't be recorded: {error}")))?;
    alerts.tell(note.alert(audit.now()));
    tracing::warn!(
        backup_made_at = note.made_at,
        "this is a backup that was put back: what was revoked or changed after it is as it was then"
    );
    // Told twice rather than never.
    fs::remove_file(&path).map_err(|error| failed("remove", &path, error))?;
    sync_folder(data.path())
}
