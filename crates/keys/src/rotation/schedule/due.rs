//! When a key is due.

use doorward_policy::Timestamp;
use ring::digest;

use super::every::Every;
use super::window::Windows;

/// After a rotation that failed or went back, none is begun by the schedule for so long, ms.
const AGAIN: i64 = 6 * 3_600_000;
/// Of a thousand.
const ALL: i64 = 1_000;
/// Most jitter, of a thousand.
const JITTER_MAX: u16 = 500;

/// When keys are to be replaced. The default is never.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Schedule {
    every: Option<Every>,
    jitter: u16,
    windows: Windows,
}

/// Why a schedule is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleFault {
    /// Keys would come due much too early.
    #[error("jitter is from 0% to 50%")]
    Jitter,
}

/// When to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Now.
    Now,
    /// Not before.
    At(Timestamp),
    /// Never, by this schedule.
    Never,
}

impl Schedule {
    /// Keys are replaced when they are so old, or by up to `jitter` of a thousand younger; `None` for
    /// never.
    ///
    /// # Errors
    /// When the jitter is more than half.
    pub fn new(every: Option<Every>, jitter: u16, windows: Windows) -> Result<Self, ScheduleFault> {
        if jitter > JITTER_MAX {
            return Err(ScheduleFault::Jitter);
        }
        Ok(Self {
            every,
            jitter,
            windows,
        })
    }

    /// The same for keys that are replaced at another age.
    #[must_use]
    pub fn with_every(&self, every: Option<Every>) -> Self {
        Self {
            every,
            ..self.clone()
        }
    }

    /// The windows.
    pub fn windows(&self) -> &Windows {
        &self.windows
    }

    /// When a key of that id, made at `made`, is due: within a window, and not later than its age
    /// allows but where no window opens in the fortnight before, and in none of its second half.
    pub fn due(&self, id: &str, made: Timestamp) -> Option<Timestamp> {
        let every = self.every?.as_millis();
        let most = every.saturating_mul(i64::from(self.jitter)) / ALL;
        let part = (i128::from(most) * i128::from(share(id))) >> 32;
        let early = i64::try_from(part).unwrap_or(0);
        let deadline = made.plus_millis(every);
        let earliest = deadline.plus_millis(early.saturating_neg());
        let next = self.windows.next(earliest);
        if next <= deadline {
            return Some(next);
        }
        // The windows are further apart than the jitter: rather a little early than late.
        let half = made.plus_millis(every / 2);
        let before = self.windows.last(earliest).filter(|at| *at >= half);
        Some(before.unwrap_or(next))
    }

    /// Whether to begin now. `tried` is when a rotation of the key last ended without replacing it.
    pub fn when(
        &self,
        id: &str,
        made: Timestamp,
        tried: Option<Timestamp>,
        now: Timestamp,
    ) -> When {
        let Some(due) = self.due(id, made) else {
            return When::Never;
        };
        let again = tried.map(|at| at.plus_millis(AGAIN));
        let due = again.map_or(due, |again| due.max(again));
        if now < due {
            When::At(due)
        } else if self.windows.is_open(now) {
            When::Now
        } else {
            When::At(self.windows.next(now))
        }
    }
}

/// A number of 32 bits that is the same for an id each time.
fn share(id: &str) -> u32 {
    let digest = digest::digest(&digest::SHA256, id.as_bytes());
    let first = digest.as_ref().first_chunk::<4>();
    first.map_or(0, |bytes| u32::from_be_bytes(*bytes))
}
