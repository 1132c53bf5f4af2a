//! The way forward: from a key that is made to an old one that is dead.

use doorward_policy::Timestamp;

use super::event::Look;
use super::machine::{Proof, Refusals, Rotation};
use super::phase::Phase as P;
use super::timing::{CREATIONS_MAX, PROOF_REFUSALS};

impl Rotation {
    /// Begins a creation: its number is in the name, so that each is known from the others.
    pub(super) fn create(&mut self, now: Timestamp) {
        self.creations = self.creations.saturating_add(1);
        self.new = None;
        self.enter(P::Creating, now);
    }

    pub(super) fn create_again(&mut self, now: Timestamp) {
        if self.creations < self.creations_max {
            return self.create(now);
        }
        let why = format!("no key came of {CREATIONS_MAX} tries to make one");
        self.turn_back(why, now);
    }

    pub(super) fn recovered(&mut self, now: Timestamp) {
        let next = if self.promoting {
            P::Promoting
        } else {
            P::Verifying
        };
        self.enter(next, now);
    }

    /// The new key's value is gone with the program that had it in memory.
    pub(super) fn lost(&mut self, now: Timestamp) {
        if self.promoting {
            // Calls may go out under it: only a person can tell what is to become of it.
            self.trouble = Some("the new key's value is not where it was kept".to_owned());
            return self.enter(P::Stuck, now);
        }
        self.enter(P::Clearing, now);
    }

    pub(super) fn promoted(&mut self, now: Timestamp) {
        self.promoted_at = Some(now);
        let urgent = self.is_urgent();
        let next = match (self.untold(), &self.plan.old) {
            // After a leak the old key dies first.
            (Some(_), old) if !urgent || old.is_none() => return self.tell_next(now),
            (_, Some(_)) => P::Draining,
            (_, None) => P::Tidying,
        };
        self.enter(next, now);
    }

    /// Who is next may get the key and nobody know: that is kept before it is tried.
    fn tell_next(&mut self, now: Timestamp) {
        if let Some(next) = self.untold()
            && !self.reached.contains(&next)
        {
            self.reached.push(next);
        }
        self.enter(P::Telling, now);
    }

    pub(super) fn told_one(&mut self, consumer: String, now: Timestamp) {
        if self.plan.consumers.contains(&consumer) && !self.told.contains(&consumer) {
            self.told.push(consumer);
        }
        let next = match (self.untold(), &self.plan.old, self.revoked_at) {
            (Some(_), _, _) => return self.tell_next(now),
            (None, Some(_), None) => P::Draining,
            (None, Some(_), Some(_)) => P::Forgetting,
            (None, None, _) => P::Tidying,
        };
        self.enter(next, now);
    }

    pub(super) fn drained(&mut self, look: Look, now: Timestamp) {
        if look.new_refused {
            let why = "the new key was refused once calls went out under it".to_owned();
            return self.turn_back(why, now);
        }
        let timing = &self.plan.timing;
        let promoted = self.promoted_at.unwrap_or(self.since);
        let overlapped = now.millis_since(promoted) >= timing.overlap;
        let quiet_since = look.old_seen.map_or(promoted, |seen| seen.max(promoted));
        // Time that nobody looked at is no silence.
        let silent = |to: Timestamp| to.min(now).millis_since(quiet_since) >= timing.silence;
        let outside = self.waited_for().is_empty()
            || look.acknowledged
            || look.outside_to.is_some_and(silent);
        let quiet = look.old_under_way == 0 && overlapped && outside;
        if look.new_carried && (quiet || self.is_urgent()) {
            self.enter(P::Confirming, now);
        } else {
            self.look_again(now);
        }
    }

    pub(super) fn revoked(&mut self, now: Timestamp) {
        // The first time counts: a second revocation of a key that lives on is no new one.
        self.revoked_at.get_or_insert(now);
        self.refusals = None;
        self.enter(P::Proving, now);
    }

    pub(super) fn refused(&mut self, now: Timestamp) {
        let before = self.refusals.unwrap_or(Refusals {
            count: 0,
            first: now,
        });
        let Refusals { count, first } = Refusals {
            count: before.count.saturating_add(1),
            ..before
        };
        if count < PROOF_REFUSALS || now.millis_since(first) < self.plan.timing.proof {
            self.refusals = Some(Refusals { count, first });
            self.not_before = Some(now.plus_millis(self.plan.timing.between_refusals()));
            return;
        }
        let revoked_at = self.revoked_at.unwrap_or(self.since);
        self.proof = Some(Proof {
            revoked_at,
            first,
            last: now,
            refusals: count,
        });
        self.after_death(now);
    }

    pub(super) fn still_alive(&mut self, now: Timestamp) {
        self.refusals = None;
        if now.millis_since(self.since) <= self.plan.timing.bites_within {
            return self.look_again(now);
        }
        self.lives_on = true;
        self.trouble = Some("the old key still works after it was revoked".to_owned());
        let tries = self.tries.saturating_add(1);
        self.enter(P::Revoking, now);
        self.tries = tries;
    }

    pub(super) fn after_death(&mut self, now: Timestamp) {
        self.lives_on = false;
        if self.untold().is_some() {
            return self.tell_next(now);
        }
        self.enter(P::Forgetting, now);
    }

    pub(super) fn look_again(&mut self, now: Timestamp) {
        self.not_before = Some(now.plus_millis(self.plan.timing.look));
    }
}
