//! How a rotation stands: what somebody should know of it.

use doorward_policy::Timestamp;

use super::machine::Rotation;
use super::phase::Phase;

/// A phase that lasts so much longer than it has to, ms, is told of.
const OVERDUE: i64 = 900_000;

impl Rotation {
    /// Whether the old key should be dead and is not yet known to be.
    pub fn is_owed(&self) -> bool {
        let owes = [
            Phase::Confirming,
            Phase::Revoking,
            Phase::Weighing,
            Phase::Discarding,
        ];
        self.lives_on || (self.tries > 0 && owes.contains(&self.phase))
    }

    /// Whether the old key was revoked, and taken for dead although nothing proves it.
    pub fn is_unproved(&self) -> bool {
        self.revoked_at.is_some()
            && self.proof.is_none()
            && (self.is_past_death() || matches!(self.phase, Phase::Done | Phase::Abandoned))
    }

    /// Whether nothing is left to do but to serve and to tidy: the old key is dead, or there was none.
    pub fn is_past_death(&self) -> bool {
        match self.phase {
            Phase::Forgetting | Phase::Tidying => true,
            Phase::Telling => self.revoked_at.is_some(),
            _ => false,
        }
    }

    /// The consumers that got the new key and are waited for.
    pub fn waited_for(&self) -> Vec<String> {
        let told = self.told.iter();
        told.filter(|name| !self.skipped.contains(name))
            .cloned()
            .collect()
    }

    /// Whether the phase lasts much longer than it has to.
    pub fn is_overdue(&self, now: Timestamp) -> bool {
        let timing = &self.plan.timing;
        let needs = match self.phase {
            Phase::Draining if self.waited_for().is_empty() => timing.overlap,
            Phase::Draining => timing.overlap.max(timing.silence),
            Phase::Proving => timing.bites_within.saturating_add(timing.proof),
            Phase::Tidying | Phase::Weighing | Phase::Discarding => timing.late,
            _ => 0,
        };
        let lasts = now.millis_since(self.since);
        self.phase.has_step() && lasts > needs.saturating_add(OVERDUE)
    }
}
