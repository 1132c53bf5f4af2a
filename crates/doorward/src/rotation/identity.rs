//! Which of the keys that Instantly lists one of Doorward's is: by what is certain alone.

use std::collections::BTreeSet;

use doorward_audit::reconcile::learnt_keys;
use doorward_catalog::Op;
use doorward_catalog::wire::ApiKey;
use doorward_keys::inventory::{Listed, Listing, Wanted, Which, single_out};
use doorward_store::{Store, UpstreamKey, Workspace};
use doorward_upstream::{is_entry_of, is_no_entry_of};
use secrecy::SecretString;

use crate::admin::AdminError;
use crate::output::clean;

/// Most candidates that are named.
const CANDIDATES_MAX: usize = 8;

/// Instantly's id of a key that is held, whose value this is. `said` is a person's word, which is held
/// against what is known.
///
/// # Errors
/// When it is not certain, with what to do; and when what was said can't be.
pub(super) fn identify(
    store: &dyn Store,
    workspace: &Workspace,
    key: &UpstreamKey,
    value: &SecretString,
    said: Option<&str>,
    listed: &[ApiKey],
) -> Result<String, AdminError> {
    let learnt = learnt_keys(store).map_err(AdminError::failed)?;
    let own = listed
        .iter()
        .find(|entry| is_entry_of(entry, value))
        .map(|entry| entry.id.clone());
    let known = own
        .or_else(|| key.api_key_id.clone())
        .or_else(|| learnt.get(&key.id).cloned());
    if let Some(known) = known {
        if said.is_some_and(|said| said != known) {
            return Err(AdminError::usage(format_args!(
                "the id of '{}' at Instantly is {}, not the one that was said",
                key.name,
                clean(&known)
            )));
        }
        return Ok(known);
    }
    let others: BTreeSet<String> = workspace
        .upstream_keys
        .iter()
        .filter(|other| other.id != key.id)
        .filter_map(|other| other.api_key_id.as_ref().or(learnt.get(&other.id)))
        .cloned()
        .collect();
    // A key that shows another value than this one is none of them.
    let possible = listed.iter().filter(|entry| !is_no_entry_of(entry, value));
    let listing = Listing {
        keys: possible.map(listing_entry).collect(),
        whole: true,
    };
    let wanted = Wanted {
        scopes: key.scopes.as_deref(),
        same_workspace: is_of(workspace, key, listed),
        said,
        others: &others,
    };
    let candidates = match single_out(&wanted, &listing) {
        Which::This(found) => return Ok(found.api_key_id.clone()),
        Which::NotThat(why) => return Err(AdminError::usage(why)),
        Which::None => "; no key that is listed has its scopes".to_owned(),
        Which::OneOf(all) => {
            let named = all.iter().take(CANDIDATES_MAX);
            let named =
                named.map(|one| format!("\n  {}  {}", clean(&one.api_key_id), clean(&one.name)));
            format!("; it may be one of these:{}", named.collect::<String>())
        }
    };
    Err(AdminError::usage(format_args!(
        "which of Instantly's keys '{0}' is can't be told for certain{candidates}\nSay which with --id \
         ID; `doorward upstream adopt {0} --id ID` says it for good",
        key.name
    )))
}

fn listing_entry(entry: &ApiKey) -> Listed {
    Listed {
        api_key_id: entry.id.clone(),
        name: entry.name.clone(),
        scopes: entry.scopes.clone(),
        created_at: entry.timestamp_created.parse().ok(),
    }
}

/// Whether the key was seen to be of the workspace whose keys are listed: one that may read which
/// workspace it is of was asked when it was taken in.
fn is_of(workspace: &Workspace, key: &UpstreamKey, listed: &[ApiKey]) -> bool {
    let told = key
        .scope_set()
        .is_some_and(|scopes| scopes.covers(Op::GetWorkspace));
    let mut places = listed.iter().map(|entry| entry.organization_id.as_str());
    told && workspace.instantly_id.is_some()
        && places.all(|place| Some(place) == workspace.instantly_id.as_deref())
}
