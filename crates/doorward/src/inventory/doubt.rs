//! Listed keys that may be held ones.

use std::collections::{BTreeMap, BTreeSet};

use doorward_store::{UpstreamKey, UpstreamKeyState, Workspace};

/// The keys that are held, whose id at Instantly is not known, and that may be the one that is listed
/// with these scopes. `learnt` has Instantly's ids by Doorward's.
pub(crate) fn may_be<'w>(
    workspace: &'w Workspace,
    learnt: &BTreeMap<String, String>,
    scopes: &[String],
) -> Vec<&'w UpstreamKey> {
    let listed: BTreeSet<&String> = scopes.iter().collect();
    let keys = workspace.upstream_keys.iter();
    keys.filter(|key| key.state != UpstreamKeyState::Retired)
        .filter(|key| key.api_key_id.is_none() && !learnt.contains_key(&key.id))
        .filter(|key| {
            let held = key.scopes.as_ref();
            held.is_none_or(|held| held.iter().collect::<BTreeSet<_>>() == listed)
        })
        .collect()
}
