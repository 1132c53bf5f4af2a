//! What Instantly's own audit log, as far as it was read, has of each key.

use std::collections::BTreeMap;

use doorward_audit::instantly::read_to;
use doorward_audit::reconcile::{TheirRecord, could_leave, traces};
use doorward_catalog::{Op, ScopeSet};
use doorward_keys::inventory::Sighting;
use doorward_policy::Timestamp;
use doorward_store::{Store, StoreError};

/// A log that was not read for so long says nothing of the present, ms.
const STALE: i64 = 600_000;
/// Most records that are looked at.
const RECORDS_MAX: usize = 200_000;

/// What the log has of each key by Instantly's ids, from `since` on; and whether that is all of it.
///
/// # Errors
/// When the store can't be read.
pub(crate) fn sightings(
    store: &dyn Store,
    workspace_id: &str,
    since: Timestamp,
    now: Timestamp,
) -> Result<(BTreeMap<String, Sighting>, bool), StoreError> {
    // Instantly's clock may be ahead.
    let to = now.plus_millis(86_400_000);
    let rows = store.log_records(workspace_id, since, to, RECORDS_MAX)?;
    let whole = rows.len() < RECORDS_MAX;
    let mut seen = BTreeMap::new();
    for row in rows {
        let Ok(record) = serde_json::from_str::<TheirRecord>(&row.record) else {
            continue;
        };
        let Some(key) = &record.api_key else { continue };
        let around = match &record.mark {
            Some(_) => None,
            None => Some((
                record.activity.describe(),
                could_leave(record.activity),
                record.address.as_str(),
            )),
        };
        Sighting::add(&mut seen, key, record.at, around);
    }
    Ok((seen, whole))
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
