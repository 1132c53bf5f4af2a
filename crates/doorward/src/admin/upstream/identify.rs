//! Which of Instantly's keys one is that is taken in.

use std::collections::{BTreeMap, BTreeSet};

use doorward_catalog::Op;
use doorward_keys::inventory::{Listing, Wanted, Which, single_out};
use doorward_policy::Timestamp;
use doorward_store::{KeyRole, UpstreamKey, UpstreamKeyState, Workspace};
use tokio::runtime::Handle as Runtime;

use super::types::UpstreamAdopt;
use crate::admin::error::AdminError;
use crate::admin::probing::{Found, FoundKey};
use crate::admin::service::Admin;
use crate::admin::views::known_scopes;
use crate::inventory::{Reach, list_keys};

/// Most candidates that are named.
const CANDIDATES_MAX: usize = 10;

/// Instantly's id of a key, and how it is known.
pub(super) struct Known {
    pub(super) api_key_id: String,
    pub(super) made_at: Option<Timestamp>,
    pub(super) by: &'static str,
}

/// What is known of the key whose id is wanted.
#[derive(Clone, Copy)]
pub(super) struct Question<'a> {
    /// How Instantly is reached.
    pub(super) reach: &'a Reach,
    /// The workspace.
    pub(super) workspace: &'a Workspace,
    /// What was asked.
    pub(super) call: &'a UpstreamAdopt,
    /// The key as it is held, if it is.
    pub(super) held: Option<&'a UpstreamKey>,
    /// What probing found.
    pub(super) found: &'a Found,
    /// What it found of the key.
    pub(super) key: &'a FoundKey,
    /// Instantly's ids that records have taught, by Doorward's.
    pub(super) learnt: &'a BTreeMap<String, String>,
}

impl Question<'_> {
    /// Instantly's ids of the other keys that are held.
    fn others(&self) -> BTreeSet<String> {
        let keys = self.workspace.upstream_keys.iter();
        let others = keys.filter(|key| self.held.is_none_or(|held| held.id != key.id));
        others
            .filter_map(|key| key.api_key_id.as_ref().or(self.learnt.get(&key.id)))
            .cloned()
            .collect()
    }
}

impl Admin {
    /// Instantly's id of the key, by what is certain alone.
    ///
    /// # Errors
    /// When it can't be told, or not what was said: says what to do.
    pub(super) fn identify(&self, asked: &Question<'_>) -> Result<Option<Known>, AdminError> {
        let Question {
            call,
            held,
            key,
            learnt,
            ..
        } = *asked;
        let said = call.api_key_id.as_ref();
        let listing = self.listing_for(asked);
        let taught = held.and_then(|held| learnt.get(&held.id));
        let noted = held.and_then(|held| held.api_key_id.as_ref());
        let sure = match (&key.api_key_id, taught, noted) {
            (Some(id), _, _) => Some((id, "its own entry in the list of keys")),
            (None, Some(id), _) => Some((id, "records of calls that went out under it")),
            // It may have been somebody's word, who now knows better.
            (None, None, Some(id)) if said.is_none_or(|said| said == id) => {
                Some((id, "what was noted before"))
            }
            (None, None, _) => None,
        };
        if let Some((id, by)) = sure {
            if said.is_some_and(|said| said != id) {
                return Err(AdminError::usage(format_args!(
                    "its id at Instantly is {id}, not the one that was said: known by {by}"
                )));
            }
            let made_at = listing.ok().and_then(|(listing, _)| {
                let mut keys = listing.keys.into_iter();
                keys.find(|listed| listed.api_key_id == *id)?.created_at
            });
            return Ok(Some(Known {
                api_key_id: id.clone(),
                made_at,
                by,
            }));
        }
        let (listing, same_workspace) = match listing {
            Ok((listing, Place::OfTheKey)) => (listing, true),
            Ok((listing, Place::Named(place))) => {
                let same = place.is_some() && place == asked.found.instantly_id;
                (listing, same)
            }
            Err(_) if call.without_id && said.is_none() => return Ok(None),
            Err(error) => return Err(error),
        };
        // Scopes that were said are somebody's word.
        let exact = key.scopes.as_deref().filter(|_| call.scopes.is_none());
        let wanted = Wanted {
            scopes: exact,
            same_workspace,
            said: said.map(String::as_str),
            others: &asked.others(),
        };
        let candidates = match single_out(&wanted, &listing) {
            Which::This(listed) => {
                return Ok(Some(Known {
                    api_key_id: listed.api_key_id.clone(),
                    made_at: listed.created_at,
                    by: match call.api_key_id {
                        Some(_) => "your word",
                        None => "its scopes, which no other key of the workspace has",
                    },
                }));
            }
            Which::NotThat(why) => return Err(AdminError::usage(why)),
            Which::None => String::from("; no key that is listed has its scopes"),
            Which::OneOf(all) => {
                let named = all.iter().take(CANDIDATES_MAX);
                let named = named.map(|key| format!("\n  {}  {}", key.api_key_id, key.name));
                format!("; it may be one of these:{}", named.collect::<String>())
            }
        };
        if call.without_id {
            return Ok(None);
        }
        Err(AdminError::usage(format_args!(
            "which of Instantly's keys it is can't be told for certain{candidates}\nSay which with --id \
             ID, or take it in without with --without-id: Doorward can't revoke or rotate it then"
        )))
    }

    /// The keys that Instantly lists: under the key itself where it may, since then they are of its own
    /// workspace for sure.
    fn listing_for(&self, asked: &Question<'_>) -> Result<(Listing, Place), AdminError> {
        let Question {
            reach,
            workspace,
            call,
            key,
            ..
        } = *asked;
        let lists = key.scopes.as_deref().map(known_scopes);
        if lists.is_some_and(|scopes| scopes.covers(Op::ListAPIKey)) && call.scopes.is_none() {
            let as_held = UpstreamKey {
                reference: key.reference.to_string(),
                ..blank(&call.name)
            };
            let client = reach.under(workspace, &as_held)?;
            let listed = Runtime::current().block_on(list_keys(&client));
            if let Ok((listing, _)) = listed {
                return Ok((listing, Place::OfTheKey));
            }
        }
        let (listing, place) = self.try_listing(reach, workspace)?;
        Ok((listing, Place::Named(place)))
    }
}

/// Of which workspace a list of keys is.
enum Place {
    /// Of the key's own.
    OfTheKey,
    /// Of this one, as its keys say.
    Named(Option<String>),
}

/// A record of a key that is not stored.
fn blank(name: &str) -> UpstreamKey {
    UpstreamKey {
        id: String::new(),
        workspace_id: String::new(),
        name: name.to_owned(),
        reference: String::new(),
        scopes: None,
        state: UpstreamKeyState::Active,
        role: KeyRole::Carries,
        api_key_id: None,
        owner: String::new(),
        made_by: None,
        made_at: None,
        rotate_every: None,
        probe: None,
        created_at: Timestamp::from_millis(0),
    }
}
