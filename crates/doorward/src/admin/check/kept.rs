//! Runs and findings as the store has them.

use doorward_finding::{Report, Standing};
use doorward_posture::report::{Brief, Remembered};
use doorward_store::{SeenFinding, Store};

use super::types::{CheckHistory, PastRun};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle};

/// A finding that is remembered.
pub(super) type Held = Remembered;
/// Most characters of a message that are kept.
const MESSAGE_MAX: usize = 1_000;

/// Every finding that is remembered. One that can't be read is left out.
pub(super) fn remembered(store: &dyn Store) -> Result<Vec<Held>, AdminError> {
    let kept = store.check_findings()?;
    let read = |one: &doorward_store::KeptFinding| -> Option<Held> {
        Some(Remembered {
            brief: serde_json::from_str(&one.record).ok()?,
            since: one.began_at,
            gone: one.gone_at,
            muted: one.muted,
        })
    };
    Ok(kept.iter().filter_map(read).collect())
}

/// The findings of a report as they are kept, each once.
pub(super) fn seen(report: &Report) -> Result<Vec<SeenFinding>, AdminError> {
    let mut all: Vec<SeenFinding> = Vec::with_capacity(report.findings.len());
    let mut prints = std::collections::BTreeSet::new();
    for finding in &report.findings {
        if !prints.insert(finding.fingerprint.as_str()) {
            continue;
        }
        let mut brief = Brief::of(finding);
        brief.message = brief.message.chars().take(MESSAGE_MAX).collect();
        brief.place = brief.place.chars().take(MESSAGE_MAX).collect();
        all.push(SeenFinding {
            fingerprint: finding.fingerprint.clone(),
            muted: matches!(finding.standing, Standing::Muted(_)),
            record: serde_json::to_string(&brief).map_err(AdminError::failed)?,
        });
    }
    Ok(all)
}

/// The last runs, the newest first. One that can't be read is left out.
pub(crate) fn runs(store: &dyn Store, limit: usize) -> Result<Vec<PastRun>, AdminError> {
    let kept = store.check_runs(limit)?;
    let read = kept
        .iter()
        .filter_map(|run| serde_json::from_str(&run.record).ok());
    Ok(read.collect())
}

impl Handle<CheckHistory> for Admin {
    fn handle(&self, call: CheckHistory) -> Result<Vec<PastRun>, AdminError> {
        runs(self.store(), call.last)
    }
}
