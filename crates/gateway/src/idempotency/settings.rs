//! How long writes are remembered, and how many.

use std::time::Duration;

use doorward_policy::Timestamp;
use doorward_store::IdempotencyRecord;

/// How writes under idempotency keys are remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencySettings {
    /// How long.
    pub keep: Duration,
    /// Most of one client.
    pub records: u32,
    /// Most bytes of an answer that is kept.
    pub answer_bytes: usize,
    /// Most bytes of all answers kept for one client.
    pub client_bytes: u64,
    /// After how long a write whose answer was lost can no longer be on its way.
    pub settle: Duration,
}

impl IdempotencySettings {
    /// A write leaves so much later than it was noted at the most: no call waits longer for its turn.
    pub const LATE_MAX: Duration = Duration::from_secs(300);

    pub(super) fn keep_ms(&self) -> i64 {
        i64::try_from(self.keep.as_millis()).unwrap_or(i64::MAX)
    }

    pub(super) fn settle_ms(&self) -> i64 {
        i64::try_from(self.settle.as_millis()).unwrap_or(i64::MAX)
    }

    /// When the write of a record was sent the first time, or a little before that.
    pub(super) fn first_sent(&self, record: &IdempotencyRecord) -> Timestamp {
        let first = record.expires_at.plus_millis(-self.keep_ms());
        // Sent again, it may be remembered longer than the first sending would have it.
        let longer = self.under_way_ms(Self::LATE_MAX);
        let extended = record.expires_at <= record.sent_at.plus_millis(longer);
        let longer = if extended && first != record.sent_at {
            longer
        } else {
            0
        };
        record.sent_at.min(first.plus_millis(-longer))
    }

    /// After how long a write that is noted now can no longer be on its way, when it may leave so
    /// much later; in milliseconds.
    pub(super) fn under_way_ms(&self, late: Duration) -> i64 {
        let late = late.min(Self::LATE_MAX);
        let late = i64::try_from(late.as_millis()).unwrap_or_default();
        self.settle_ms().saturating_add(late)
    }
}

impl Default for IdempotencySettings {
    fn default() -> Self {
        Self {
            keep: Duration::from_secs(24 * 3_600),
            records: 10_000,
            answer_bytes: 1 << 20,
            client_bytes: 256 << 20,
            settle: Duration::from_secs(60),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_catalog::Op;
    use doorward_store::{IdempotencyId, IdempotencyState};

    #[test]
    fn the_first_sending_is_told_from_a_later_one() {
        const FIRST: Timestamp = Timestamp::from_seconds(1_800_000_000);
        let settings = IdempotencySettings::default();
        let late = IdempotencySettings::LATE_MAX;
        let (keep, longest) = (settings.keep_ms(), settings.under_way_ms(late));
        let first = |sent_at: Timestamp, expires_at: Timestamp| {
            settings.first_sent(&IdempotencyRecord {
                id: IdempotencyId::new([1; 32]),
                client_id: "cl_1".to_owned(),
                operation: Op::CreateLead,
                as_workspace: None,
                fingerprint: [2; 32],
                state: IdempotencyState::Unknown,
                request_id: String::new(),
                sent_at,
                expires_at,
                status: None,
                answer: None,
            })
        };
        let end = FIRST.plus_millis(keep);
        assert_eq!(first(FIRST, end), FIRST);
        assert_eq!(first(FIRST.plus_millis(keep / 2), end), FIRST);
        assert_eq!(first(FIRST.plus_millis(7_000), end), FIRST, "it left late");
        // Sent again at the last moment, and remembered longer for it: what the first sending made is
        // not taken for something older.
        let last = end.plus_millis(-1);
        for waits in [0, 10_000, 300_000] {
            let remembered = last.plus_millis(settings.settle_ms() + waits);
            for left in [0, waits / 2, waits] {
                let told = first(last.plus_millis(left), remembered);
                assert!(told <= FIRST && told >= FIRST.plus_millis(-longest));
            }
        }
    }
}
