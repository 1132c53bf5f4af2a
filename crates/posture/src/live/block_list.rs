//! Whom a workspace never writes to: up to millions of entries, held close together.

use std::fmt;

/// Most bytes of all values and ids together.
const BYTES_MAX: usize = 1 << 30;

/// The entries of a block list: addresses and domains in small letters, each with Instantly's id of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct BlockList {
    /// Value and id of each entry, one behind the other.
    text: String,
    /// By value, once it is sorted.
    entries: Vec<Entry>,
    sorted: bool,
}

/// Where an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    start: u32,
    value: u16,
    id: u16,
}

/// The list, or an entry of it, is larger than is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the block list is larger than is looked at")]
pub struct Full;

impl BlockList {
    /// Adds an entry.
    ///
    /// # Errors
    /// When there is no room.
    pub fn push(&mut self, value: &str, id: &str) -> Result<(), Full> {
        let value = value.trim().to_lowercase();
        let entry = Entry {
            start: u32::try_from(self.text.len()).map_err(|_| Full)?,
            value: u16::try_from(value.len()).map_err(|_| Full)?,
            id: u16::try_from(id.len()).map_err(|_| Full)?,
        };
        if self.text.len() + value.len() + id.len() > BYTES_MAX {
            return Err(Full);
        }
        self.text.push_str(&value);
        self.text.push_str(id);
        self.entries.push(entry);
        self.sorted = false;
        Ok(())
    }

    /// Sorts the entries, after the last was added; until then nothing is found quickly.
    pub fn sort(&mut self) {
        let mut entries = std::mem::take(&mut self.entries);
        entries.sort_by(|a, b| self.value(*a).cmp(self.value(*b)));
        entries.shrink_to_fit();
        self.text.shrink_to_fit();
        self.entries = entries;
        self.sorted = true;
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Values and ids, by value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|entry| {
            let end = entry.start as usize + usize::from(entry.value);
            let id = self.text.get(end..end + usize::from(entry.id));
            (self.value(*entry), id.unwrap_or_default())
        })
    }

    /// Whether this very address or domain is on it.
    pub fn contains(&self, value: &str) -> bool {
        let value = value.trim().to_lowercase();
        if self.sorted {
            let found = self
                .entries
                .binary_search_by(|entry| self.value(*entry).cmp(&value));
            return found.is_ok();
        }
        self.entries.iter().any(|entry| self.value(*entry) == value)
    }

    /// Whether mail to this address, or to any of this domain, is kept from going out: it is on the list,
    /// or its domain is.
    pub fn blocks(&self, value: &str) -> bool {
        self.contains(value)
            || value
                .rsplit_once('@')
                .is_some_and(|(_, domain)| self.contains(domain))
    }

    fn value(&self, entry: Entry) -> &str {
        let start = entry.start as usize;
        let value = self.text.get(start..start + usize::from(entry.value));
        value.unwrap_or_default()
    }
}

impl fmt::Debug for BlockList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlockList({} entries)", self.len())
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for BlockList {
    /// A sorted list; what finds no room is left out.
    fn from_iter<I: IntoIterator<Item = (&'a str, &'a str)>>(all: I) -> Self {
        let mut list = Self::default();
        for (value, id) in all {
            let _ = list.push(value, id);
        }
        list.sort();
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_on_it_is_found_and_its_domain_counts() {
        let mut list = BlockList::default();
        list.push("Rival.Example", "1").unwrap();
        list.push("boss@big.example ", "2").unwrap();
        for _ in 0..2 {
            assert!(list.contains("rival.example") && list.blocks("ann@RIVAL.example"));
            assert!(list.blocks("boss@big.example") && !list.blocks("big.example"));
            assert!(!list.contains("example"));
            list.sort();
        }
        let all: Vec<_> = list.iter().collect();
        assert_eq!(all, [("boss@big.example", "2"), ("rival.example", "1")]);
        assert!(list.push(&"x".repeat(70_000), "3").is_err());
        assert_eq!(list.len(), 2);
    }

    proptest! {
        #[test]
        fn it_is_a_set_with_ids(values in prop::collection::vec("\\PC{0,12}", 0..40)) {
            let list: BlockList = values.iter().map(|value| (value.as_str(), "id")).collect();
            prop_assert_eq!(list.len(), values.len());
            for value in &values {
                prop_assert!(list.contains(value));
            }
            prop_assert!(list.iter().is_sorted_by(|a, b| a.0 <= b.0));
        }
    }
}
