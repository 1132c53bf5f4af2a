//! The proof that a key is dead: so many refusals in a row, over so long, none of them for its scopes.

use doorward_keys::rotation::PROOF_REFUSALS;
use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

/// The refusals are spread over at least so long, ms.
const SPREAD: i64 = 10_000;

/// A key that is being proved dead.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dying {
    row: Option<(Timestamp, u32)>,
}

/// A key is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proof {
    /// The first refusal of the row.
    pub(crate) first: Timestamp,
    /// The last.
    pub(crate) last: Timestamp,
    /// How many.
    pub(crate) refusals: u32,
}

impl Dying {
    /// Milliseconds between two tries.
    pub(crate) const BETWEEN: i64 = SPREAD / (PROOF_REFUSALS as i64 - 1);

    /// It was refused as no key. The proof, once there is one.
    pub(crate) fn refused(&mut self, at: Timestamp) -> Option<Proof> {
        let (first, before) = self.row.unwrap_or((at, 0));
        let refusals = before.saturating_add(1);
        self.row = Some((first, refusals));
        let long = at.millis_since(first) >= SPREAD;
        (refusals >= PROOF_REFUSALS && long).then_some(Proof {
            first,
            last: at,
            refusals,
        })
    }

    /// It was taken, or nobody knows: the row begins anew.
    pub(crate) fn not_refused(&mut self) {
        self.row = None;
    }

    /// Whether it was refused last.
    pub(crate) fn is_begun(&self) -> bool {
        self.row.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_800_000_000_000 + millis)
    }

    #[test]
    fn three_refusals_over_ten_seconds_prove_it_and_one_answer_undoes_them() {
        let mut dying = Dying::default();
        assert_eq!(dying.refused(at(0)), None);
        assert_eq!(dying.refused(at(5_000)), None);
        let proof = dying.refused(at(10_000)).unwrap();
        assert_eq!(
            (proof.first, proof.last, proof.refusals),
            (at(0), at(10_000), 3)
        );

        let mut dying = Dying::default();
        for millis in [0, 1, 2, 3, 9_999] {
            assert_eq!(dying.refused(at(millis)), None, "not long enough");
        }
        dying.not_refused();
        assert!(!dying.is_begun());
        assert_eq!(dying.refused(at(20_000)), None);
        assert_eq!(dying.refused(at(30_000)), None, "not often enough");
        assert!(dying.refused(at(30_001)).is_some());
        assert_eq!(Dying::BETWEEN, 5_000);
    }
}
