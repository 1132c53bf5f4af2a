//! How long the steps of a rotation take, and when one that failed is tried again.

use serde::{Deserialize, Serialize};

/// Milliseconds of the steps. The defaults are those of a rotation that nobody waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Timing {
    /// Both keys are in force at least so long after the promotion.
    pub overlap: i64,
    /// Who holds the key outside and does not acknowledge is taken to have changed over once the
    /// old key was not used for so long.
    pub silence: i64,
    /// Between two looks at what is still under way.
    pub look: i64,
    /// The refusals that prove the old key dead are spread over at least so long.
    pub proof: i64,
    /// A revoked key that still works after so long is revoked again.
    pub bites_within: i64,
    /// A creation whose answer was lost may come true for so long; what it left is looked for after.
    pub late: i64,
}

/// How many refusals prove a key dead.
pub const PROOF_REFUSALS: u32 = 3;
/// How often a step before the revocation is tried before the rotation goes back.
pub const TRIES_MAX: u32 = 8;
/// How many keys a rotation makes at most when answers are lost.
pub const CREATIONS_MAX: u32 = 5;
/// Longest time between two tries of a step, ms.
const PAUSE_MAX: i64 = 60_000;
/// Longest time between two tries of a revocation: it is owed, and never given up.
pub(super) const DEBT_PAUSE_MAX: i64 = 600_000;
/// A day, ms.
const DAY: i64 = 86_400_000;

impl Default for Timing {
    fn default() -> Self {
        Self {
            overlap: 60_000,
            silence: 3_600_000,
            look: 1_000,
            proof: 10_000,
            bites_within: 300_000,
            late: 120_000,
        }
    }
}

impl Timing {
    /// Of a rotation that was asked for now, or after a leak: no longer overlap than calls need.
    pub fn at_once() -> Self {
        Self {
            overlap: 0,
            look: 200,
            ..Self::default()
        }
    }

    pub(super) fn check(&self) -> Result<(), &'static str> {
        let Self {
            overlap,
            silence,
            look,
            proof,
            bites_within,
            late,
        } = *self;
        if [overlap, silence]
            .iter()
            .any(|ms| !(0..=30 * DAY).contains(ms))
        {
            return Err("overlap and silence are at most 30 days");
        }
        if !(10..=DAY).contains(&look) || !(1_000..=DAY).contains(&bites_within) {
            return Err(
                "the time between looks is at least 10 ms, that until revoked keys die 1 s",
            );
        }
        if !(10_000..=DAY).contains(&proof) {
            return Err("a key is proved dead over at least 10 s");
        }
        if !(0..=DAY).contains(&late) {
            return Err("a lost creation is waited for a day at most");
        }
        Ok(())
    }

    /// Between the refusals that prove a key dead.
    pub(super) fn between_refusals(&self) -> i64 {
        self.proof / i64::from(PROOF_REFUSALS - 1)
    }
}

/// The pause before try number `tries` (the first has none) of a step.
pub(super) fn pause(tries: u32, owed: bool) -> i64 {
    let max = if owed { DEBT_PAUSE_MAX } else { PAUSE_MAX };
    let doubled = 500_i64.checked_shl(tries.min(20)).unwrap_or(max);
    doubled.min(max)
}

/// The same of what is owed.
pub(crate) fn debt_pause(tries: u32) -> i64 {
    pause(tries, true)
}

/// The longest of those pauses, ms.
pub(crate) const fn longest_debt_pause() -> i64 {
    DEBT_PAUSE_MAX
}
