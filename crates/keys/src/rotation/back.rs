//! The way back: from a key that is no use to a workspace as it was.

use doorward_policy::Timestamp;

use super::event::Look;
use super::machine::Rotation;
use super::phase::Phase as P;
use super::timing::{CREATIONS_MAX, TRIES_MAX, pause};

/// How often the way forward is tried when the old key is dead by a revocation of which nobody said that it
/// was done.
const FORWARD_TRIES_MAX: u32 = 8 * TRIES_MAX;

impl Rotation {
    /// Goes back, from anywhere before the revocation.
    pub(super) fn turn_back(&mut self, why: String, now: Timestamp) {
        self.back = Some(why);
        if self.phase == P::Creating {
            // It may have been asked for.
            self.uncertain_at = Some(now);
        }
        let next = match self.phase {
            P::Planned => P::RolledBack,
            // The new key goes only once the old one was seen to work.
            _ if self.plan.old.is_some() => P::Weighing,
            _ if self.promoting => P::Demoting,
            _ => P::Discarding,
        };
        self.enter(next, now);
    }

    pub(super) fn old_works(&mut self, now: Timestamp) {
        let late = self.plan.timing.late;
        if self
            .revoke_tried_at
            .is_some_and(|at| now.millis_since(at) <= late)
        {
            // It works now; a revocation whose answer was lost may still be done.
            return self.confirm_again(now);
        }
        let next = match () {
            // A promotion may have been done although nobody said so.
            () if self.promoting => P::Demoting,
            () if !self.reached.is_empty() => P::Untelling,
            () => P::Discarding,
        };
        self.enter_again(next, now);
    }

    /// There is nothing to go back to.
    pub(super) fn old_is_dead(&mut self, now: Timestamp) {
        // It is dead by our own hand, though nobody said so: the way is forward, for as long as what stands
        // in it may pass.
        if self.revoke_tried_at.is_some() && self.tries < FORWARD_TRIES_MAX {
            return self.confirm_again(now);
        }
        self.trouble = Some("the old key is dead; there is no way back".to_owned());
        // Whether the new one works is not known either; a person sees to it.
        self.enter(P::Stuck, now);
    }

    fn confirm_again(&mut self, now: Timestamp) {
        self.enter_again(P::Confirming, now);
        self.not_before = Some(now.plus_millis(pause(self.tries, true)));
    }

    pub(super) fn demoted(&mut self, now: Timestamp) {
        self.promoting = false;
        self.promoted_at = None;
        let next = if self.reached.is_empty() {
            P::Quieting
        } else {
            P::Untelling
        };
        self.enter(next, now);
    }

    pub(super) fn untold_one(&mut self, consumer: &str, now: Timestamp) {
        self.told.retain(|name| name != consumer);
        self.reached.retain(|name| name != consumer);
        let next = if self.reached.is_empty() {
            P::Quieting
        } else {
            P::Untelling
        };
        self.enter(next, now);
    }

    pub(super) fn quiet(&mut self, look: Look, now: Timestamp) {
        if look.new_under_way > 0 {
            return self.look_again(now);
        }
        // Once more, now that it counts.
        let next = if self.plan.old.is_some() {
            P::Weighing
        } else {
            P::Discarding
        };
        self.enter(next, now);
    }

    /// A person wants it to go on from where neither way was safe.
    pub(super) fn resume(&mut self, now: Timestamp) {
        self.back = None;
        self.creations_max = self.creations.saturating_add(CREATIONS_MAX);
        let next = if self.new.is_some() {
            P::Recovering
        } else {
            P::Clearing
        };
        self.enter(next, now);
    }
}
