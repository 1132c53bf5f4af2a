//! What Instantly's own audit log, as far as it was read, has of each key.

use std::collections::BTreeMap;

use doorward_audit::reconcile::{TheirRecord, could_leave};
use doorward_keys::inventory::Sighting;
use doorward_policy::Timestamp;
use doorward_store::{Store, StoreError};

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
