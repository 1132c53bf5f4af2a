//! What a rotation leaves in the ledger, and whom it tells of trouble.

use doorward_alert::{Alert, AlertKind};
use doorward_audit::Draft;
use doorward_keys::rotation::{Event as Came, Phase, Rotation};
use doorward_ledger::{Act, Actor, ActorKind, Event, RotationStep, Verdict};
use doorward_policy::Timestamp;
use doorward_store::RotationRecord;
use serde_json::Value;

/// A revocation that failed so often is told of.
const TOLD_FROM: u32 = 3;
/// Most characters of what went wrong that are kept.
const WHY_MAX: usize = 200;

/// The step that an event was, given where it led; `None` for a look that changed nothing.
fn step(came: &Came, before: Phase, after: Phase) -> Option<RotationStep> {
    use RotationStep as S;
    match after {
        Phase::Done => return Some(S::Finished),
        Phase::RolledBack => return Some(S::RolledBack),
        Phase::Stuck if before != Phase::Stuck => return Some(S::Stuck),
        Phase::Abandoned => return Some(S::Abandoned),
        _ if after.is_back() && !before.is_back() => return Some(S::TurnedBack),
        _ => {}
    }
    let moved = before != after;
    match came {
        Came::Begin => Some(S::Started),
        Came::Restarted | Came::Resume | Came::Hurry | Came::Managed { .. } => Some(S::Resumed),
        Came::Created { .. } => Some(S::Created),
        Came::Swept { .. } => moved.then_some(S::Cleared),
        Came::Stored | Came::Recovered => Some(S::Stored),
        Came::NotThere => Some(S::Failed),
        Came::Verified | Came::NewWorks | Came::OldWorks => Some(S::Verified),
        Came::Promoted => Some(S::Switched),
        Came::Told { .. } | Came::Skip { .. } => Some(S::Told),
        Came::Looked(_) => moved.then_some(S::Drained),
        Came::Revoked => Some(S::Revoked),
        Came::Refused | Came::Unprovable { .. } => moved.then_some(S::Confirmed),
        Came::Alive => moved.then_some(S::Failed),
        Came::Forgot | Came::Erased => Some(S::Forgotten),
        Came::Demoted => Some(S::SwitchedBack),
        Came::OldDead | Came::Failed { .. } => Some(S::Failed),
        Came::Abort { .. } | Came::Abandon { .. } => Some(S::TurnedBack),
    }
}

/// The leaf of an event that took a rotation from one phase to where it is.
pub(super) fn draft(
    record: &RotationRecord,
    rotation: &Rotation,
    came: &Came,
    before: Phase,
    now: Timestamp,
) -> Option<Draft> {
    let after = rotation.phase();
    let step = step(came, before, after)?;
    let verdict = match step {
        RotationStep::Failed | RotationStep::Stuck => Verdict::Failure,
        RotationStep::Confirmed | RotationStep::Finished if rotation.is_unproved() => {
            Verdict::Unknown
        }
        _ => Verdict::Success,
    };
    let plan = rotation.plan();
    let mut act = Act::new(format!("rotation.{}", name(step)), verdict);
    act.actor = Some(Actor::of(ActorKind::Doorward));
    act.workspace = Some(record.workspace_id.clone());
    act.upstream_key = Some(record.new_key_id.clone());
    let mut said = |name: &str, value: Value| {
        act.metadata.insert(name.to_owned(), value);
    };
    said("key", record.key.clone().into());
    said("phase", after.as_str().into());
    said("why", serde_json::to_value(plan.why()).unwrap_or_default());
    if let Some(old) = plan.old() {
        said("old_api_key_id", old.api_key_id.clone().into());
    }
    if let Some(new) = rotation.new_key() {
        said("new_api_key_id", new.api_key_id.clone().into());
    }
    if let Came::Told { consumer } | Came::Skip { consumer } = came {
        said("consumer", consumer.clone().into());
        said("skipped", matches!(came, Came::Skip { .. }).into());
    }
    if step == RotationStep::Confirmed
        && let Some(proof) = rotation.proof()
    {
        said("refusals", proof.refusals.into());
        said("millis_to_death", proof.millis_to_death().into());
    }
    let trouble = match step {
        RotationStep::TurnedBack => rotation.back(),
        RotationStep::Failed | RotationStep::Stuck | RotationStep::RolledBack => {
            rotation.trouble().or(rotation.back())
        }
        _ if verdict == Verdict::Unknown => Some(rotation.trouble().unwrap_or("not proved")),
        _ => None,
    };
    if let Some(why) = trouble {
        said("trouble", shortened(why).into());
    }
    let event = Event::Rotation {
        rotation: record.id.clone(),
        step,
        from: plan.old().map(|old| old.key_id.clone()),
        to: Some(record.new_key_id.clone()),
    };
    Some(Draft::new(now, act, event))
}

/// The leaf of a key that was written where a consumer reads it: which one, and where.
pub(super) fn written(
    record: &RotationRecord,
    rotation: &Rotation,
    (consumer, place): (&str, &str),
    now: Timestamp,
) -> Draft {
    let mut act = Act::new("rotation.written".to_owned(), Verdict::Success);
    act.actor = Some(Actor::of(ActorKind::Doorward));
    act.workspace = Some(record.workspace_id.clone());
    let old = rotation.plan().old().map(|old| old.key_id.clone());
    // On the way back it is the old key that they are given.
    let back = rotation.phase().is_back();
    act.upstream_key = match &old {
        Some(old) if back => Some(old.clone()),
        _ => Some(record.new_key_id.clone()),
    };
    for (name, value) in [
        ("key", record.key.as_str()),
        ("phase", rotation.phase().as_str()),
        ("consumer", consumer),
        ("reference", place),
    ] {
        act.metadata.insert(name.to_owned(), value.into());
    }
    let event = Event::Rotation {
        rotation: record.id.clone(),
        step: RotationStep::Told,
        from: old,
        to: Some(record.new_key_id.clone()),
    };
    Draft::new(now, act, event)
}

/// The step's name, as in the leaf.
fn name(step: RotationStep) -> String {
    let name = serde_json::to_value(step).unwrap_or_default();
    name.as_str().unwrap_or_default().to_owned()
}

/// What somebody should know of where a rotation came to.
pub(super) fn alert(
    record: &RotationRecord,
    rotation: &Rotation,
    before: Phase,
    workspace: &str,
    now: Timestamp,
) -> Option<Alert> {
    let key = &record.key;
    let (kind, title, text) = match rotation.phase() {
        Phase::Stuck if before != Phase::Stuck => (
            AlertKind::RotationTrouble,
            format!("the rotation of {key} can't go on by itself"),
            "Neither going on nor going back is safe. `doorward upstream status` says why; mend it, \
             then `doorward upstream resume`.",
        ),
        Phase::RolledBack if rotation.trouble().is_some() => (
            AlertKind::RotationTrouble,
            format!("the rotation of {key} failed and was taken back"),
            "The old key is in use as before. Mend what is said, then rotate again.",
        ),
        _ if before == Phase::Proving && rotation.is_unproved() => {
            let title = format!("the old key of {key} was deleted and is not proved dead");
            let text = "Its value is not where it was kept, so it can't be tried. See in Instantly's \
                        settings that no key of that id is there.";
            return Some(
                facts(
                    record,
                    rotation,
                    AlertKind::RotationTrouble,
                    title,
                    text,
                    now,
                )
                .fact("workspace", workspace)
                .key(format_args!("{}-unproved", record.id)),
            );
        }
        _ if rotation.is_owed() && rotation.tries() >= TOLD_FROM => (
            AlertKind::RotationDebt,
            format!("a key of {key} that is to be dead is not yet"),
            "It is tried again and again. If the managing key has lost its scopes, add another and \
             `doorward upstream resume`; or delete the key in Instantly's settings by its id.",
        ),
        _ => return None,
    };
    let alert = facts(record, rotation, kind, title, text, now);
    Some(alert.fact("workspace", workspace).key(&record.id))
}

/// What somebody should know of a step that lasts much longer than it has to.
pub(super) fn overdue(
    record: &RotationRecord,
    rotation: &Rotation,
    workspace: &str,
    now: Timestamp,
) -> Alert {
    let (key, step) = (&record.key, rotation.phase());
    let title = format!("the rotation of {key} hangs in the step {}", step.as_str());
    let text = match step {
        Phase::Draining => {
            "Calls are under way under the old key, or a consumer neither acknowledges the new one nor \
             leaves the old one alone. Look after it; `doorward upstream resume --skip CONSUMER` goes \
             on without it, and the old key is revoked then."
        }
        Phase::Telling | Phase::Untelling => {
            "A consumer can't be given its key. Mend what is said; `doorward upstream resume --skip \
             CONSUMER` goes on without it."
        }
        Phase::Forgetting | Phase::Tidying => {
            "The old key is dead, and what is left is to tidy up. Mend what is said, name another key \
             that manages with `doorward upstream resume --manager KEY`, or leave it as it is with \
             `doorward upstream rollback --abandon`."
        }
        _ => {
            "It is tried again and again. Mend what is said, then `doorward upstream resume`; \
             `doorward upstream status` shows where it is."
        }
    };
    facts(
        record,
        rotation,
        AlertKind::RotationTrouble,
        title,
        text,
        now,
    )
    .fact("workspace", workspace)
    .fact("since", rotation.since())
    .key(format_args!("{}-{}", record.id, step.as_str()))
}

fn facts(
    record: &RotationRecord,
    rotation: &Rotation,
    kind: AlertKind,
    title: String,
    text: &str,
    now: Timestamp,
) -> Alert {
    let why = rotation.trouble().or(rotation.back()).unwrap_or_default();
    let alert = Alert::new(kind, title, now)
        .text(text)
        .fact("key", &record.key)
        .fact("rotation", &record.id)
        .fact("step", rotation.phase().as_str())
        .fact("tries", rotation.tries())
        .fact("why", shortened(why));
    match rotation.plan().old() {
        Some(old) => alert.fact("old key", &old.api_key_id),
        None => alert,
    }
}

fn shortened(why: &str) -> String {
    why.chars().take(WHY_MAX).collect()
}
