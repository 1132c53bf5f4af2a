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
    pub(super) fn keep_ms(&self) -> i64 {
        i64::try_from(self.keep.as_millis()).unwrap_or(i64::MAX)
    }

    pub(super) fn settle_ms(&self) -> i64 {
        i64::try_from(self.settle.as_millis()).unwrap_or(i64::MAX)
    }

    /// When the write of a record was sent the first time, or a little before that.
    pub(super) fn first_sent(&self, record: &IdempotencyRecord) -> Timestamp {
        let first = record.expires_at.plus_millis(-self.keep_ms());
        let extended = record.sent_at.plus_millis(self.settle_ms());
        if first < record.sent_at && record.expires_at != extended {
            return first;
        }
        // Sent again, it may be remembered longer than the first sending would have it.
        let longer = if first == record.sent_at {
            0
        } else {
            self.settle_ms()
        };
        record.sent_at.min(first.plus_millis(-longer))
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
        let (keep, settle) = (settings.keep_ms(), settings.settle_ms());
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
        // Sent again at the last moment, and remembered longer for it: what the first sending made is
        // not taken for something older.
        let last = end.plus_millis(-1);
        let told = first(last, last.plus_millis(settle));
        assert!(told <= FIRST && told >= FIRST.plus_millis(-settle));
    }
}
