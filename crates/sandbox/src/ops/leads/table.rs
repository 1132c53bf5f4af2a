//! The leads of a workspace.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Bound;

use serde::de::Deserializer;
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::row::Lead;

/// The leads of a workspace: by id in ascending order, which is the order they are listed in, and by
/// address. The address index holds hashes, not addresses, so that it costs little beside the rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct LeadTable {
    rows: BTreeMap<Uuid, Box<Lead>>,
    by_email: HashMap<u64, Holders>,
}

/// The leads whose addresses have one hash: mostly one, and then without a set of its own.
#[derive(Debug, Clone)]
enum Holders {
    One(Uuid),
    Many(BTreeSet<Uuid>),
}

impl Holders {
    fn ids(&self) -> Box<dyn Iterator<Item = Uuid> + '_> {
        match self {
            Holders::One(id) => Box::new(std::iter::once(*id)),
            Holders::Many(ids) => Box::new(ids.iter().copied()),
        }
    }

    fn add(&mut self, id: Uuid) {
        match self {
            Holders::One(held) => *self = Holders::Many(BTreeSet::from([*held, id])),
            Holders::Many(ids) => drop(ids.insert(id)),
        }
    }

    /// Whether any is left.
    fn take_away(&mut self, id: Uuid) -> bool {
        match self {
            Holders::One(held) => *held != id,
            Holders::Many(ids) => {
                ids.remove(&id);
                !ids.is_empty()
            }
        }
    }
}

/// An address as addresses are compared.
pub(crate) fn fold(email: &str) -> String {
    email.trim().to_lowercase()
}

fn hash(email: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    fold(email).hash(&mut hasher);
    hasher.finish()
}

impl LeadTable {
    /// Puts a lead under its id, over the one that is there.
    pub(crate) fn insert(&mut self, lead: Lead) {
        self.remove(lead.id);
        if let Some(email) = lead.email.as_deref() {
            let id = lead.id;
            self.by_email
                .entry(hash(email))
                .and_modify(|holders| holders.add(id))
                .or_insert(Holders::One(id));
        }
        self.rows.insert(lead.id, Box::new(lead));
    }

    pub(crate) fn get(&self, id: Uuid) -> Option<&Lead> {
        self.rows.get(&id).map(Box::as_ref)
    }

    /// A lead to change. Its address must stay: it is indexed.
    pub(crate) fn get_mut(&mut self, id: Uuid) -> Option<&mut Lead> {
        self.rows.get_mut(&id).map(Box::as_mut)
    }

    pub(crate) fn remove(&mut self, id: Uuid) -> Option<Lead> {
        let lead = self.rows.remove(&id)?;
        if let Some(email) = lead.email.as_deref() {
            let key = hash(email);
            let left = self
                .by_email
                .get_mut(&key)
                .is_some_and(|holders| holders.take_away(id));
            if !left {
                self.by_email.remove(&key);
            }
        }
        Some(*lead)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// In ascending order of id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Lead> {
        self.rows.values().map(Box::as_ref)
    }

    /// In ascending order of id, to change. Addresses must stay: they are indexed.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Lead> {
        self.rows.values_mut().map(Box::as_mut)
    }

    /// Those after an id, in ascending order; the lead of that id need not be there any more.
    pub(crate) fn after(&self, id: Option<Uuid>) -> impl Iterator<Item = &Lead> {
        let from = id.map_or(Bound::Unbounded, Bound::Excluded);
        self.rows
            .range((from, Bound::Unbounded))
            .map(|(_, lead)| lead.as_ref())
    }

    /// Those with an address, letter case aside, in ascending order of id.
    pub(crate) fn with_email(&self, email: &str) -> impl Iterator<Item = &Lead> {
        let folded = fold(email);
        self.by_email
            .get(&hash(email))
            .into_iter()
            .flat_map(Holders::ids)
            .filter_map(|id| self.get(id))
            .filter(move |lead| {
                lead.email
                    .as_deref()
                    .is_some_and(|held| fold(held) == folded)
            })
    }

    /// The lead with an address in a campaign.
    pub(crate) fn in_campaign(&self, email: &str, campaign: Uuid) -> Option<&Lead> {
        self.with_email(email)
            .find(|lead| lead.campaign == Some(campaign))
    }
}

impl Serialize for LeadTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.rows.values())
    }
}

impl<'de> Deserialize<'de> for LeadTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<LeadTable, D::Error> {
        let mut table = LeadTable::default();
        for lead in Vec::<Lead>::deserialize(deserializer)? {
            table.insert(lead);
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lead(n: u128, email: Option<&str>, campaign: Option<u128>) -> Lead {
        let mut lead = Lead::new(Uuid::from_u128(n), 1);
        lead.email = email.map(Into::into);
        lead.campaign = campaign.map(Uuid::from_u128);
        lead
    }

    fn ids<'a>(leads: impl Iterator<Item = &'a Lead>) -> Vec<u128> {
        leads.map(|lead| lead.id.as_u128()).collect()
    }

    #[test]
    fn finds_by_address_whatever_its_case_and_forgets_the_removed() {
        let mut table = LeadTable::default();
        table.insert(lead(3, Some("Ada@Example.com"), Some(7)));
        table.insert(lead(1, Some("ada@example.com "), Some(8)));
        table.insert(lead(2, None, Some(7)));
        assert_eq!(ids(table.with_email("ADA@example.com")), [1, 3]);
        assert_eq!(
            table
                .in_campaign("ada@example.com", Uuid::from_u128(8))
                .map(|l| l.id.as_u128()),
            Some(1)
        );
        table.remove(Uuid::from_u128(3));
        assert_eq!(ids(table.with_email("ada@example.com")), [1]);
        table.remove(Uuid::from_u128(1));
        assert_eq!(table.with_email("ada@example.com").count(), 0);
        assert!(table.by_email.is_empty());
    }

    #[test]
    fn lists_by_id_after_a_cursor_that_is_gone() {
        let mut table = LeadTable::default();
        for n in [5, 1, 9, 3] {
            table.insert(lead(n, None, None));
        }
        assert_eq!(ids(table.after(None)), [1, 3, 5, 9]);
        table.remove(Uuid::from_u128(3));
        assert_eq!(ids(table.after(Some(Uuid::from_u128(3)))), [5, 9]);
    }

    #[test]
    fn a_dump_loads_with_its_index() {
        let mut table = LeadTable::default();
        table.insert(lead(1, Some("a@example.com"), Some(2)));
        let text = serde_json::to_string(&table).unwrap();
        let back: LeadTable = serde_json::from_str(&text).unwrap();
        assert_eq!(ids(back.with_email("a@example.com")), [1]);
    }

    #[test]
    fn a_row_stays_small() {
        assert!(size_of::<Lead>() <= 240, "{} bytes", size_of::<Lead>());
    }
}
