//! Keys that may be there although the list of keys does not show them.

use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

use super::machine::Rotation;
use super::phase::Phase as P;

/// A key of the rotation that was to be deleted and was not listed: the list may lag behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Unseen {
    pub(super) api_key_id: String,
    /// When it was first not seen.
    pub(super) at: Timestamp,
}

impl Rotation {
    /// After a sweep: over to the next phase, or once more when no key can come to light any more.
    pub(super) fn swept(&mut self, next: P, sure: bool, now: Timestamp) {
        self.note_unseen(sure, now);
        let unseen = self.unseen.as_ref().map(|unseen| unseen.at);
        let none_later = self.uncertain_at.max(unseen);
        let none_later = none_later.map(|at| at.plus_millis(self.plan.timing.late));
        match none_later {
            Some(last) if self.since <= last && self.not_before.is_none_or(|at| at <= last) => {
                if next == P::Erasing && self.plan.old.is_some() {
                    // The old key may die meanwhile.
                    self.enter_again(P::Weighing, now);
                }
                self.not_before = Some(last.plus_millis(1));
            }
            _ => self.enter(next, now),
        }
    }

    /// Keeps that the new key was not there when it was to go. The first time counts.
    pub(super) fn note_unseen(&mut self, sure: bool, now: Timestamp) {
        let Some(new) = self.new.as_ref().filter(|_| !sure) else {
            return;
        };
        let known = self.unseen.as_ref();
        if known.is_none_or(|known| known.api_key_id != new.api_key_id) {
            self.unseen = Some(Unseen {
                api_key_id: new.api_key_id.clone(),
                at: now,
            });
        }
    }
}
