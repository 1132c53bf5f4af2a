//! The same alert within a window is told once, and at the window's end how often it came again.

use std::collections::BTreeMap;
use std::time::Duration;

use doorward_policy::Timestamp;

use crate::alert::{Alert, Told};
use crate::kind::AlertKind;

/// Most alerts that are remembered; of more, those told the longest ago are forgotten.
const MOST: usize = 1_024;

/// What was told lately.
#[derive(Debug)]
pub(crate) struct Dedupe {
    window: i64,
    lately: BTreeMap<(AlertKind, String), Seen>,
}

#[derive(Debug)]
struct Seen {
    /// When it was last told.
    told: Timestamp,
    /// How often it came since, when it first did, and the last of them.
    since: Option<(u64, Timestamp, Alert)>,
}

impl Seen {
    /// What came since it was told.
    fn untold(self) -> Option<Told> {
        let (count, first, alert) = self.since?;
        Some(Told::again(alert, count, Some(first)))
    }
}

fn millis(window: Duration) -> i64 {
    i64::try_from(window.as_millis()).unwrap_or(i64::MAX)
}

impl Dedupe {
    pub(crate) fn new(window: Duration) -> Self {
        Self {
            window: millis(window),
            lately: BTreeMap::new(),
        }
    }

    /// Another window from now on, of what was told before too.
    pub(crate) fn set_window(&mut self, window: Duration) {
        self.window = millis(window);
    }

    /// What to tell: the alert, unless it was told within the window and so is counted; and before
    /// it what has to be forgotten for it and was not told whole.
    pub(crate) fn offer(&mut self, alert: Alert, now: Timestamp) -> Vec<Told> {
        let name = (alert.kind, alert.key.clone());
        if let Some(seen) = self.lately.get_mut(&name)
            && now.millis_since(seen.told) < self.window
        {
            let (count, first) = match &seen.since {
                Some((count, first, _)) => (count.saturating_add(1), *first),
                None => (1, alert.at),
            };
            seen.since = Some((count, first, alert));
            return Vec::new();
        }
        let mut told = Vec::new();
        if self.lately.len() >= MOST
            && let Some(oldest) = self.oldest()
        {
            told.extend(self.lately.remove(&oldest).and_then(Seen::untold));
        }
        // What came since and was not told yet is told with it.
        let before = self.lately.insert(
            name,
            Seen {
                told: now,
                since: None,
            },
        );
        told.push(match before.and_then(|seen| seen.since) {
            Some((count, first, _)) => Told::again(alert, count.saturating_add(1), Some(first)),
            None => Told::first(alert),
        });
        told
    }

    /// All that came and was not told yet: it is the end.
    pub(crate) fn rest(&mut self) -> Vec<Told> {
        let lately = std::mem::take(&mut self.lately);
        lately.into_values().filter_map(Seen::untold).collect()
    }

    /// Those whose window is over: told if they came again, forgotten if not.
    pub(crate) fn due(&mut self, now: Timestamp) -> Vec<Told> {
        let window = self.window;
        let mut due = Vec::new();
        self.lately.retain(|_, seen| {
            if now.millis_since(seen.told) < window {
                return true;
            }
            let Some((count, first, alert)) = seen.since.take() else {
                return false;
            };
            due.push(Told::again(alert, count, Some(first)));
            seen.told = now;
            true
        });
        due
    }

    /// When something is due.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let ends = self.lately.values();
        ends.map(|seen| seen.told.plus_millis(self.window)).min()
    }

    fn oldest(&self) -> Option<(AlertKind, String)> {
        let oldest = self.lately.iter().min_by_key(|(_, seen)| seen.told);
        oldest.map(|(name, _)| name.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AT: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn alert(key: &str, at: Timestamp) -> Alert {
        Alert::new(AlertKind::KeyDead, "a key is dead", at).key(key)
    }

    #[test]
    fn the_same_is_told_once_and_counted() {
        let mut dedupe = Dedupe::new(Duration::from_secs(60));
        let after = |seconds: i64| AT.plus_millis(seconds * 1_000);
        assert_eq!(dedupe.offer(alert("a", AT), AT)[0].count, 1);
        assert_eq!(dedupe.offer(alert("b", AT), AT)[0].count, 1);
        for seconds in [1, 2, 59] {
            assert_eq!(dedupe.offer(alert("a", after(seconds)), after(seconds)), []);
        }
        assert_eq!(dedupe.due(after(59)), []);
        assert_eq!(dedupe.next(), Some(after(60)));
        let due = dedupe.due(after(60));
        assert_eq!(due.len(), 1);
        assert_eq!((due[0].count, due[0].since), (3, Some(after(1))));
        assert_eq!(
            due[0].headline(),
            format!("a key is dead (3 more times since {})", after(1))
        );
        // A new window has begun for it; the other is forgotten.
        assert_eq!(dedupe.offer(alert("a", after(70)), after(70)), []);
        assert_eq!(dedupe.offer(alert("b", after(70)), after(70))[0].count, 1);
    }

    proptest! {
        /// Nothing is lost: what is told adds up to what came.
        #[test]
        fn counts_add_up(steps in prop::collection::vec((0_u8..4, 0_i64..90), 0..200)) {
            let mut dedupe = Dedupe::new(Duration::from_secs(60));
            let (mut now, mut told) = (AT, 0);
            for (key, wait) in &steps {
                now = now.plus_millis(wait * 1_000);
                told += dedupe.due(now).iter().map(|told| told.count).sum::<u64>();
                let first = dedupe.offer(alert(&key.to_string(), now), now);
                told += first.iter().map(|told| told.count).sum::<u64>();
            }
            told += dedupe.rest().iter().map(|told| told.count).sum::<u64>();
            prop_assert_eq!(told, steps.len() as u64);
        }
    }

    #[test]
    fn memory_is_bounded_and_nothing_is_forgotten_untold() {
        let mut dedupe = Dedupe::new(Duration::from_secs(60));
        // The first came again, and would be told at the end of its window.
        assert_eq!(dedupe.offer(alert("0", AT), AT).len(), 1);
        assert_eq!(dedupe.offer(alert("0", AT), AT), []);
        let mut told = 1;
        for n in 1..MOST as i64 + 50 {
            let now = AT.plus_millis(n);
            let offered = dedupe.offer(alert(&n.to_string(), now), now);
            told += offered.iter().map(|told| told.count).sum::<u64>();
        }
        assert_eq!(told, MOST as u64 + 51);
        assert_eq!(dedupe.lately.len(), MOST);
        // The newest are those that are remembered.
        let last = (MOST + 49).to_string();
        assert_eq!(dedupe.offer(alert(&last, AT), AT.plus_millis(2_000)), []);
    }
}
