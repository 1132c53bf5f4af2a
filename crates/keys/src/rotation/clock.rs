//! A clock that was set back: what is remembered of a time that has not come holds nothing up.

use doorward_policy::Timestamp;

use super::machine::Rotation;
use super::timing::DEBT_PAUSE_MAX;

impl Rotation {
    /// The longest that a step ever waits, ms: a time further away was set by another clock.
    pub(super) fn longest_wait(&self) -> i64 {
        let timing = &self.plan.timing;
        let waits = [
            timing.late.saturating_add(1),
            timing.look,
            timing.between_refusals(),
        ];
        waits.into_iter().fold(DEBT_PAUSE_MAX, i64::max)
    }

    /// Whether something that is remembered lies ahead.
    pub(super) fn is_ahead_of(&self, now: Timestamp) -> bool {
        let times = [
            Some(self.since),
            self.promoted_at,
            self.revoke_tried_at,
            self.uncertain_at,
            self.unseen.as_ref().map(|unseen| unseen.at),
            self.refusals.map(|refusals| refusals.first),
        ];
        times.into_iter().flatten().any(|at| at > now)
    }

    /// Takes what lies ahead for now: each span begins anew, and none is cut short. A row of refusals
    /// of which nobody can say how long it is proves nothing.
    pub(super) fn set_back_to(&mut self, now: Timestamp) {
        self.since = self.since.min(now);
        self.promoted_at = self.promoted_at.map(|at| at.min(now));
        self.revoke_tried_at = self.revoke_tried_at.map(|at| at.min(now));
        self.uncertain_at = self.uncertain_at.map(|at| at.min(now));
        if let Some(unseen) = &mut self.unseen {
            unseen.at = unseen.at.min(now);
        }
        self.refusals = self.refusals.filter(|row| row.first <= now);
    }
}
