//! A key that was deleted, until it is proved dead.

use doorward_policy::Timestamp;

use super::machine::Proof;
use super::timing::{PROOF_REFUSALS, Timing};

/// A key that was deleted outside a rotation, and the row of refusals that is to prove it dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dying {
    revoked_at: Timestamp,
    first: Option<Timestamp>,
    count: u32,
    over: i64,
}

impl Dying {
    /// A key that was deleted then.
    pub fn new(revoked_at: Timestamp) -> Self {
        Self {
            revoked_at,
            first: None,
            count: 0,
            over: Timing::default().proof,
        }
    }

    /// Milliseconds between two tries.
    pub fn pause(&self) -> i64 {
        self.over / i64::from(PROOF_REFUSALS - 1)
    }

    /// It was refused as no key, not for its scopes. The proof, when that is the last of a row that is
    /// long enough.
    pub fn refused(&mut self, now: Timestamp) -> Option<Proof> {
        // A clock that was set back: nobody can say how long the row is.
        if self.first.is_some_and(|first| first > now) {
            self.not_refused();
        }
        let first = *self.first.get_or_insert(now);
        self.count = self.count.saturating_add(1);
        let long = now.millis_since(first) >= self.over;
        (self.count >= PROOF_REFUSALS && long).then_some(Proof {
            revoked_at: self.revoked_at,
            first,
            last: now,
            refusals: self.count,
        })
    }

    /// It was accepted, or nobody knows: the row begins anew.
    pub fn not_refused(&mut self) {
        self.first = None;
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_refusals_in_a_row_over_ten_seconds_are_a_proof() {
        let at = |ms| Timestamp::from_millis(1_000 + ms);
        let mut dying = Dying::new(at(0));
        assert_eq!(dying.refused(at(100)), None);
        dying.not_refused();
        assert_eq!(dying.refused(at(2_000)), None);
        assert_eq!(dying.refused(at(2_000 + dying.pause())), None);
        // Three, and not spread enough.
        assert_eq!(dying.refused(at(11_999)), None);
        let proof = dying.refused(at(12_000)).unwrap();
        assert_eq!((proof.refusals, proof.millis_to_death()), (4, 2_000));
        assert_eq!(proof.last, at(12_000));
    }
}
