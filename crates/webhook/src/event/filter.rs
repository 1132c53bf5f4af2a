//! Which events a destination wants.

use doorward_catalog::event::{ALL_EVENTS, delivered_name};
use serde::{Deserialize, Serialize};

use super::facts::TYPE_MAX;

/// Most entries of each list.
const MOST: usize = 1_000;

/// What a destination wants. An empty list asks for nothing in particular: everything goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Event types, by the name of their subscription or the one they are sent by; labels by their
    /// text. `all_events` is all of them.
    pub types: Vec<String>,
    /// Ids of campaigns. What is of no campaign is not wanted then.
    pub campaigns: Vec<String>,
    /// Ids of workspaces.
    pub workspaces: Vec<String>,
}

/// What is wrong with a filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FilterFault {
    /// A list has more than a thousand entries.
    #[error("{0} has more than 1,000 entries; leave it empty for all")]
    TooMany(&'static str),
    /// An entry is empty or too long, so nothing could ever be meant by it.
    #[error("an entry of {0} is empty or longer than 256 bytes; leave the list empty for all")]
    Entry(&'static str),
}

impl Filter {
    /// Checks it.
    ///
    /// # Errors
    /// When a list is too long, or an entry could mean nothing.
    pub fn check(&self) -> Result<(), FilterFault> {
        let lists = [
            ("types", &self.types),
            ("campaigns", &self.campaigns),
            ("workspaces", &self.workspaces),
        ];
        for (name, list) in lists {
            if list.len() > MOST {
                return Err(FilterFault::TooMany(name));
            }
            let means = |entry: &String| (1..=TYPE_MAX).contains(&entry.len());
            if !list.iter().all(means) {
                return Err(FilterFault::Entry(name));
            }
        }
        Ok(())
    }

    /// Whether an event is wanted: its type as it was sent, its campaign, its workspace.
    pub fn wants(&self, event_type: &str, campaign: Option<&str>, workspace: &str) -> bool {
        let types = &self.types;
        let of_type = |wanted: &String| {
            wanted == ALL_EVENTS || wanted == event_type || delivered_name(wanted) == event_type
        };
        let same = |wanted: &String, is: &str| wanted.eq_ignore_ascii_case(is);
        (types.is_empty() || types.iter().any(of_type))
            && (self.campaigns.is_empty()
                || campaign.is_some_and(|is| self.campaigns.iter().any(|one| same(one, is))))
            && (self.workspaces.is_empty()
                || self.workspaces.iter().any(|one| same(one, workspace)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> Vec<String> {
        entries.iter().map(|entry| (*entry).to_owned()).collect()
    }

    #[test]
    fn empty_wants_everything() {
        assert!(Filter::default().wants("any label", None, "w"));
        assert_eq!(Filter::default().check(), Ok(()));
    }

    #[test]
    fn each_list_must_hold() {
        let filter = Filter {
            types: list(&["email_link_clicked", "Hot!"]),
            campaigns: list(&["C1"]),
            workspaces: list(&["w1"]),
        };
        assert!(filter.wants("link_clicked", Some("c1"), "W1"));
        assert!(filter.wants("Hot!", Some("c1"), "w1"));
        assert!(!filter.wants("hot!", Some("c1"), "w1"));
        assert!(!filter.wants("email_sent", Some("c1"), "w1"));
        assert!(!filter.wants("link_clicked", None, "w1"));
        assert!(!filter.wants("link_clicked", Some("c2"), "w1"));
        assert!(!filter.wants("link_clicked", Some("c1"), "w2"));
        let all = Filter {
            types: list(&["all_events"]),
            ..Filter::default()
        };
        assert!(all.wants("auto_reply_received", None, "w"));
    }

    #[test]
    fn what_could_mean_nothing_is_refused() {
        let empty = Filter {
            types: list(&[""]),
            ..Filter::default()
        };
        assert_eq!(empty.check(), Err(FilterFault::Entry("types")));
        let many = Filter {
            campaigns: vec!["c".to_owned(); MOST + 1],
            ..Filter::default()
        };
        assert_eq!(many.check(), Err(FilterFault::TooMany("campaigns")));
    }
}
