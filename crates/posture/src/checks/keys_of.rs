//! Keys of a workspace: those that Instantly lists, and those that are held and not listed.

use std::collections::BTreeMap;

use doorward_catalog::{Scope, ScopeSet};
use doorward_finding::Place;
use doorward_policy::Timestamp;

use super::verdict::{Verdict, thing};
use crate::here::{HeldKey, WorkspaceFacts};
use crate::live::ListedKey;

/// A key, by all that is known of it.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    workspace: &'a WorkspaceFacts,
    pub(super) listed: Option<&'a ListedKey>,
    pub(super) held: Option<&'a HeldKey>,
}

impl<'a> Key<'a> {
    /// Instantly's id of it; Doorward's where that is not known.
    pub(super) fn id(&self) -> &'a str {
        let listed = self.listed.map(|key| key.id.as_str());
        let held = self.held.map(|key| match &key.api_key_id {
            Some(id) => id.as_str(),
            None => key.id.as_str(),
        });
        listed.or(held).unwrap_or_default()
    }

    /// Its name at Instantly, else the one here.
    pub(super) fn name(&self) -> &'a str {
        let listed = self.listed.map(|key| key.name.as_str());
        let held = self.held.map(|key| key.name.as_str());
        held.or(listed).unwrap_or_default()
    }

    /// Its scopes, where they are known.
    pub(super) fn scopes(&self) -> Option<&'a [String]> {
        let listed = self.listed.map(|key| key.scopes.as_slice());
        listed.or_else(|| self.held?.scopes.as_deref())
    }

    /// Those of its scopes that the catalog knows.
    pub(super) fn scope_set(&self) -> ScopeSet {
        let scopes = self.scopes().unwrap_or_default().iter();
        scopes
            .filter_map(|scope| Scope::parse(scope).ok())
            .collect()
    }

    /// When it was made, where that is known.
    pub(super) fn made_at(&self) -> Option<Timestamp> {
        let listed = self.listed.and_then(|key| key.created_at);
        listed.or_else(|| self.held.map(|key| key.made_at))
    }

    pub(super) fn place(&self) -> Place {
        let workspace = &self.workspace.name;
        thing("api_key", self.id(), Some(self.name()), workspace)
    }
}

/// Every key that Instantly lists, joined with those that are held, then those that are held and not
/// listed. When the list could not be had, that is noted.
pub(super) fn keys_of<'a>(workspace: &'a WorkspaceFacts, verdict: &mut Verdict) -> Vec<Key<'a>> {
    let _ = verdict.see(&workspace.name, &workspace.live.keys);
    joined(workspace)
}

/// Every key that is held, with what Instantly says of it where that could be had.
pub(super) fn held_of<'a>(
    workspace: &'a WorkspaceFacts,
    verdict: &mut Verdict,
) -> impl Iterator<Item = (&'a HeldKey, Key<'a>)> + use<'a> {
    if !workspace.keys.is_empty() {
        verdict.looked();
    }
    let keys = joined(workspace).into_iter();
    keys.filter_map(|key| Some((key.held?, key)))
}

fn joined(workspace: &WorkspaceFacts) -> Vec<Key<'_>> {
    let listed = workspace.live.keys.looked().map(Vec::as_slice);
    let listed = listed.unwrap_or_default();
    let by_id = workspace.keys.iter();
    let by_id = by_id.filter_map(|key| Some((key.api_key_id.as_deref()?, key)));
    let mut held: BTreeMap<&str, &HeldKey> = by_id.collect();
    let mut all: Vec<Key<'_>> = listed
        .iter()
        .map(|key| Key {
            workspace,
            listed: Some(key),
            held: held.remove(key.id.as_str()),
        })
        .collect();
    let unknown = workspace.keys.iter().filter(|key| key.api_key_id.is_none());
    let others = held.into_values().chain(unknown);
    all.extend(others.map(|key| Key {
        workspace,
        listed: None,
        held: Some(key),
    }));
    all
}

/// The held keys that a listed one may be: their ids at Instantly are not known, and their scopes are the
/// same or not known.
pub(super) fn may_be<'a>(workspace: &'a WorkspaceFacts, listed: &ListedKey) -> Option<&'a HeldKey> {
    let mut theirs: Vec<&String> = listed.scopes.iter().collect();
    theirs.sort();
    let mut keys = workspace.keys.iter();
    keys.find(|key| {
        key.api_key_id.is_none()
            && key.scopes.as_ref().is_none_or(|scopes| {
                let mut mine: Vec<&String> = scopes.iter().collect();
                mine.sort();
                mine == theirs
            })
    })
}
