//! How a rotation goes on: what each event makes of each phase.

use doorward_policy::Timestamp;

use super::event::{Event, Failure, OutOfOrder};
use super::machine::Rotation;
use super::phase::Phase as P;
use super::timing::{TRIES_MAX, pause};

impl Rotation {
    /// Takes in what came of the step. The new state must be durable before the next step is begun.
    /// What a person wants, [`Event::Abort`] and the like, is told between two steps, never while one
    /// is being done.
    ///
    /// # Errors
    /// [`OutOfOrder`] for what does not fit, and nothing changes.
    pub fn on(&mut self, event: Event, now: Timestamp) -> Result<(), OutOfOrder> {
        let before = self.is_ahead_of(now).then(|| self.clone());
        self.set_back_to(now);
        let taken = self.take(event, now);
        if let (Err(_), Some(before)) = (&taken, before) {
            *self = before;
        }
        taken
    }

    fn take(&mut self, event: Event, now: Timestamp) -> Result<(), OutOfOrder> {
        match (self.phase, event) {
            (P::Planned, Event::Begin) => self.create(now),
            (_, Event::Restarted) => self.restarted(now),
            (_, Event::Abort { why }) if self.may_abort() => self.turn_back(why, now),
            (P::Stuck, Event::Resume) => self.resume(now),
            (phase, Event::Abandon { why }) if phase == P::Stuck || self.is_past_death() => {
                self.back = Some(why);
                self.enter(P::Abandoned, now);
            }
            (phase, Event::Managed { by }) if !phase.is_over() => return self.managed(by),
            (phase, Event::Hurry) if self.may_hurry(phase) => self.hurry(now),
            (P::Telling, Event::Skip { consumer }) => {
                self.skipped.push(consumer.clone());
                self.told_one(consumer, now);
            }
            (P::Draining, Event::Skip { consumer }) if self.told.contains(&consumer) => {
                self.skipped.push(consumer);
                self.not_before = None;
            }
            (P::Untelling, Event::Skip { consumer }) => self.untold_one(&consumer, now),
            (phase, Event::Failed { how, why }) if phase.has_step() => self.failed(how, why, now),

            (P::Creating, Event::Created { new }) => {
                self.new = Some(new);
                self.enter(P::Storing, now);
            }
            (P::Clearing, Event::Swept { sure }) => {
                self.note_unseen(sure, now);
                self.create_again(now);
            }
            (P::Storing, Event::Stored) => self.enter(P::Verifying, now),
            (P::Recovering, Event::Recovered) => self.recovered(now),
            (P::Recovering, Event::NotThere) => self.lost(now),
            (P::Verifying, Event::Verified) => {
                self.promoting = true;
                self.enter(P::Promoting, now);
            }
            (P::Promoting, Event::Promoted) => self.promoted(now),
            (P::Telling, Event::Told { consumer }) => self.told_one(consumer, now),
            (P::Draining, Event::Looked(look)) => self.drained(look, now),
            (P::Confirming, Event::NewWorks) => {
                self.revoke_tried_at = Some(now);
                self.enter_again(P::Revoking, now);
            }
            (P::Revoking, Event::Revoked) => self.revoked(now),
            (P::Proving, Event::Refused) => self.refused(now),
            (P::Proving, Event::Alive) => self.still_alive(now),
            (P::Proving, Event::Unprovable { why }) => {
                self.trouble = Some(why);
                self.after_death(now);
            }
            (P::Forgetting, Event::Forgot) => self.enter(P::Tidying, now),
            (P::Tidying, Event::Swept { sure }) => self.swept(P::Done, sure, now),

            (P::Weighing, Event::OldWorks) => self.old_works(now),
            (P::Weighing, Event::OldDead) => self.old_is_dead(now),
            (P::Weighing, Event::Unprovable { why }) => {
                self.trouble = Some(why);
                self.enter(P::Stuck, now);
            }
            (P::Demoting, Event::Demoted) => self.demoted(now),
            (P::Untelling, Event::Told { consumer }) => self.untold_one(&consumer, now),
            (P::Quieting, Event::Looked(look)) => self.quiet(look, now),
            (P::Discarding, Event::Swept { sure }) => self.swept(P::Erasing, sure, now),
            (P::Erasing, Event::Erased) => self.enter(P::RolledBack, now),

            (phase, event) => {
                return Err(OutOfOrder {
                    event: event.as_str(),
                    phase: phase.as_str(),
                });
            }
        }
        Ok(())
    }

    /// What was under way when the program ended may have been done.
    fn restarted(&mut self, now: Timestamp) {
        self.not_before = None;
        match self.phase {
            P::Creating => {
                self.uncertain_at = Some(now);
                self.enter(P::Clearing, now);
            }
            // Its value was in memory, and may have been kept or not.
            P::Storing => self.enter(P::Recovering, now),
            P::Proving => self.refusals = None,
            // What was seen to work before may have died while the program was down.
            P::Revoking if self.revoked_at.is_none() => {
                self.revoke_tried_at = Some(now);
                self.enter_again(P::Confirming, now);
            }
            P::Demoting | P::Untelling | P::Quieting | P::Discarding if self.plan.old.is_some() => {
                self.enter_again(P::Weighing, now);
            }
            _ => {}
        }
    }

    fn failed(&mut self, how: Failure, why: String, now: Timestamp) {
        self.trouble = Some(why.clone());
        if self.phase == P::Creating && how == Failure::Uncertain {
            self.uncertain_at = Some(now);
            return self.enter(P::Clearing, now);
        }
        // Three refusals in a row: an answer that tells nothing ends the row.
        self.refusals = None;
        self.tries = self.tries.saturating_add(1);
        let hopeless = how == Failure::Permanent;
        let spent = hopeless || self.tries >= TRIES_MAX;
        match self.phase {
            // Where nothing is lost by giving up, it is given up.
            P::Creating
            | P::Clearing
            | P::Storing
            | P::Recovering
            | P::Verifying
            | P::Promoting
                if spent =>
            {
                return self.turn_back(why, now);
            }
            P::Confirming if hopeless => {
                let tries = self.tries;
                self.turn_back(why, now);
                self.tries = tries;
                return;
            }
            // What is left is the value of a key that is dead.
            P::Forgetting if spent => return self.enter(P::Tidying, now),
            P::Erasing if spent => return self.enter(P::RolledBack, now),
            _ => {}
        }
        let owed = matches!(self.phase, P::Revoking | P::Discarding | P::Tidying);
        match self.phase {
            // Nor is what was seen to work before taken for granted at the next try.
            P::Revoking if self.revoked_at.is_none() => {
                self.revoke_tried_at = Some(now);
                self.enter_again(P::Confirming, now);
            }
            P::Discarding if self.plan.old.is_some() => self.enter_again(P::Weighing, now),
            _ => {}
        }
        self.not_before = Some(now.plus_millis(pause(self.tries, owed)));
    }

    fn may_hurry(&self, phase: P) -> bool {
        let goes_on = !phase.is_over() && !phase.is_back() && phase != P::Stuck;
        goes_on && self.plan.old.is_some()
    }

    /// From here on it goes as after a leak: consumers are served when the old key is dead.
    fn hurry(&mut self, now: Timestamp) {
        self.hurried = true;
        match self.phase {
            P::Telling if self.revoked_at.is_none() => self.enter(P::Draining, now),
            P::Draining => self.not_before = None,
            _ => {}
        }
    }

    /// Another key makes, lists and revokes keys from now on.
    fn managed(&mut self, by: String) -> Result<(), OutOfOrder> {
        if self.plan.old.as_ref().is_some_and(|old| old.key_id == by) {
            return Err(OutOfOrder {
                event: "managed by the rotated key",
                phase: self.phase.as_str(),
            });
        }
        self.plan.manager = by;
        self.not_before = None;
        Ok(())
    }

    /// Whether a person can still have it undone.
    pub fn may_abort(&self) -> bool {
        !self.phase.is_past_return() && !self.phase.is_back() && self.revoke_tried_at.is_none()
    }
}
