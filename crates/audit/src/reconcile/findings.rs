//! What was found, written into the ledger.

use doorward_ledger::{Act, Actor, ActorKind, Event, FindingState, Severity, Verdict};
use doorward_policy::Timestamp;

use super::report::{KeyClass, Report};
use crate::audit::Audit;
use crate::draft::Draft;
use crate::error::Result;

/// Most findings of a kind that get a leaf of their own in one pass.
const LEAVES_MAX: usize = 100;

/// One leaf for each finding, up to a bound for each kind; then one that says how many more.
pub(super) fn record_findings(audit: &Audit, report: &Report, now: Timestamp) -> Result<()> {
    let leaf = |check: &str, severity| {
        let act = Act {
            actor: Some(Actor::of(ActorKind::Doorward)),
            ..Act::new(format!("reconcile.{check}"), Verdict::Success)
        };
        let event = Event::Finding {
            check: format!("reconcile.{check}"),
            severity,
            state: FindingState::Open,
        };
        Draft::new(now, act, event)
    };
    let put = |draft: &mut Draft, name: &str, value: serde_json::Value| {
        draft.act.metadata.insert(name.to_owned(), value);
    };
    for around in report.around.iter().take(LEAVES_MAX) {
        let severity = match around.key {
            KeyClass::Own | KeyClass::Unknown => Severity::High,
            KeyClass::Listed | KeyClass::Unnamed => Severity::Medium,
        };
        let mut draft = leaf("around", severity).id("record", &around.record);
        if let Some(key) = &around.api_key {
            draft = draft.id("api_key", key);
        }
        if let Ok(ip) = around.address.parse() {
            draft = draft.source(ip);
        }
        draft.act.sub_workspace.clone_from(&around.place);
        put(&mut draft, "activity", around.activity.as_str().into());
        put(&mut draft, "happened_at", around.at.to_string().into());
        put(&mut draft, "key", serde_json::json!(around.key));
        audit.record_blocking(draft)?;
    }
    for key in report.unknown_keys.iter().take(LEAVES_MAX) {
        let mut draft = leaf("unknown_key", Severity::Critical).id("api_key", &key.what);
        put(&mut draft, "records", key.records.into());
        put(&mut draft, "last_at", key.last.to_string().into());
        audit.record_blocking(draft)?;
    }
    for address in report.foreign_addresses.iter().take(LEAVES_MAX) {
        let mut draft = leaf("foreign_address", Severity::High);
        if let Ok(ip) = address.what.parse() {
            draft = draft.source(ip);
        }
        put(&mut draft, "records", address.records.into());
        put(&mut draft, "last_at", address.last.to_string().into());
        audit.record_blocking(draft)?;
    }
    for missing in report.missing.iter().take(LEAVES_MAX) {
        let mut draft = leaf("missing", Severity::Medium);
        draft.act.request_id.clone_from(&missing.request_id);
        put(&mut draft, "leaf", missing.sequence.into());
        put(&mut draft, "operation", missing.operation.as_str().into());
        audit.record_blocking(draft)?;
    }
    let more = [
        ("around", report.around_total, report.around.len()),
        ("missing", report.missing_total, report.missing.len()),
    ];
    for (what, total, listed) in more {
        let recorded = listed.min(LEAVES_MAX) as u64;
        if total > recorded {
            let mut draft = leaf("more", Severity::High);
            put(&mut draft, "of", what.into());
            put(&mut draft, "records", (total - recorded).into());
            audit.record_blocking(draft)?;
        }
    }
    Ok(())
}
