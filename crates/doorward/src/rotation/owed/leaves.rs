//! What a revocation leaves in the ledger, and whom it tells of trouble.

use doorward_alert::{Alert, AlertKind};
use doorward_audit::Draft;
use doorward_keys::revocation::{Event as Came, Phase, Revocation};
use doorward_ledger::{Act, Actor, ActorKind, Change, Event, Verdict};
use doorward_policy::Timestamp;
use doorward_store::RevocationRecord;
use serde_json::Value;

use super::view::{RevocationView, TOLD_FROM};

/// Most characters of what went wrong that are kept.
const WHY_MAX: usize = 200;

/// The leaf of an event that took a revocation to where it is; `None` for a look that changed nothing.
pub(super) fn draft(
    record: &RevocationRecord,
    revocation: &Revocation,
    came: &Came,
    before: Phase,
    now: Timestamp,
) -> Option<Draft> {
    let after = revocation.phase();
    let (step, verdict, change) = match (came, after) {
        (Came::Begin, _) => ("begun", Verdict::Success, Change::Requested),
        (_, Phase::Done) if revocation.proof().is_some() => {
            ("proved", Verdict::Success, Change::Deleted)
        }
        (_, Phase::Done) => ("unproved", Verdict::Unknown, Change::Deleted),
        (Came::Abandon { .. }, _) => ("abandoned", Verdict::Failure, Change::Updated),
        (Came::Restarted | Came::Again, _) => ("resumed", Verdict::Success, Change::Updated),
        (Came::Revoked, _) => ("revoked", Verdict::Success, Change::Revoked),
        (Came::Failed { .. }, _) => ("failed", Verdict::Failure, Change::Updated),
        (Came::Alive, _) if before != after => ("lives_on", Verdict::Failure, Change::Updated),
        (Came::Refused, _) if before != after => ("found_dead", Verdict::Success, Change::Updated),
        _ => return None,
    };
    let mut act = Act::new(format!("revocation.{step}"), verdict);
    act.actor = Some(Actor::of(ActorKind::Doorward));
    act.workspace = Some(record.workspace_id.clone());
    act.upstream_key.clone_from(&record.key_id);
    let mut said = |name: &str, value: Value| {
        act.metadata.insert(name.to_owned(), value);
    };
    said("revocation", record.id.clone().into());
    said("phase", after.as_str().into());
    said(
        "why",
        serde_json::to_value(revocation.why()).unwrap_or_default(),
    );
    if let Some(proof) = revocation.proof() {
        said("refusals", proof.refusals.into());
        said("millis_to_death", proof.millis_to_death().into());
    }
    if verdict != Verdict::Success {
        said("tries", revocation.tries().into());
        let why = match came {
            Came::Failed { why } => Some(why.as_str()),
            _ => revocation.trouble(),
        };
        said("trouble", shortened(why.unwrap_or_default()).into());
    }
    let draft = Draft::new(now, act, Event::UpstreamKey { change });
    Some(draft.id("api_key_id", &record.api_key_id))
}

/// What somebody should know of where a revocation came to.
pub(super) fn alert(view: &RevocationView, now: Timestamp) -> Option<Alert> {
    if !view.open || (view.tries < TOLD_FROM && !view.lives_on) {
        return None;
    }
    let title = format!("the key {} that is to be dead is not yet", view.title());
    let text = "It is tried again and again. If no key manages the workspace's keys any more, add another \
                (`doorward upstream adopt NAME --manages`), then `doorward upstream resume`; or delete the \
                key in Instantly's settings by its id.";
    let alert = Alert::new(AlertKind::RotationDebt, title, now)
        .text(text)
        .fact("workspace", &view.workspace)
        .fact("key", view.title())
        .fact("id at instantly", &view.api_key_id)
        .fact("revocation", &view.id)
        .fact("step", &view.step)
        .fact("tries", view.tries)
        .fact(
            "why",
            shortened(view.trouble.as_deref().unwrap_or_default()),
        );
    Some(alert.key(&view.id))
}

fn shortened(why: &str) -> String {
    why.chars().take(WHY_MAX).collect()
}
