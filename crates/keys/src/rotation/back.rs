//! The way back: from a key that is no use to a workspace as it was.

use doorward_policy::Timestamp;

use super::event::Look;
use super::machine::Rotation;
use super::phase::Phase as P;

impl Rotation {
    /// Goes back, from anywhere before the revocation.
    pub(super) fn turn_back(&mut self, why: String, now: Timestamp) {
        self.back = Some(why);
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
        // A promotion may have been done although nobody said so.
        let next = if self.promoting {
            P::Demoting
        } else {
            P::Discarding
        };
        self.enter(next, now);
    }

    /// There is nothing to go back to.
    pub(super) fn old_is_dead(&mut self, now: Timestamp) {
        self.trouble = Some("the old key is dead; there is no way back".to_owned());
        // Whether the new one works is not known either; a person sees to it.
        self.enter(P::Stuck, now);
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
        if look.new_under_way == 0 {
            self.enter(P::Discarding, now);
        } else {
            self.look_again(now);
        }
    }

    /// A person wants it to go on from where neither way was safe.
    pub(super) fn resume(&mut self, now: Timestamp) {
        self.back = None;
        let next = if self.new.is_some() {
            P::Recovering
        } else {
            P::Clearing
        };
        self.enter(next, now);
    }
}
