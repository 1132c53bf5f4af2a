//! Strangers at the doors, counted: one leaf a door and minute, however many they are.

use std::collections::{BTreeMap, HashMap};

use doorward_ledger::{Act, Actor, ActorKind, Decision, Door, Event, Verdict};
use doorward_policy::Timestamp;

use crate::draft::Draft;

const MINUTE_MS: i64 = 60_000;
/// Most reasons that are told apart in a minute; the rest are `other`.
const REASONS_MAX: usize = 16;

/// What was counted and is not recorded yet.
#[derive(Default)]
pub(crate) struct Refusals {
    doors: HashMap<Door, Minute>,
}

struct Minute {
    number: i64,
    count: u64,
    reasons: BTreeMap<&'static str, u64>,
}

impl Refusals {
    /// Counts one. Gives the leaf of an earlier minute that ends with it.
    pub(crate) fn count(
        &mut self,
        door: Door,
        at: Timestamp,
        reason: &'static str,
    ) -> Option<Draft> {
        let number = at.millis().div_euclid(MINUTE_MS);
        let ended = match self.doors.get(&door) {
            // One that comes late counts with those of now: two that come by turns at the minute's
            // end would be a leaf each.
            Some(minute) if minute.number < number => self.doors.remove(&door),
            _ => None,
        };
        let minute = self.doors.entry(door).or_insert_with(|| Minute {
            number,
            count: 0,
            reasons: BTreeMap::new(),
        });
        minute.count += 1;
        let known = minute.reasons.len() < REASONS_MAX || minute.reasons.contains_key(reason);
        *minute
            .reasons
            .entry(if known { reason } else { "other" })
            .or_default() += 1;
        ended.map(|minute| minute.draft(door))
    }

    /// The leaves of minutes that are over at `now`; of all, when it is `None`.
    pub(crate) fn ended(&mut self, now: Option<Timestamp>) -> Vec<Draft> {
        let current = now.map(|now| now.millis().div_euclid(MINUTE_MS));
        let over: Vec<Door> = self
            .doors
            .iter()
            .filter(|(_, minute)| current != Some(minute.number))
            .map(|(door, _)| *door)
            .collect();
        over.into_iter()
            .filter_map(|door| self.doors.remove(&door).map(|minute| minute.draft(door)))
            .collect()
    }
}

impl Minute {
    fn draft(self, door: Door) -> Draft {
        let since = Timestamp::from_millis(self.number.saturating_mul(MINUTE_MS));
        let act = Act {
            actor: Some(Actor::of(ActorKind::Stranger)),
            decision: Some(Decision::Deny),
            ..Act::new("door.refuse", Verdict::Refused)
        };
        let event = Event::Refusals {
            door,
            since: since.to_string(),
            count: self.count,
            reasons: self
                .reasons
                .into_iter()
                .map(|(reason, count)| (reason.to_owned(), count))
                .collect(),
        };
        Draft::new(since.plus_millis(MINUTE_MS - 1), act, event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(draft: &Draft) -> (u64, String) {
        match &draft.event {
            Event::Refusals { count, since, .. } => (*count, since.clone()),
            _ => panic!("another event"),
        }
    }

    #[test]
    fn a_million_strangers_are_one_leaf_a_minute() {
        let mut refusals = Refusals::default();
        let start = Timestamp::from_seconds(1_800_000_000);
        for n in 0..1_000_000 {
            let at = start.plus_millis(n % 60_000);
            assert!(refusals.count(Door::Out, at, "unknown_key").is_none());
        }
        assert!(refusals.ended(Some(start)).is_empty());
        let next = refusals.count(Door::Out, start.plus_millis(60_000), "malformed");
        assert_eq!(
            counted(&next.unwrap()),
            (1_000_000, "2027-01-15T08:00:00Z".to_owned())
        );
        let rest = refusals.ended(Some(start.plus_millis(180_000)));
        assert_eq!(rest.iter().map(counted).map(|c| c.0).sum::<u64>(), 1);
        assert!(refusals.ended(None).is_empty());
    }

    #[test]
    fn late_ones_at_the_end_of_a_minute_make_no_leaves() {
        let mut refusals = Refusals::default();
        let start = Timestamp::from_seconds(1_800_000_000);
        let leaves = (0..1_000).filter_map(|n| {
            let at = start.plus_millis(59_999 + n % 2);
            refusals.count(Door::Out, at, "unknown_key")
        });
        assert_eq!(leaves.count(), 1);
        let rest = refusals.ended(None);
        assert_eq!(counted(&rest[0]).0, 999);
    }

    #[test]
    fn doors_are_counted_apart_and_reasons_bounded() {
        let mut refusals = Refusals::default();
        let at = Timestamp::from_seconds(1_800_000_000);
        for reason in [
            "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q",
            "r", "a",
        ] {
            refusals.count(Door::Out, at, reason);
        }
        refusals.count(Door::In, at, "a");
        let mut leaves = refusals.ended(None);
        leaves.sort_by_key(|draft| counted(draft).0);
        let [one, many] = leaves.as_slice() else {
            panic!("two leaves")
        };
        assert_eq!((counted(one).0, counted(many).0), (1, 19));
        let Event::Refusals { reasons, .. } = &many.event else {
            panic!("refusals")
        };
        assert_eq!(reasons.len(), REASONS_MAX + 1);
        assert_eq!((reasons["a"], reasons["other"]), (2, 2));
    }
}
