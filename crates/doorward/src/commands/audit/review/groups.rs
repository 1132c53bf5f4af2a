//! What stands out in a span of the ledger, by groups.

use std::collections::{BTreeMap, HashSet, VecDeque};

use doorward_audit::Entry;
use doorward_catalog::Op;
use doorward_ledger::log::{Reader, Record};
use doorward_ledger::{Act, Change, Event, FindingState, Leaf, ReadLeaf, SubjectId, Verdict};

use super::super::folder::entry;
use crate::exit::Failure;
use crate::output::Tone;

/// Leaves before the span that are looked at for addresses that are known.
const BEFORE: u64 = 2_000_000;
/// Most addresses that are remembered.
const ADDRESSES: usize = 500_000;

/// What stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Group {
    Refusals,
    Strangers,
    Dangerous,
    BreakGlass,
    Access,
    Addresses,
    Uncertain,
    Ledger,
    Findings,
    People,
    Claims,
}

impl Group {
    /// All, gravest first as far as can be said.
    pub(super) const ALL: [Self; 11] = [
        Self::Refusals,
        Self::Strangers,
        Self::Dangerous,
        Self::BreakGlass,
        Self::Access,
        Self::Addresses,
        Self::Uncertain,
        Self::Ledger,
        Self::Findings,
        Self::People,
        Self::Claims,
    ];

    /// Its name in the ledger.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Refusals => "refusals",
            Self::Strangers => "strangers",
            Self::Dangerous => "dangerous",
            Self::BreakGlass => "break_glass",
            Self::Access => "access",
            Self::Addresses => "unknown_addresses",
            Self::Uncertain => "uncertain",
            Self::Ledger => "ledger",
            Self::Findings => "findings",
            Self::People => "people",
            Self::Claims => "claims",
        }
    }

    /// What it is, for people.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Refusals => "calls and acts that were refused",
            Self::Strangers => "calls without a valid credential",
            Self::Dangerous => "dangerous acts: they destroy, send, spend or change access",
            Self::BreakGlass => "grants beyond the ceiling (break-glass)",
            Self::Access => "new and changed keys, clients and grants",
            Self::Addresses => "addresses that a client was not seen at before",
            Self::Uncertain => "acts whose end is not known",
            Self::Ledger => "what happened to the ledger itself",
            Self::Findings => "findings",
            Self::People => "looks at people's data, and erasures",
            Self::Claims => "what applications say they did",
        }
    }

    /// How much it weighs.
    pub(super) const fn tone(self) -> Tone {
        match self {
            Self::Dangerous | Self::BreakGlass | Self::Findings => Tone::Bad,
            Self::Claims | Self::People => Tone::Strong,
            _ => Tone::Careful,
        }
    }
}

/// Entries by group: how many, and the newest.
pub(super) struct Groups {
    counts: BTreeMap<Group, u64>,
    newest: BTreeMap<Group, VecDeque<Entry>>,
    addresses: HashSet<(String, SubjectId)>,
    held: usize,
}

impl Groups {
    /// Reads the leaves from `first` to `last`; of each group, the newest `held` are kept.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub(super) fn collect(
        reader: &Reader,
        first: u64,
        last: u64,
        held: usize,
    ) -> Result<Self, Failure> {
        let mut groups = Self {
            counts: BTreeMap::new(),
            newest: BTreeMap::new(),
            addresses: HashSet::new(),
            held,
        };
        let start = reader.minimum().max(first.saturating_sub(BEFORE));
        let mut cursor = reader.from(start).map_err(Failure::failed)?;
        while cursor.position() <= last {
            let Some(record) = cursor.next().map_err(Failure::failed)? else {
                break;
            };
            let Ok(ReadLeaf::Known(leaf)) = ReadLeaf::from_bytes(&record.leaf) else {
                continue;
            };
            let unseen = groups.is_new_address(&leaf);
            if (first..=last).contains(&record.sequence) {
                groups.take(&record, &leaf, unseen)?;
            }
        }
        for entries in groups.newest.values_mut() {
            entries.make_contiguous();
        }
        Ok(groups)
    }

    /// How many there are of a group.
    pub(super) fn count(&self, group: Group) -> u64 {
        self.counts.get(&group).copied().unwrap_or_default()
    }

    /// The newest of a group, in order.
    pub(super) fn entries(&self, group: Group) -> &[Entry] {
        self.newest
            .get(&group)
            .map_or(&[], |entries| entries.as_slices().0)
    }

    /// As it is recorded.
    pub(super) fn counts(&self) -> BTreeMap<String, u64> {
        let counts = self.counts.iter();
        counts
            .map(|(group, count)| (group.name().to_owned(), *count))
            .collect()
    }

    /// The newest of each, by name.
    pub(super) fn named(&self) -> BTreeMap<&str, &[Entry]> {
        let groups = Group::ALL.iter();
        groups
            .map(|group| (group.name(), self.entries(*group)))
            .collect()
    }

    fn is_new_address(&mut self, leaf: &Leaf) -> bool {
        let (Some(client), Some(source)) = (&leaf.act.client, &leaf.act.source) else {
            return false;
        };
        self.addresses.len() < ADDRESSES && self.addresses.insert((client.clone(), source.subject))
    }

    fn take(&mut self, record: &Record, leaf: &Leaf, new_address: bool) -> Result<(), Failure> {
        let mut found = groups_of(leaf);
        if new_address {
            found.push((Group::Addresses, 1));
        }
        for (group, count) in found {
            *self.counts.entry(group).or_default() += count;
            let newest = self.newest.entry(group).or_default();
            if newest.len() == self.held {
                newest.pop_front();
            }
            newest.push_back(entry(record)?);
        }
        Ok(())
    }
}

/// Where a leaf belongs, by what it says, and how many acts it stands for.
fn groups_of(leaf: &Leaf) -> Vec<(Group, u64)> {
    let Leaf { act, event, .. } = leaf;
    let mut found = Vec::new();
    let done = act.result == Verdict::Success;
    match event {
        Event::Refusals { count, .. } => found.push((Group::Strangers, *count)),
        _ if act.result == Verdict::Refused => found.push((Group::Refusals, 1)),
        _ if act.result == Verdict::Unknown => found.push((Group::Uncertain, 1)),
        _ => {}
    }
    match event {
        // A write is known by its intent, a read by its outcome alone.
        Event::Intent { operation, .. }
        | Event::Outcome {
            intent: None,
            operation: Some(operation),
            ..
        } if is_dangerous(operation) => found.push((Group::Dangerous, 1)),
        Event::Client { change } if done && grants(*change) => {
            found.push((Group::Access, 1));
            if has_break_glass(act) {
                found.push((Group::BreakGlass, 1));
            }
        }
        Event::ClientKey { change } | Event::UpstreamKey { change }
            if (done && grants(*change)) || *change == Change::Misused =>
        {
            found.push((Group::Access, 1));
        }
        Event::State { state } if state != "opened" => found.push((Group::Ledger, 1)),
        Event::LedgerKey { .. } if done => found.push((Group::Ledger, 1)),
        Event::Admin if done && act.action.starts_with("ledger.") => {
            found.push((Group::Ledger, 1));
        }
        Event::Admin if done && is_about_people(&act.action) => found.push((Group::People, 1)),
        Event::Erasure { .. } => found.push((Group::People, 1)),
        Event::Finding { state, .. } if *state == FindingState::Open => {
            found.push((Group::Findings, 1));
        }
        Event::Claim { .. } => found.push((Group::Claims, 1)),
        _ => {}
    }
    found
}

fn is_dangerous(operation: &str) -> bool {
    Op::from_id(operation).is_some_and(|op| op.facts().hazards.iter().next().is_some())
}

const fn grants(change: Change) -> bool {
    matches!(
        change,
        Change::Created | Change::Updated | Change::Enabled | Change::Granted
    )
}

fn is_about_people(action: &str) -> bool {
    matches!(
        action,
        "audit.search" | "audit.show" | "audit.export" | "commitment_key.erase"
    )
}

fn has_break_glass(act: &Act) -> bool {
    let glass = act
        .metadata
        .get("grant")
        .and_then(|grant| grant.get("break_glass"));
    glass.is_some_and(|glass| !glass.is_null())
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_ledger::LeafId;
    use doorward_policy::Timestamp;
    use serde_json::json;

    fn groups(act: Act, event: Event) -> Vec<Group> {
        let id = LeafId::from_random([1; 16]);
        let leaf = Leaf::new(id, Timestamp::from_seconds(1), act, event);
        groups_of(&leaf)
            .into_iter()
            .map(|(group, _)| group)
            .collect()
    }

    fn intent(operation: &str) -> Event {
        Event::Intent {
            operation: operation.to_owned(),
            body: None,
            inputs: None,
        }
    }

    #[test]
    fn what_destroys_or_sends_stands_out_once_and_a_read_does_not() {
        let act = |verdict| Act::new("x", verdict);
        let dangerous = groups(act(Verdict::Pending), intent("deleteCampaign"));
        assert_eq!(dangerous, [Group::Dangerous]);
        assert!(groups(act(Verdict::Pending), intent("listCampaign")).is_empty());
        let outcome = Event::Outcome {
            intent: Some(LeafId::from_random([2; 16])),
            operation: Some("deleteCampaign".to_owned()),
            status: Some(200),
            latency_us: 1,
            body: None,
            answer: None,
        };
        assert!(groups(act(Verdict::Success), outcome).is_empty());
    }

    #[test]
    fn a_grant_beyond_the_ceiling_is_told_apart() {
        let mut act = Act::new("client.grant", Verdict::Success);
        let event = || Event::Client {
            change: Change::Updated,
        };
        assert_eq!(groups(act.clone(), event()), [Group::Access]);
        let glass = json!({ "break_glass": { "reason": "(not shown)" } });
        act.metadata.insert("grant".to_owned(), glass);
        assert_eq!(
            groups(act.clone(), event()),
            [Group::Access, Group::BreakGlass]
        );
        act.result = Verdict::Refused;
        assert_eq!(groups(act, event()), [Group::Refusals]);
    }

    #[test]
    fn strangers_are_counted_as_often_as_they_came() {
        let event = Event::Refusals {
            door: doorward_ledger::Door::Out,
            since: String::new(),
            count: 41,
            reasons: BTreeMap::new(),
        };
        let act = Act::new("stranger.refused", Verdict::Refused);
        let id = LeafId::from_random([1; 16]);
        let leaf = Leaf::new(id, Timestamp::from_seconds(1), act, event);
        assert_eq!(groups_of(&leaf), [(Group::Strangers, 41)]);
    }
}
