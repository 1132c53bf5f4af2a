//! Keys and members as they were last listed, and what is another than before. Pure.

use std::collections::{BTreeMap, BTreeSet};

use doorward_catalog::UpstreamKeyFormat;
use doorward_catalog::wire::{ApiKey, WorkspaceMember};
use doorward_ledger::Severity;
use serde::{Deserialize, Serialize};

use super::record::{codes, shown};

/// An API key as it was listed; never its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedKey {
    /// Its name.
    pub name: String,
    /// Its scopes.
    pub scopes: BTreeSet<String>,
}

/// A member as it was listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedMember {
    /// The address that was invited.
    pub email: String,
    /// The role.
    pub role: String,
    /// Whether the invitation was accepted.
    pub accepted: bool,
    /// Permissions beside the role.
    pub permissions: BTreeSet<String>,
}

/// What a source listed last, by Instantly's ids. `None` until it could be listed once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Listing {
    #[serde(default)]
    pub(crate) keys: Option<BTreeMap<String, ListedKey>>,
    #[serde(default)]
    pub(crate) members: Option<BTreeMap<String, ListedMember>>,
    /// Every key that was ever listed: name by id.
    #[serde(default)]
    pub(crate) ever: BTreeMap<String, String>,
}

/// What is another than at the listing before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum ListingChange {
    /// There is a new API key.
    KeyAdded {
        /// Instantly's id.
        id: String,
        /// The key.
        key: ListedKey,
    },
    /// A key is gone.
    KeyRemoved {
        /// Instantly's id.
        id: String,
        /// The key as it was.
        key: ListedKey,
    },
    /// A key is another: Instantly says that can't be.
    KeyChanged {
        /// Instantly's id.
        id: String,
        /// As it was.
        before: ListedKey,
        /// As it is.
        key: ListedKey,
    },
    /// Somebody was invited.
    MemberAdded {
        /// Instantly's id of the membership.
        id: String,
        /// The member.
        member: ListedMember,
    },
    /// Somebody is gone. Keys they made live on.
    MemberRemoved {
        /// Instantly's id of the membership.
        id: String,
        /// The member as they were.
        member: ListedMember,
    },
    /// A member's role, permissions or acceptance changed.
    MemberChanged {
        /// Instantly's id of the membership.
        id: String,
        /// As they were.
        before: ListedMember,
        /// As they are.
        member: ListedMember,
    },
}

impl ListingChange {
    /// Its code: `api_key_added`, `member_changed`, …
    pub const fn code(&self) -> &'static str {
        match self {
            Self::KeyAdded { .. } => "api_key_added",
            Self::KeyRemoved { .. } => "api_key_removed",
            Self::KeyChanged { .. } => "api_key_changed",
            Self::MemberAdded { .. } => "member_added",
            Self::MemberRemoved { .. } => "member_removed",
            Self::MemberChanged { .. } => "member_changed",
        }
    }

    /// How much it deserves to be looked at.
    pub fn severity(&self) -> Severity {
        let mighty_key = |key: &ListedKey| {
            key.scopes.iter().any(|scope| {
                scope.starts_with("all:")
                    || scope.starts_with("api_keys:")
                    || scope.starts_with("workspace_members:")
            })
        };
        let mighty = |member: &ListedMember| matches!(member.role.as_str(), "owner" | "admin");
        match self {
            Self::KeyChanged { .. } => Severity::High,
            Self::KeyAdded { key, .. } if mighty_key(key) => Severity::High,
            Self::MemberAdded { member, .. } if mighty(member) => Severity::High,
            Self::MemberChanged { before, member, .. } if mighty(member) != mighty(before) => {
                Severity::High
            }
            Self::KeyAdded { .. } | Self::MemberAdded { .. } | Self::MemberChanged { .. } => {
                Severity::Medium
            }
            Self::KeyRemoved { .. } | Self::MemberRemoved { .. } => Severity::Low,
        }
    }
}

pub(super) fn keys(listed: Vec<ApiKey>) -> BTreeMap<String, ListedKey> {
    let one = |key: ApiKey| {
        let scopes = codes(key.scopes.iter().map(String::as_str));
        let name = name(&key.name);
        (shown(&key.id), ListedKey { name, scopes })
    };
    listed.into_iter().map(one).collect()
}

/// A key's name, unless somebody pasted a key where names belong.
fn name(text: &str) -> String {
    let of_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    match text.split(|c| !of_key(c)).any(UpstreamKeyFormat::matches) {
        true => "(not shown)".to_owned(),
        false => shown(text),
    }
}

pub(super) fn members(listed: Vec<WorkspaceMember>) -> BTreeMap<String, ListedMember> {
    let one = |member: WorkspaceMember| {
        let permissions = member.permissions.iter().flatten().map(String::as_str);
        let listed = ListedMember {
            email: member
                .email
                .chars()
                .filter(|c| !c.is_control())
                .take(320)
                .collect(),
            role: shown(&String::from(member.role.clone())),
            accepted: member.accepted,
            permissions: codes(permissions),
        };
        (shown(&member.id), listed)
    };
    listed.into_iter().map(one).collect()
}

impl Listing {
    /// Takes what is listed now; what is another than before. The first listing of a kind is what
    /// later ones are held against, and no change.
    pub(super) fn update(
        &mut self,
        keys: Option<BTreeMap<String, ListedKey>>,
        members: Option<BTreeMap<String, ListedMember>>,
    ) -> Vec<ListingChange> {
        let mut changes = Vec::new();
        if let Some(now) = keys {
            let named = now.iter().map(|(id, key)| (id.clone(), key.name.clone()));
            self.ever.extend(named);
            if let Some(before) = self.keys.replace(now.clone()) {
                diff(
                    &before,
                    &now,
                    &mut changes,
                    |id, key| ListingChange::KeyAdded { id, key },
                    |id, key| ListingChange::KeyRemoved { id, key },
                    |id, before, key| ListingChange::KeyChanged { id, before, key },
                );
            }
        }
        if let Some(now) = members
            && let Some(before) = self.members.replace(now.clone())
        {
            diff(
                &before,
                &now,
                &mut changes,
                |id, member| ListingChange::MemberAdded { id, member },
                |id, member| ListingChange::MemberRemoved { id, member },
                |id, before, member| ListingChange::MemberChanged { id, before, member },
            );
        }
        changes
    }
}

fn diff<T: Clone + PartialEq>(
    before: &BTreeMap<String, T>,
    now: &BTreeMap<String, T>,
    changes: &mut Vec<ListingChange>,
    added: impl Fn(String, T) -> ListingChange,
    removed: impl Fn(String, T) -> ListingChange,
    changed: impl Fn(String, T, T) -> ListingChange,
) {
    for (id, one) in now {
        match before.get(id) {
            None => changes.push(added(id.clone(), one.clone())),
            Some(old) if old != one => changes.push(changed(id.clone(), old.clone(), one.clone())),
            Some(_) => {}
        }
    }
    for (id, one) in before {
        if !now.contains_key(id) {
            changes.push(removed(id.clone(), one.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key(name: &str, scope: &str) -> ListedKey {
        ListedKey {
            name: name.to_owned(),
            scopes: BTreeSet::from([scope.to_owned()]),
        }
    }

    #[test]
    fn the_first_listing_is_no_change() {
        let mut listing = Listing::default();
        let now = BTreeMap::from([("k1".to_owned(), key("a", "leads:read"))]);
        assert!(listing.update(Some(now), None).is_empty());
        assert!(listing.update(None, None).is_empty());
        let changes = listing.update(
            Some(BTreeMap::from([("k2".to_owned(), key("b", "all:all"))])),
            None,
        );
        let codes: Vec<_> = changes.iter().map(|c| (c.code(), c.severity())).collect();
        let want = [
            ("api_key_added", Severity::High),
            ("api_key_removed", Severity::Low),
        ];
        assert_eq!(codes, want);
        // A key that is gone is still told from one that never was.
        assert_eq!(listing.ever["k1"], "a");
    }

    #[test]
    fn a_change_of_power_is_grave() {
        let member = |role: &str| ListedMember {
            email: "ann@acme.example".to_owned(),
            role: role.to_owned(),
            accepted: true,
            permissions: BTreeSet::new(),
        };
        let mut listing = Listing::default();
        let mut now = |role: &str| {
            let now = BTreeMap::from([("m".to_owned(), member(role))]);
            listing
                .update(None, Some(now))
                .pop()
                .map(|change| change.severity())
        };
        assert_eq!(now("editor"), None);
        assert_eq!(now("view"), Some(Severity::Medium));
        assert_eq!(now("admin"), Some(Severity::High));
        assert_eq!(now("admin"), None);
        assert_eq!(now("client"), Some(Severity::High));
    }

    #[test]
    fn a_key_in_the_place_of_a_name_is_not_kept() {
        let uuid = "0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f";
        let key = UpstreamKeyFormat::compose(uuid, "aB3dE5gH7jK9");
        for text in [key.clone(), format!("old: {key}"), format!("({key})")] {
            assert_eq!(name(&text), "(not shown)", "{text}");
        }
        assert_eq!(name("zapier, crm"), "zapier, crm");
    }

    proptest! {
        #[test]
        fn the_changes_lead_from_one_listing_to_the_other(
            before in prop::collection::btree_map("[a-d]", "[x-z]", 0..4),
            after in prop::collection::btree_map("[a-d]", "[x-z]", 0..4),
        ) {
            let listing = |all: &BTreeMap<String, String>| -> BTreeMap<String, ListedKey> {
                all.iter().map(|(id, name)| (id.clone(), key(name, "leads:read"))).collect()
            };
            let mut held = Listing::default();
            held.update(Some(listing(&before)), None);
            let mut state = listing(&before);
            for change in held.update(Some(listing(&after)), None) {
                match change {
                    ListingChange::KeyAdded { id, key } => {
                        prop_assert!(state.insert(id, key).is_none());
                    }
                    ListingChange::KeyRemoved { id, key } => {
                        prop_assert_eq!(state.remove(&id), Some(key));
                    }
                    ListingChange::KeyChanged { id, before, key } => {
                        prop_assert_eq!(state.insert(id, key), Some(before));
                    }
                    other => prop_assert!(false, "{other:?}"),
                }
            }
            prop_assert_eq!(state, listing(&after));
        }
    }
}
