//! When client keys were last used, on its way to the store: coarse, off the path of calls.

use std::collections::HashMap;

use doorward_keys::KeyId;
use doorward_policy::Timestamp;

/// A key's last use is written at most once in so long.
const AT_MOST_EVERY: i64 = 60_000;

/// The last use of each key that was used lately.
#[derive(Debug, Default)]
pub(super) struct KeyUses(HashMap<KeyId, Use>);

#[derive(Debug, Clone, Copy)]
struct Use {
    last: Timestamp,
    /// The last use that was written, and when.
    written: Option<(Timestamp, Timestamp)>,
}

impl Use {
    fn is_news(&self) -> bool {
        self.written.is_none_or(|(last, _)| last < self.last)
    }
}

impl KeyUses {
    /// A key was used.
    pub(super) fn used(&mut self, key: KeyId, at: Timestamp) {
        let fresh = Use {
            last: at,
            written: None,
        };
        let seen = self.0.entry(key).or_insert(fresh);
        seen.last = seen.last.max(at);
    }

    /// What is to be written now: each key once in a minute. Keys that were not used for so long
    /// are out of mind.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<(KeyId, Timestamp)> {
        self.0.retain(|_, seen| {
            seen.is_news() || seen.written.is_none_or(|(_, at)| is_recent(at, now))
        });
        self.take(now, |seen| {
            seen.written.is_none_or(|(_, at)| !is_recent(at, now))
        })
    }

    /// All that is not written yet.
    pub(super) fn rest(&mut self, now: Timestamp) -> Vec<(KeyId, Timestamp)> {
        self.take(now, |_| true)
    }

    /// Takes back what could not be written.
    pub(super) fn unwritten(&mut self, uses: &[(KeyId, Timestamp)]) {
        for (key, at) in uses {
            self.used(*key, *at);
            if let Some(seen) = self.0.get_mut(key) {
                seen.written = None;
            }
        }
    }

    fn take(&mut self, now: Timestamp, wanted: impl Fn(&Use) -> bool) -> Vec<(KeyId, Timestamp)> {
        let due = self.0.iter_mut();
        due.filter(|(_, seen)| seen.is_news() && wanted(seen))
            .map(|(key, seen)| {
                seen.written = Some((seen.last, now));
                (*key, seen.last)
            })
            .collect()
    }
}

/// A clock that was set back makes nothing wait.
fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    (0..AT_MOST_EVERY).contains(&now.millis_since(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn key() -> KeyId {
        "3Nf0aQ9ZbX2k".parse().unwrap()
    }

    #[test]
    fn a_key_is_written_at_once_and_then_once_a_minute() {
        let mut uses = KeyUses::default();
        let mut written = Vec::new();
        for second in 0..=180 {
            let at = NOW.plus_millis(second * 1_000);
            uses.used(key(), at);
            written.extend(uses.due(at).into_iter().map(|(_, at)| at));
        }
        let expected: Vec<_> = (0..4).map(|n| NOW.plus_millis(n * 60_000)).collect();
        assert_eq!(written, expected);
        let last = NOW.plus_millis(181_000);
        uses.used(key(), last);
        assert_eq!(uses.due(last), []);
        assert_eq!(
            uses.rest(last),
            [(key(), last)],
            "nothing is lost at the end"
        );
        assert_eq!(uses.rest(last), []);
        assert_eq!(uses.due(last.plus_millis(60_000)), []);
        assert!(uses.0.is_empty(), "what is not used takes no room");
    }

    #[test]
    fn what_could_not_be_written_is_written_next() {
        let mut uses = KeyUses::default();
        uses.used(key(), NOW);
        let due = uses.due(NOW);
        uses.unwritten(&due);
        assert_eq!(uses.due(NOW.plus_millis(5_000)), [(key(), NOW)]);
        // A clock that was set back a day.
        let before = NOW.plus_millis(-86_400_000);
        uses.used(key(), NOW.plus_millis(6_000));
        assert_eq!(uses.due(before).len(), 1);
    }
}
