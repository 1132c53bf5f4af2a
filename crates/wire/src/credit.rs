//! Patience with whoever takes or sends bytes slowly.

use std::time::Duration;

/// Bytes a second that are the least on the whole.
const LEAST_RATE: usize = 16 * 1024;

/// How much longer it is waited for the other side. Bytes that move give some of it back: who moves
/// 16 KiB a second is waited for without end, who moves one byte now and then is not.
#[derive(Debug, Clone, Copy)]
pub struct Credit {
    left: Duration,
    full: Duration,
}

impl Credit {
    /// As long as this for somebody who moves nothing.
    pub fn new(full: Duration) -> Self {
        Self { left: full, full }
    }

    /// How much longer.
    pub fn left(&self) -> Duration {
        self.left
    }

    /// It was waited for so long.
    pub fn waited(&mut self, time: Duration) {
        self.left = self.left.saturating_sub(time);
    }

    /// So many bytes went.
    pub fn moved(&mut self, bytes: usize) {
        let nanos = u128::from(u64::try_from(bytes).unwrap_or(u64::MAX)) * 1_000_000_000;
        let nanos = nanos / LEAST_RATE as u128;
        let earned = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.left = self.left.saturating_add(earned).min(self.full);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_trickle_ends_and_a_stream_does_not() {
        let mut credit = Credit::new(MINUTE);
        for _ in 0..60 {
            credit.waited(Duration::from_secs(1));
            credit.moved(1);
        }
        assert!(credit.left() < Duration::from_millis(5), "{credit:?}");
        let mut credit = Credit::new(MINUTE);
        for _ in 0..100_000 {
            credit.waited(Duration::from_secs(1));
            credit.moved(LEAST_RATE);
        }
        assert_eq!(credit.left(), MINUTE);
        credit.moved(usize::MAX);
        assert_eq!(credit.left(), MINUTE, "nothing is saved up");
    }
}
