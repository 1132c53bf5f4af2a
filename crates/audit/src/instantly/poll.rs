//! Lists keys and members, which the audit log lacks, and records what changed.

use std::sync::Arc;

use doorward_ledger::{Act, Actor, ActorKind, Event, FindingState, Resource, Verdict};
use doorward_policy::Timestamp;
use doorward_upstream::resources::MemberFilter;
use serde::Serialize;

use super::listing::{ListedKey, ListedMember, Listing, ListingChange, keys, members};
use super::pull::{Source, blocking, save_text};
use super::told::{is_passing, tell};
use crate::audit::Audit;
use crate::draft::Draft;
use crate::error::{AuditError, Result};

/// Most keys or members that are listed.
const LISTED_MAX: usize = 10_000;
/// The name of the state that holds a [`Listing`].
pub(crate) const LISTING: &str = "listing";

/// What one listing brought.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Polled {
    /// What is another than before; recorded in the ledger.
    pub changes: Vec<ListingChange>,
    /// What could not be listed, and why.
    pub told: Vec<String>,
    /// Whether trying again soon may help.
    pub again: bool,
}

/// Lists the keys and members of a source, records in the ledger what changed, and keeps the
/// listing. A change is recorded before the listing is kept, so none is lost; one that is
/// interrupted between the two is recorded twice.
///
/// # Errors
/// When the store or the ledger fails. That Instantly does is told in [`Polled::told`].
pub async fn poll_once(audit: &Arc<Audit>, source: &Source, now: Timestamp) -> Result<Polled> {
    let mut polled = Polled::default();
    let client = &source.client;
    let listed_keys = match client.api_keys().list().all(LISTED_MAX).await {
        Ok(listed) => Some(keys(listed)),
        Err(error) => {
            polled.again |= is_passing(&error);
            polled
                .told
                .push(tell("the list of API keys", "api_keys:read", &error));
            None
        }
    };
    let filter = MemberFilter::default();
    let listed_members = match client.members().list(&filter).all(LISTED_MAX).await {
        Ok(listed) => Some(members(listed)),
        Err(error) => {
            polled.again |= is_passing(&error);
            let told = tell("the list of members", "workspace_members:read", &error);
            polled.told.push(told);
            None
        }
    };
    let (shared, workspace) = (Arc::clone(audit), source.workspace.clone());
    let name = source.state(LISTING);
    let mut listing: Listing = blocking(move || {
        let text = shared.store().watch_state(&workspace, &name)?;
        let listing = text.and_then(|text| serde_json::from_str(&text).ok());
        Ok(listing.unwrap_or_default())
    })
    .await?;
    let before = listing.clone();
    polled.changes = listing.update(listed_keys, listed_members);
    for change in &polled.changes {
        audit.record(draft(source, change, now)).await?;
    }
    if listing != before {
        let text = serde_json::to_string(&listing)
            .map_err(|_| AuditError::NotRecorded("the listing has no form"))?;
        save_text(audit, source, LISTING, text).await?;
    }
    Ok(polled)
}

/// The leaf of a change. Names and addresses are sealed; scopes and roles are codes.
fn draft(source: &Source, change: &ListingChange, now: Timestamp) -> Draft {
    let mut act = Act {
        actor: Some(Actor::of(ActorKind::Doorward)),
        workspace: Some(source.workspace.clone()),
        sub_workspace: source.sub_workspace.clone(),
        ..Act::new(format!("instantly.{}", change.code()), Verdict::Success)
    };
    let (kind, id, email_or_name) = match change {
        ListingChange::KeyAdded { id, key }
        | ListingChange::KeyRemoved { id, key }
        | ListingChange::KeyChanged { id, key, .. } => ("api_key", id, ("name", &key.name)),
        ListingChange::MemberAdded { id, member }
        | ListingChange::MemberRemoved { id, member }
        | ListingChange::MemberChanged { id, member, .. } => {
            ("member", id, ("email", &member.email))
        }
    };
    act.resource = Some(Resource {
        kind: kind.to_owned(),
        ..Resource::default()
    });
    match change {
        ListingChange::KeyChanged { before, key, .. } => {
            key_facts(&mut act, "before_", before);
            key_facts(&mut act, "", key);
        }
        ListingChange::KeyAdded { key, .. } | ListingChange::KeyRemoved { key, .. } => {
            key_facts(&mut act, "", key);
        }
        ListingChange::MemberChanged { before, member, .. } => {
            member_facts(&mut act, "before_", before);
            member_facts(&mut act, "", member);
        }
        ListingChange::MemberAdded { member, .. } | ListingChange::MemberRemoved { member, .. } => {
            member_facts(&mut act, "", member);
        }
    }
    let event = Event::Finding {
        check: format!("instantly.{}", change.code()),
        severity: change.severity(),
        state: FindingState::Open,
    };
    let (label, value) = email_or_name;
    Draft::new(now, act, event).id("id", id).id(label, value)
}

fn key_facts(act: &mut Act, prefix: &str, key: &ListedKey) {
    let scopes: Vec<&str> = key.scopes.iter().map(String::as_str).collect();
    act.metadata
        .insert(format!("{prefix}scopes"), scopes.into());
}

fn member_facts(act: &mut Act, prefix: &str, member: &ListedMember) {
    let permissions: Vec<&str> = member.permissions.iter().map(String::as_str).collect();
    let m = &mut act.metadata;
    m.insert(format!("{prefix}role"), member.role.as_str().into());
    m.insert(format!("{prefix}accepted"), member.accepted.into());
    m.insert(format!("{prefix}permissions"), permissions.into());
}
