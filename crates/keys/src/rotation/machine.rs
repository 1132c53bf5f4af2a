//! The state of a rotation, and the step it asks for.

use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::Step;
use super::phase::{NewKey, Phase};
use super::plan::{Plan, Why};
use super::timing::CREATIONS_MAX;
use super::unseen::Unseen;

/// The old key was refused so often over so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// When its revocation was done.
    pub revoked_at: Timestamp,
    /// The first refusal of the row that proves it.
    pub first: Timestamp,
    /// The last.
    pub last: Timestamp,
    /// How many.
    pub refusals: u32,
}

impl Proof {
    /// Milliseconds from the revocation to the first refusal of the row.
    pub fn millis_to_death(&self) -> i64 {
        self.first.millis_since(self.revoked_at).max(0)
    }
}

/// A row of refusals, not yet long enough to prove anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refusals {
    pub(super) count: u32,
    pub(super) first: Timestamp,
}

/// A rotation under way. Serializes without secrets; what is kept of it is all that is needed to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    pub(super) plan: Plan,
    pub(super) phase: Phase,
    /// The key that was made, once one is known and as long as it is of use.
    pub(super) new: Option<NewKey>,
    /// When the phase began.
    pub(super) since: Timestamp,
    /// How often the step failed.
    pub(super) tries: u32,
    /// The step is not tried again before.
    pub(super) not_before: Option<Timestamp>,
    /// Whether the old key leaked while it was being replaced.
    #[serde(default)]
    pub(super) hurried: bool,
    /// How many keys were asked for, and how many may be.
    pub(super) creations: u32,
    pub(super) creations_max: u32,
    /// When the last creation ended of which nobody knows whether it was done.
    pub(super) uncertain_at: Option<Timestamp>,
    /// The new key, where it was to be deleted and not listed.
    #[serde(default)]
    pub(super) unseen: Option<Unseen>,
    /// Whether calls may go out under the new key.
    pub(super) promoting: bool,
    pub(super) promoted_at: Option<Timestamp>,
    /// The consumers that were given the new key.
    pub(super) told: Vec<String>,
    /// The consumers that may have been: those, and the one that is being told.
    pub(super) reached: Vec<String>,
    /// The consumers that a person said are not to be waited for.
    #[serde(default)]
    pub(super) skipped: Vec<String>,
    /// When the revocation was last tried: for a while it may be done without anybody's word.
    pub(super) revoke_tried_at: Option<Timestamp>,
    pub(super) revoked_at: Option<Timestamp>,
    /// Whether the old key was seen to work long after it was revoked.
    pub(super) lives_on: bool,
    /// Refusals of the old key in a row.
    pub(super) refusals: Option<Refusals>,
    pub(super) proof: Option<Proof>,
    /// Why it goes back.
    pub(super) back: Option<String>,
    /// What went wrong last.
    pub(super) trouble: Option<String>,
}

impl Rotation {
    /// A rotation of which nothing is done.
    pub fn new(plan: Plan) -> Self {
        let since = plan.at;
        Self {
            plan,
            phase: Phase::Planned,
            new: None,
            since,
            tries: 0,
            not_before: None,
            hurried: false,
            creations: 0,
            creations_max: CREATIONS_MAX,
            uncertain_at: None,
            unseen: None,
            promoting: false,
            promoted_at: None,
            told: vec![],
            reached: vec![],
            skipped: vec![],
            revoke_tried_at: None,
            revoked_at: None,
            lives_on: false,
            refusals: None,
            proof: None,
            back: None,
            trouble: None,
        }
    }

    /// What it is to do.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Where it is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The key that was made.
    pub fn new_key(&self) -> Option<&NewKey> {
        self.new.as_ref()
    }

    /// Since when.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// How often the step at hand failed.
    pub fn tries(&self) -> u32 {
        self.tries
    }

    /// When the new key was promoted, if it was and still is.
    pub fn promoted_at(&self) -> Option<Timestamp> {
        self.promoted_at
    }

    /// When the old key was revoked.
    pub fn revoked_at(&self) -> Option<Timestamp> {
        self.revoked_at
    }

    /// The proof that the old key is dead.
    pub fn proof(&self) -> Option<&Proof> {
        self.proof.as_ref()
    }

    /// Why it goes, or went, back.
    pub fn back(&self) -> Option<&str> {
        self.back.as_deref()
    }

    /// What went wrong last.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// What to do now. Asking changes nothing; what came of the step is told by `on`.
    pub fn next(&self, now: Timestamp) -> Step {
        if let Some(until) = self.not_before
            && now < until
            && until.millis_since(now) <= self.longest_wait()
            && !self.phase.is_over()
        {
            return Step::Wait { until };
        }
        let sweep = |keep: Option<&NewKey>| Step::Sweep {
            prefix: self.plan.prefix(),
            keep: keep.map(|new| new.api_key_id.clone()),
            // What is not listed yet is deleted all the same.
            also: match keep {
                Some(_) => None,
                None => self.new.as_ref().map(|new| new.api_key_id.clone()),
            },
        };
        match self.phase {
            Phase::Planned | Phase::Stuck => Step::Ask,
            Phase::Creating => Step::Create {
                name: self.plan.id.name(&self.plan.key, self.creations),
                scopes: self.plan.scopes,
            },
            Phase::Clearing | Phase::Discarding => sweep(None),
            Phase::Storing => Step::Store,
            Phase::Recovering => Step::Recover,
            Phase::Verifying => Step::Verify,
            Phase::Promoting => Step::Promote,
            Phase::Telling => match self.untold() {
                Some(consumer) => Step::Tell { consumer },
                None => Step::Look,
            },
            Phase::Draining | Phase::Quieting => Step::Look,
            Phase::Confirming => Step::Confirm,
            Phase::Revoking => match &self.plan.old {
                Some(old) => Step::Revoke {
                    api_key_id: old.api_key_id.clone(),
                },
                None => Step::Ask,
            },
            Phase::Proving => Step::Probe,
            Phase::Forgetting => Step::Forget,
            Phase::Tidying => sweep(self.new.as_ref()),
            Phase::Weighing => Step::Weigh,
            Phase::Demoting => Step::Demote,
            Phase::Untelling => match self.reached.first() {
                Some(consumer) => Step::Untell {
                    consumer: consumer.clone(),
                },
                None => Step::Look,
            },
            Phase::Erasing => Step::Erase,
            Phase::Done | Phase::RolledBack | Phase::Abandoned => Step::Over,
        }
    }

    /// The next consumer that has not got the new key.
    pub(super) fn untold(&self) -> Option<String> {
        let all = self.plan.consumers.iter();
        all.into_iter()
            .find(|name| !self.told.contains(name))
            .cloned()
    }

    /// Whether the old key is to die before anybody else is served.
    pub(super) fn is_urgent(&self) -> bool {
        self.hurried || self.plan.why == Why::Leak
    }

    /// Enters a phase that is a part of the one before: how often that failed still counts, and it
    /// is not begun before that would be tried again.
    pub(super) fn enter_again(&mut self, phase: Phase, now: Timestamp) {
        self.phase = phase;
        self.since = now;
    }

    /// Enters a phase.
    pub(super) fn enter(&mut self, phase: Phase, now: Timestamp) {
        self.phase = phase;
        self.since = now;
        self.tries = 0;
        self.not_before = None;
    }
}
