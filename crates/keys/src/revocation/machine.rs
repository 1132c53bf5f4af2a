//! The state of a revocation, and how it goes on.

use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::{Event, Step, Unfit};
use crate::rotation::{Dying, Proof, Why, debt_pause, longest_debt_pause};

/// Between two tries of a key that is not dead yet, ms.
const LOOK: i64 = 1_000;
/// A revoked key that still works after so long is revoked again, ms.
const BITES_WITHIN: i64 = 30_000;

/// Where a revocation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// It is to be deleted.
    Revoking,
    /// It is deleted, and to be seen dead.
    Proving,
    /// It is dead, or gone.
    Done,
    /// A person left it as it is.
    Abandoned,
}

impl Phase {
    /// Its name, as people see it; the same as of a rotation's steps.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoking => "revoke",
            Self::Proving => "prove-dead",
            Self::Done => "done",
            Self::Abandoned => "abandoned",
        }
    }

    /// Whether nothing is to be done any more.
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Abandoned)
    }
}

/// A key whose value Doorward holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldKey {
    /// Doorward's id of it.
    pub key_id: String,
    /// The start of its value's hash; `None` where the value could not be read.
    pub print: Option<[u8; 8]>,
}

/// A revocation under way. Serializes without secrets; what is kept of it is all that is needed to go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    why: Why,
    /// Instantly's id of the key.
    api_key_id: String,
    held: Option<HeldKey>,
    phase: Phase,
    since: Timestamp,
    tries: u32,
    not_before: Option<Timestamp>,
    /// Whether it is looked, after a deletion that failed, if the key is dead all the same.
    look: bool,
    revoked_at: Option<Timestamp>,
    lives_on: bool,
    /// A row of refusals ends with the program.
    #[serde(skip)]
    dying: Option<Dying>,
    proof: Option<Proof>,
    trouble: Option<String>,
}

impl Revocation {
    /// One of which nothing is done.
    pub fn new(why: Why, api_key_id: String, held: Option<HeldKey>, now: Timestamp) -> Self {
        Self {
            why,
            api_key_id,
            held,
            phase: Phase::Revoking,
            since: now,
            tries: 0,
            not_before: None,
            look: false,
            revoked_at: None,
            lives_on: false,
            dying: None,
            proof: None,
            trouble: None,
        }
    }

    /// Why it was begun.
    pub fn why(&self) -> Why {
        self.why
    }

    /// Instantly's id of the key.
    pub fn api_key_id(&self) -> &str {
        &self.api_key_id
    }

    /// The key, where Doorward holds its value.
    pub fn held(&self) -> Option<&HeldKey> {
        self.held.as_ref()
    }

    /// Where it is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Since when.
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// How often the step at hand failed.
    pub fn tries(&self) -> u32 {
        self.tries
    }

    /// When the key was deleted, or first seen to be dead.
    pub fn revoked_at(&self) -> Option<Timestamp> {
        self.revoked_at
    }

    /// Whether the key was seen to work long after it was deleted.
    pub fn lives_on(&self) -> bool {
        self.lives_on
    }

    /// The proof that the key is dead.
    pub fn proof(&self) -> Option<&Proof> {
        self.proof.as_ref()
    }

    /// What went wrong last; of one that is done, why there is no proof.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// What to do now. Asking changes nothing.
    pub fn next(&self, now: Timestamp) -> Step {
        if let Some(until) = self.not_before
            && now < until
            // A time further away was set by another clock.
            && until.millis_since(now) <= longest_debt_pause()
            && !self.phase.is_over()
        {
            return Step::Wait { until };
        }
        match (self.phase, self.look) {
            (Phase::Revoking, false) => Step::Revoke,
            (Phase::Revoking, true) | (Phase::Proving, _) => Step::Probe,
            (Phase::Done | Phase::Abandoned, _) => Step::Over,
        }
    }

    /// Takes in what came of the step. The new state must be durable before the next step is begun.
    ///
    /// # Errors
    /// [`Unfit`] for what does not fit, and nothing changes.
    pub fn on(&mut self, event: Event, now: Timestamp) -> Result<(), Unfit> {
        self.since = self.since.min(now);
        match (self.phase, event) {
            (phase, event) if phase.is_over() => {
                return Err(Unfit {
                    event: event.as_str(),
                    phase: phase.as_str(),
                });
            }
            (_, Event::Begin) => {}
            (_, Event::Restarted) => {
                self.not_before = None;
                self.look = false;
                self.dying = None;
            }
            (_, Event::Again) => self.not_before = None,
            (_, Event::Abandon { why }) => {
                self.trouble = Some(why);
                self.enter(Phase::Abandoned, now);
            }
            (Phase::Revoking, Event::Revoked) => self.revoked(now),
            (_, Event::Failed { why }) => self.failed(why, now),

            (Phase::Revoking, Event::Refused) => {
                self.revoked(now);
                self.refused(now);
            }
            (Phase::Revoking, Event::Unlisted) => {
                self.revoked(now);
                self.unproved(UNLISTED.to_owned(), now);
            }
            (Phase::Revoking, Event::Alive | Event::Unprovable { .. }) => self.later(now),

            (Phase::Proving, Event::Refused) => self.refused(now),
            (Phase::Proving, Event::Unlisted) => self.unproved(UNLISTED.to_owned(), now),
            (Phase::Proving, Event::Unprovable { why }) => self.unproved(why, now),
            (Phase::Proving, Event::Alive) => self.still_alive(now),
            (phase, event @ Event::Revoked) => {
                return Err(Unfit {
                    event: event.as_str(),
                    phase: phase.as_str(),
                });
            }
            // All other phases are over.
            (Phase::Done | Phase::Abandoned, _) => {}
        }
        Ok(())
    }

    fn enter(&mut self, phase: Phase, now: Timestamp) {
        self.phase = phase;
        self.since = now;
        self.tries = 0;
        self.not_before = None;
        self.look = false;
    }

    fn revoked(&mut self, now: Timestamp) {
        // The first time counts: a second deletion of a key that lives on is no new one.
        self.revoked_at.get_or_insert(now);
        self.dying = None;
        self.trouble = None;
        self.enter(Phase::Proving, now);
    }

    fn failed(&mut self, why: String, now: Timestamp) {
        if self.phase == Phase::Revoking && !self.look {
            self.trouble = Some(why);
            self.tries = self.tries.saturating_add(1);
            self.look = true;
            return;
        }
        self.dying = None;
        if self.phase == Phase::Proving {
            self.trouble = Some(why);
            self.tries = self.tries.saturating_add(1);
        }
        self.later(now);
    }

    /// Tried again, ever less often.
    fn later(&mut self, now: Timestamp) {
        self.look = false;
        self.not_before = Some(now.plus_millis(debt_pause(self.tries)));
    }

    fn refused(&mut self, now: Timestamp) {
        let revoked_at = self.revoked_at.unwrap_or(self.since);
        let dying = self.dying.get_or_insert_with(|| Dying::new(revoked_at));
        if let Some(proof) = dying.refused(now) {
            self.proof = Some(proof);
            self.lives_on = false;
            self.trouble = None;
            return self.enter(Phase::Done, now);
        }
        self.not_before = Some(now.plus_millis(dying.pause()));
    }

    fn unproved(&mut self, why: String, now: Timestamp) {
        self.lives_on = false;
        self.enter(Phase::Done, now);
        self.trouble = Some(why);
    }

    fn still_alive(&mut self, now: Timestamp) {
        self.dying = None;
        if now.millis_since(self.since) <= BITES_WITHIN {
            self.not_before = Some(now.plus_millis(LOOK));
            return;
        }
        let tries = self.tries.saturating_add(1);
        self.lives_on = true;
        self.enter(Phase::Revoking, now);
        self.trouble = Some("it still works after it was deleted".to_owned());
        self.tries = tries;
    }
}

/// Why nothing is proved of a key that can't be tried.
const UNLISTED: &str = "Doorward does not hold its value: that Instantly does not list it any more is \
                        all that can be said";
