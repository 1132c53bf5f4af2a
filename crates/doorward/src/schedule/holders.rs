//! Whether a schedule may revoke a key: who else may hold it, and gets no new one.

use doorward_audit::Audit;
use doorward_policy::Timestamp;
use doorward_store::Store;

use super::look::Key;
use crate::config::RotationConfig;
use crate::inventory::{Sought, is_seen_whole, sightings, watched_to};

/// A key that was used around Doorward in so many days is not revoked by a schedule.
const AROUND_DAYS: i64 = 30;
const DAY: i64 = 86_400_000;

/// What is known of who holds keys.
pub(super) struct Holders<'a> {
    pub(super) config: &'a RotationConfig,
    pub(super) store: &'a dyn Store,
    pub(super) record: &'a Audit,
}

impl Holders<'_> {
    /// Whether nobody is cut off when this key is revoked. What is not known counts as somebody.
    ///
    /// # Errors
    /// Why somebody may be. What to do is said by whoever tells it: alerts' facts are short.
    pub(super) fn check(&self, key: &Key, now: Timestamp) -> Result<(), String> {
        if self.config.is_served(&key.workspace, &key.name) {
            return Ok(());
        }
        let sole = key.minted || self.config.is_alone(&key.workspace, &key.name);
        let around = self.around(key, now);
        if let Some(acts @ 1..) = around {
            return Err(format!(
                "Instantly's audit log has {acts} acts under it in {AROUND_DAYS} days that did not go \
                 through Doorward"
            ));
        }
        if sole {
            return Ok(());
        }
        let why = match around {
            None => {
                "whether somebody else uses it can't be told: its id or Instantly's audit log of the \
                 last 30 days is not known"
            }
            Some(_) if !is_seen_whole(key.scopes) => {
                "whether somebody else uses it can't be told: it may do what Instantly's audit log \
                 does not have, such as reads"
            }
            Some(_) => return Ok(()),
        };
        Err(why.to_owned())
    }

    /// How many acts around Doorward the log has of late; `None` where it does not tell.
    fn around(&self, key: &Key, now: Timestamp) -> Option<u64> {
        let api_key_id = key.api_key_id.as_deref()?;
        let since = now.plus_millis(-AROUND_DAYS * DAY);
        let sought = Sought {
            workspace_id: &key.workspace_id,
            api_key_id: Some(api_key_id),
            since,
        };
        let (seen, whole) = sightings(self.store, &self.record.reader(), sought, now).ok()?;
        let around = seen.get(api_key_id).map_or(0, |seen| seen.around());
        // What is there says something, even where more may be missing.
        let tells = whole && watched_to(self.store, &key.workspace_id, now).is_some();
        (tells || around > 0).then_some(around)
    }
}
