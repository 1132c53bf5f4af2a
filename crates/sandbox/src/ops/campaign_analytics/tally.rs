//! Counting what happened.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::world::{Send, SendKind};

/// What happened, counted by kind.
#[derive(Debug, Default)]
pub(super) struct Tally<'s> {
    kinds: HashMap<SendKind, Kind<'s>>,
    new_leads: HashSet<&'s str>,
    /// In the order they came.
    opportunities: Vec<&'s Send>,
}

#[derive(Debug, Default)]
struct Kind<'s> {
    total: usize,
    leads: HashSet<&'s str>,
    by_step: HashSet<(&'s str, Option<&'s str>, u32)>,
}

/// How often something happened: in all, to how many leads, and to how many leads counted anew for
/// each step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) total: usize,
    pub(super) leads: usize,
    pub(super) by_step: usize,
}

/// Positive changes of leads' interest.
#[derive(Debug)]
pub(super) struct Opportunities<'s> {
    pub(super) total: usize,
    pub(super) sends: Vec<&'s Send>,
}

impl Opportunities<'_> {
    /// How many were to an interest status.
    pub(super) fn of(&self, interest: i16) -> usize {
        self.sends
            .iter()
            .filter(|send| interest_of(send) == interest)
            .count()
    }
}

/// An opportunity of which no more is known is a plain interest.
fn interest_of(send: &Send) -> i16 {
    send.interest.unwrap_or(1)
}

impl<'s> Tally<'s> {
    pub(super) fn of_all(sends: impl Iterator<Item = &'s Send>) -> Tally<'s> {
        let mut tally = Tally::default();
        sends.for_each(|send| tally.add(send));
        tally
    }

    pub(super) fn add(&mut self, send: &'s Send) {
        let kind = self.kinds.entry(send.kind).or_default();
        kind.total += 1;
        kind.leads.insert(&send.lead);
        kind.by_step
            .insert((&send.lead, send.subsequence.as_deref(), send.step));
        match send.kind {
            SendKind::Sent if send.step == 0 && send.subsequence.is_none() => {
                self.new_leads.insert(&send.lead);
            }
            SendKind::Opportunity => self.opportunities.push(send),
            _ => {}
        }
    }

    pub(super) fn of(&self, kind: SendKind) -> Count {
        self.kinds
            .get(&kind)
            .map_or_else(Count::default, |kind| Count {
                total: kind.total,
                leads: kind.leads.len(),
                by_step: kind.by_step.len(),
            })
    }

    /// Leads that got their first email.
    pub(super) fn new_leads(&self) -> usize {
        self.new_leads.len()
    }

    /// The positive changes: every one, or the first of each lead. Won is the greatest of the
    /// standing statuses; `positive` holds the labels' values that count as well.
    pub(super) fn opportunities(&self, positive: &HashSet<i16>, every: bool) -> Opportunities<'s> {
        let mut seen = HashSet::new();
        let sends: Vec<&Send> = self
            .opportunities
            .iter()
            .copied()
            .filter(|send| {
                let interest = interest_of(send);
                (1..=4).contains(&interest) || positive.contains(&interest)
            })
            .filter(|send| every || seen.insert(send.lead.as_str()))
            .collect();
        Opportunities {
            total: sends.len(),
            sends,
        }
    }
}

/// Tallies by a key, in its order.
pub(super) fn by<'s, K: Ord>(
    sends: impl Iterator<Item = &'s Send>,
    key: impl Fn(&'s Send) -> K,
) -> BTreeMap<K, Tally<'s>> {
    let mut tallies: BTreeMap<K, Tally<'s>> = BTreeMap::new();
    for send in sends {
        tallies.entry(key(send)).or_default().add(send);
    }
    tallies
}

#[cfg(test)]
mod tests {
    use super::*;

    fn send(kind: SendKind, lead: &str, step: u32, interest: Option<i16>) -> Send {
        Send {
            at: 0,
            kind,
            campaign: "c".to_owned(),
            subsequence: None,
            step,
            variant: 0,
            account: String::new(),
            lead: lead.to_owned(),
            interest,
        }
    }

    #[test]
    fn counts_all_unique_and_by_step() {
        let sends = [
            send(SendKind::Opened, "a", 0, None),
            send(SendKind::Opened, "a", 0, None),
            send(SendKind::Opened, "a", 1, None),
            send(SendKind::Opened, "b", 1, None),
            send(SendKind::Sent, "a", 0, None),
            send(SendKind::Sent, "a", 1, None),
        ];
        let tally = Tally::of_all(sends.iter());
        let opened = Count {
            total: 4,
            leads: 2,
            by_step: 3,
        };
        assert_eq!(tally.of(SendKind::Opened), opened);
        assert_eq!(
            tally.of(SendKind::Sent),
            Count {
                total: 2,
                leads: 1,
                by_step: 2
            }
        );
        assert_eq!(tally.new_leads(), 1);
    }

    #[test]
    fn a_lead_that_rises_counts_once_or_every_time() {
        let sends = [
            send(SendKind::Opportunity, "a", 0, Some(1)),
            send(SendKind::Opportunity, "a", 0, Some(2)),
            send(SendKind::Opportunity, "a", 0, Some(-1)),
            send(SendKind::Opportunity, "b", 0, Some(700)),
        ];
        let tally = Tally::of_all(sends.iter());
        let labels = HashSet::from([700]);
        let first = tally.opportunities(&labels, false);
        assert_eq!((first.total, first.of(1), first.of(2)), (2, 1, 0));
        let every = tally.opportunities(&labels, true);
        assert_eq!((every.total, every.of(1), every.of(2)), (3, 1, 1));
        assert_eq!(tally.opportunities(&HashSet::new(), true).total, 2);
    }
}
