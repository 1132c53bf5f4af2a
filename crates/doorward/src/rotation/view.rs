//! Rotations as they are shown.

use doorward_keys::rotation::{Phase, Plan, Rotation, Why};
use doorward_policy::Timestamp;
use doorward_store::RotationRecord;
use serde::{Deserialize, Serialize};

use super::pulse;

/// A step of a rotation that was taken, or failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Moved {
    /// When.
    pub(crate) at: Timestamp,
    /// The step that was done, or tried.
    pub(crate) step: String,
    /// Where it led.
    pub(crate) to: String,
    /// What went wrong, if the step failed.
    pub(crate) trouble: Option<String>,
}

/// A rotation, under way or over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RotationView {
    /// Its id.
    pub(crate) id: String,
    /// Name of the workspace.
    pub(crate) workspace: String,
    /// Doorward's id of it.
    pub(crate) workspace_id: String,
    /// Name of the upstream key.
    pub(crate) key: String,
    /// Why: `asked`, `schedule`, `shrink`, `leak` or `mint`.
    pub(crate) why: Why,
    /// Where it is: `create`, `drain`, `revoke`, …, `done`, `rolled-back`, `stuck`.
    pub(crate) step: String,
    /// Whether it is under way.
    pub(crate) open: bool,
    /// Since when it is there.
    pub(crate) since: Timestamp,
    /// How often the step at hand failed.
    pub(crate) tries: u32,
    /// What went wrong last.
    pub(crate) trouble: Option<String>,
    /// Why it goes, or went, back.
    pub(crate) back: Option<String>,
    /// Whether a key that should be dead is not yet known to be.
    pub(crate) owed: bool,
    /// Scopes of the new key.
    pub(crate) scopes: Vec<String>,
    /// Instantly's id of the old key.
    pub(crate) old_api_key_id: Option<String>,
    /// Instantly's id of the new key.
    pub(crate) new_api_key_id: Option<String>,
    /// Where the new key's value is kept.
    pub(crate) reference: String,
    /// When it began.
    pub(crate) begun_at: Timestamp,
    /// When calls were turned to the new key.
    pub(crate) promoted_at: Option<Timestamp>,
    /// When the old key was revoked.
    pub(crate) revoked_at: Option<Timestamp>,
    /// Milliseconds from the revocation to the first refusal of the old key.
    pub(crate) millis_to_death: Option<i64>,
    /// When that was proved.
    pub(crate) proved_at: Option<Timestamp>,
    /// Whether the old key was taken for dead although nothing proves it.
    #[serde(default)]
    pub(crate) unproved: bool,
    /// The refusals that prove it dead.
    pub(crate) refusals: Option<u32>,
    /// When it was over.
    pub(crate) ended_at: Option<Timestamp>,
    /// What was done since this program began, as long as it is remembered.
    pub(crate) moves: Vec<Moved>,
}

impl RotationView {
    pub(super) fn of(
        record: &RotationRecord,
        rotation: &Rotation,
        workspace: &str,
        moves: Vec<Moved>,
    ) -> Self {
        let plan = rotation.plan();
        let proof = rotation.proof();
        Self {
            id: record.id.clone(),
            workspace: workspace.to_owned(),
            workspace_id: record.workspace_id.clone(),
            key: record.key.clone(),
            why: plan.why(),
            step: rotation.phase().as_str().to_owned(),
            open: record.open,
            since: rotation.since(),
            tries: rotation.tries(),
            trouble: rotation.trouble().map(str::to_owned),
            back: rotation.back().map(str::to_owned),
            owed: rotation.is_owed(),
            scopes: plan.scopes().iter().map(|s| s.to_string()).collect(),
            old_api_key_id: plan.old().map(|old| old.api_key_id.clone()),
            new_api_key_id: rotation.new_key().map(|new| new.api_key_id.clone()),
            reference: record.reference.clone(),
            begun_at: record.begun_at,
            promoted_at: rotation.promoted_at(),
            revoked_at: rotation.revoked_at(),
            millis_to_death: proof.map(|proof| proof.millis_to_death()),
            proved_at: proof.map(|proof| proof.last),
            unproved: rotation.is_unproved(),
            refusals: proof.map(|proof| proof.refusals),
            ended_at: record.ended_at,
            moves,
        }
    }

    /// Whether it needs a person.
    pub(crate) fn is_stuck(&self) -> bool {
        self.step == Phase::Stuck.as_str()
    }

    /// Whether it ended as it was meant to.
    pub(crate) fn is_done(&self) -> bool {
        self.step == Phase::Done.as_str()
    }
}

/// A step of a rotation that is not begun, and what is done in it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PlannedStep {
    /// Its name, as in progress and record.
    pub(crate) step: String,
    /// What is done.
    pub(crate) what: String,
    /// The calls to Instantly, and under which key.
    pub(crate) calls: Vec<String>,
}

/// What a rotation would do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PlanView {
    /// Name of the workspace.
    pub(crate) workspace: String,
    /// Name of the upstream key.
    pub(crate) key: String,
    /// Instantly's id of the key that would go.
    pub(crate) old_api_key_id: Option<String>,
    /// Scopes of the new key.
    pub(crate) scopes: Vec<String>,
    /// Name of the key that manages.
    pub(crate) manager: String,
    /// Where the new key's value would be kept.
    pub(crate) reference: String,
    /// Those outside who would be given it.
    pub(crate) consumers: Vec<String>,
    /// Each step in order.
    pub(crate) steps: Vec<PlannedStep>,
}

/// What is known beside the plan.
pub(super) struct Around<'a> {
    pub(super) workspace: &'a str,
    pub(super) manager: &'a str,
    pub(super) reference: &'a str,
    pub(super) old_reference: Option<&'a str>,
}

impl PlanView {
    pub(super) fn of(plan: &Plan, around: &Around<'_>) -> Self {
        let Around {
            workspace,
            manager,
            reference,
            old_reference,
        } = *around;
        let scopes: Vec<String> = plan.scopes().iter().map(|s| s.to_string()).collect();
        let read = pulse::shown(plan.scopes());
        let name = plan.id().name(plan.key(), 1);
        let mut steps = Vec::new();
        let mut add = |step: Phase, what: String, calls: Vec<String>| {
            steps.push(PlannedStep {
                step: step.as_str().to_owned(),
                what,
                calls,
            });
        };
        let by = |call: &str| format!("{call} under '{manager}'");
        let new = format!("{read} under the new key");
        add(
            Phase::Creating,
            format!("make the key {name} with {}", scopes.join(", ")),
            vec![by("POST /api/v2/api-keys")],
        );
        add(
            Phase::Storing,
            format!("keep its value at {reference}"),
            vec![],
        );
        add(
            Phase::Verifying,
            "compare its scopes with the plan, and make one read under it".to_owned(),
            vec![by("GET /api/v2/api-keys"), new.clone()],
        );
        let promote = match plan.old() {
            Some(_) => "all calls go out under it from the next one on, the old key behind it",
            None => "calls may go out under it",
        };
        add(Phase::Promoting, promote.to_owned(), vec![]);
        for consumer in plan.consumers() {
            add(
                Phase::Telling,
                format!("give {consumer} the new key"),
                vec![],
            );
        }
        if let (Some(old), Some(old_reference)) = (plan.old(), old_reference) {
            let overlap = plan.timing().overlap;
            add(
                Phase::Draining,
                format!(
                    "wait until no call is under way under the old key{}",
                    match overlap {
                        0 => String::new(),
                        ms => format!(", and at least {} s", ms / 1_000),
                    }
                ),
                vec![],
            );
            add(
                Phase::Confirming,
                "see once more that the new key works; until here it can be taken back".to_owned(),
                vec![new],
            );
            add(
                Phase::Revoking,
                "delete the old key".to_owned(),
                vec![by(&format!("DELETE /api/v2/api-keys/{}", old.api_key_id))],
            );
            add(
                Phase::Proving,
                format!(
                    "see the old key refused 3 times over {} s, not for its scopes",
                    plan.timing().proof / 1_000
                ),
                vec![format!("{read} under the old key, 3 times")],
            );
            add(
                Phase::Forgetting,
                format!("erase the old value at {old_reference}"),
                vec![],
            );
        }
        add(
            Phase::Tidying,
            "look for keys that lost answers left, and delete them".to_owned(),
            vec![by("GET /api/v2/api-keys")],
        );
        Self {
            workspace: workspace.to_owned(),
            key: plan.key().to_owned(),
            old_api_key_id: plan.old().map(|old| old.api_key_id.clone()),
            scopes,
            manager: manager.to_owned(),
            reference: reference.to_owned(),
            consumers: plan.consumers().to_vec(),
            steps,
        }
    }
}
