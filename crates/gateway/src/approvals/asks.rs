//! What clients asked for lately, so that who asks again and again costs nothing that others need.
//!
//! The same request within a few seconds is answered from memory. Beyond that, each client may ask
//! so often.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use doorward_policy::Timestamp;
use doorward_store::{ApprovalRecord, ApprovalState};

/// How long the answer to a request holds.
const HOLDS_MS: i64 = 5_000;
/// Most requests that are remembered.
const MOST: usize = 20_000;
/// A client may ask so often at once, and once more each second.
const BURST: f64 = 120.0;
/// Most clients whose rate is kept in mind.
const CLIENTS: usize = 20_000;

/// What was asked for lately.
#[derive(Debug, Default)]
pub(super) struct Asks {
    lately: Mutex<HashMap<[u8; 32], Lately>>,
    /// How many were decided. Raised while `lately` is locked.
    decisions: AtomicU64,
    buckets: Mutex<HashMap<String, Bucket>>,
}

/// One that waits for its decision.
#[derive(Debug)]
struct Lately {
    record: ApprovalRecord,
    holds_until: Timestamp,
    /// How often it was asked for that the store was not told of.
    untold: u64,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Asks {
    /// The answer to a request that was asked for a moment ago. It is counted.
    pub(super) fn again(&self, digest: &[u8; 32], now: Timestamp) -> Option<ApprovalRecord> {
        let mut lately = lock(&self.lately);
        let there = lately.get_mut(digest)?;
        let age = HOLDS_MS.saturating_sub(there.holds_until.millis_since(now));
        // A clock that was put back must not have an answer hold for good.
        if !(0..HOLDS_MS).contains(&age) || there.record.expires_at <= now {
            return None;
        }
        there.untold = there.untold.saturating_add(1);
        let mut record = there.record.clone();
        record.asked = record.asked.saturating_add(there.untold);
        Some(record)
    }

    /// Whether a client may ask the store for one more.
    pub(super) fn may_ask(&self, client_id: &str, now: Timestamp) -> bool {
        let mut buckets = lock(&self.buckets);
        let full = |bucket: &Bucket| bucket.tokens + seconds(now, bucket.at) >= BURST;
        if buckets.len() >= CLIENTS && !buckets.contains_key(client_id) {
            buckets.retain(|_, bucket| !full(bucket));
            if buckets.len() >= CLIENTS {
                return false;
            }
        }
        let bucket = buckets.entry(client_id.to_owned()).or_insert(Bucket {
            tokens: BURST,
            at: now,
        });
        bucket.tokens = (bucket.tokens + seconds(now, bucket.at)).min(BURST);
        bucket.at = now;
        let may = bucket.tokens >= 1.0;
        if may {
            bucket.tokens -= 1.0;
        }
        may
    }

    /// How many were decided by now: to be asked before the store is.
    pub(super) fn decisions(&self) -> u64 {
        self.decisions.load(Ordering::SeqCst)
    }

    /// Remembers what the store answered, unless anything was decided since there were so many
    /// `decisions`: it may be this one, and then it waits no more.
    pub(super) fn remember(&self, record: &ApprovalRecord, now: Timestamp, decisions: u64) {
        if record.state != ApprovalState::Pending {
            return;
        }
        let mut lately = lock(&self.lately);
        if self.decisions() != decisions {
            return;
        }
        if lately.len() >= MOST && !lately.contains_key(&record.digest) {
            // What was asked for once and long ago is not missed.
            lately.retain(|_, one| one.untold > 0 || now < one.holds_until);
            if lately.len() >= MOST {
                return;
            }
        }
        let untold = lately.get(&record.digest).map_or(0, |one| one.untold);
        let one = Lately {
            record: ApprovalRecord {
                request: Vec::new(),
                ..record.clone()
            },
            holds_until: now.plus_millis(HOLDS_MS),
            untold,
        };
        lately.insert(record.digest, one);
    }

    /// How often one was asked for that the store was not told of.
    pub(super) fn untold(&self, digest: &[u8; 32]) -> u64 {
        lock(&self.lately).get(digest).map_or(0, |one| one.untold)
    }

    /// Forgets one that is decided. How often it was asked for that the store was not told of.
    pub(super) fn decided(&self, digest: &[u8; 32]) -> u64 {
        let mut lately = lock(&self.lately);
        self.decisions.fetch_add(1, Ordering::SeqCst);
        lately.remove(digest).map_or(0, |one| one.untold)
    }

    /// Takes out what the store is to be told of: ids, and how often. Those whose time is over are
    /// forgotten.
    pub(super) fn take_untold(&self, now: Timestamp) -> Vec<(String, u64)> {
        let mut untold = Vec::new();
        lock(&self.lately).retain(|_, one| {
            let count = std::mem::take(&mut one.untold);
            if count > 0 {
                untold.push((one.record.id.clone(), count));
                one.record.asked = one.record.asked.saturating_add(count);
            }
            now < one.holds_until && now < one.record.expires_at
        });
        untold
    }
}

/// Seconds that passed; none when the clock went back.
fn seconds(now: Timestamp, then: Timestamp) -> f64 {
    let millis = u32::try_from(now.millis_since(then).max(0)).unwrap_or(u32::MAX);
    f64::from(millis) / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_catalog::Op;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn pending(digest: u8) -> ApprovalRecord {
        ApprovalRecord {
            id: format!("ap_{digest:016x}"),
            digest: [digest; 32],
            client_id: "cl_1".to_owned(),
            client: "importer".to_owned(),
            owner: String::new(),
            workspace_id: "ws_1".to_owned(),
            operation: Op::CreateLead,
            policy: "p".to_owned(),
            state: ApprovalState::Pending,
            asked: 1,
            asked_at: NOW,
            expires_at: NOW.plus_millis(3_600_000),
            decided_by: None,
            decided_at: None,
            reason: None,
            spent_at: None,
            request: vec![1],
        }
    }

    #[test]
    fn the_same_within_seconds_is_answered_from_memory_and_counted() {
        let (asks, record) = (Asks::default(), pending(1));
        assert_eq!(asks.again(&record.digest, NOW), None);
        asks.remember(&record, NOW, asks.decisions());
        for n in 1..=3 {
            let again = asks.again(&record.digest, NOW.plus_millis(4_999)).unwrap();
            assert_eq!(
                (again.id.as_str(), again.asked),
                (record.id.as_str(), 1 + n)
            );
        }
        assert_eq!(asks.again(&record.digest, NOW.plus_millis(5_000)), None);
        assert_eq!(
            asks.again(&record.digest, NOW.plus_millis(-1)),
            None,
            "the clock went back"
        );
        assert_eq!(asks.untold(&record.digest), 3);
        let told = asks.take_untold(NOW);
        assert_eq!(told, [(record.id.clone(), 3)]);
        assert_eq!(asks.take_untold(NOW), []);
        assert_eq!(
            asks.again(&record.digest, NOW).unwrap().asked,
            5,
            "1, 3 that were told, 1"
        );
        assert_eq!(asks.decided(&record.digest), 1);
        assert_eq!(asks.again(&record.digest, NOW), None, "decided");
    }

    #[test]
    fn each_client_has_its_own_rate() {
        let asks = Asks::default();
        let greedy = (0..10_000).filter(|_| asks.may_ask("cl_1", NOW)).count();
        assert_eq!(greedy, BURST as usize);
        assert!(asks.may_ask("cl_2", NOW));
        let later = NOW.plus_millis(10_000);
        let more = (0..10_000).filter(|_| asks.may_ask("cl_1", later)).count();
        assert_eq!(more, 10);
        // A clock that went back gives nothing and takes nothing.
        assert!(!asks.may_ask("cl_1", NOW));
    }
}
