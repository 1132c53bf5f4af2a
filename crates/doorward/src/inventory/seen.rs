//! What Instantly's own audit log, as far as it was read, has of each key.

use std::collections::BTreeMap;

use doorward_audit::instantly::read_to;
use doorward_audit::reconcile::{TheirRecord, could_leave, learnt_keys, traces};
use doorward_catalog::{Op, ScopeSet};
use doorward_keys::inventory::Sighting;
use doorward_ledger::log::Reader;
use doorward_policy::Timestamp;
use doorward_store::Store;

use super::named::NamedCalls;
use crate::admin::AdminError;

/// A log that was not read for so long says nothing of the present, ms.
const STALE: i64 = 600_000;
/// Most records that are looked at.
const RECORDS_MAX: usize = 200_000;

/// What is looked for in the log.
#[derive(Clone, Copy)]
pub(crate) struct Sought<'a> {
    /// Doorward's id of the workspace whose log it is.
    pub(crate) workspace_id: &'a str,
    /// Instantly's id of the only key that matters; none for all.
    pub(crate) api_key_id: Option<&'a str>,
    /// From then on.
    pub(crate) since: Timestamp,
}

/// What the log has of each key by Instantly's ids; and whether that is all of it. An act is one of ours
/// where it names a call that the ledger has under that key at about that time: whoever holds a key can
/// write what looks like such a name.
///
/// # Errors
/// When the store or the ledger can't be read.
pub(crate) fn sightings(
    store: &dyn Store,
    reader: &Reader,
    sought: Sought<'_>,
    now: Timestamp,
) -> Result<(BTreeMap<String, Sighting>, bool), AdminError> {
    let Sought {
        workspace_id,
        api_key_id,
        since,
    } = sought;
    // Instantly's clock may be ahead.
    let to = now.plus_millis(86_400_000);
    let rows = store.log_records(workspace_id, since, to, RECORDS_MAX)?;
    let whole = rows.len() < RECORDS_MAX;
    let records = rows.iter().filter_map(|row| {
        let record: TheirRecord = serde_json::from_str(&row.record).ok()?;
        let wanted = api_key_id.is_none() || record.api_key.as_deref() == api_key_id;
        (wanted && record.api_key.is_some()).then_some(record)
    });
    let records: Vec<TheirRecord> = records.collect();
    let (named, looked) = NamedCalls::read(reader, records.iter())?;
    let ids = ids_there(store)?;
    let mut seen = BTreeMap::new();
    for record in &records {
        let Some(key) = &record.api_key else { continue };
        // A key whose id there is not known may be any that is not known to be another.
        let is_it = |held: &str| match ids.get(held) {
            Some(id) => id == key,
            None => !ids.values().any(|id| id == key),
        };
        let around = match named.has(record, is_it) {
            true => None,
            false => Some((
                record.activity.describe(),
                could_leave(record.activity),
                record.address.as_str(),
            )),
        };
        Sighting::add(&mut seen, key, record.at, around);
    }
    Ok((seen, whole && looked))
}

/// Instantly's ids of the keys that are held, by Doorward's.
fn ids_there(store: &dyn Store) -> Result<BTreeMap<String, String>, AdminError> {
    let mut ids = learnt_keys(store)?;
    for workspace in store.workspaces()? {
        for key in workspace.upstream_keys {
            if let Some(id) = key.api_key_id {
                ids.insert(key.id, id);
            }
        }
    }
    Ok(ids)
}

/// Up to when the log of a workspace was read, where that is the present; `None` where it is not read,
/// or was not for long.
pub(crate) fn watched_to(
    store: &dyn Store,
    workspace_id: &str,
    now: Timestamp,
) -> Option<Timestamp> {
    let read = read_to(store, workspace_id).ok().flatten()?;
    (now.millis_since(read) <= STALE).then_some(read.min(now))
}

/// Whether the log has every act that a key of these scopes can do. It has no reads, so of hardly any
/// key; never of one whose scopes are not known.
pub(crate) fn is_seen_whole(scopes: Option<ScopeSet>) -> bool {
    let seen = |op: Op| {
        let mut all = traces(op).iter();
        all.any(|trace| trace.due && !trace.late && !trace.elsewhere)
    };
    scopes.is_some_and(|scopes| {
        let mut covered = Op::ALL.into_iter().filter(|op| scopes.covers(*op));
        !scopes.is_empty() && covered.all(seen)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_may_read_is_never_seen_whole() {
        let scopes = |text: &str| Some(text.parse().unwrap());
        assert!(is_seen_whole(scopes("campaigns:delete")));
        for text in [
            "campaigns:read",
            "campaigns:delete, leads:read",
            "all:all",
            "leads:all",
        ] {
            assert!(!is_seen_whole(scopes(text)), "{text}");
        }
        assert!(!is_seen_whole(None));
    }
}
