//! The schedule of rotations, in a running server: begins those that are due, and tells of keys that
//! grow too old.

mod holders;
mod look;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_alert::{Alert, AlertKind};
use doorward_audit::Audit;
use doorward_policy::Timestamp;
use doorward_store::{Store, StoreError};
use tokio::task::spawn_blocking;
use tokio::time::MissedTickBehavior;

use crate::admin::now;
use crate::alerts::AlertDesk;
use crate::config::RotationConfig;
use holders::Holders;
use look::{Key, Looked, Looking};

/// How often it is looked whether something is due.
const EVERY: Duration = Duration::from_secs(30);
/// The age of the same key is told again after so long, ms.
const AGAIN: i64 = 86_400_000;
const DAY: i64 = 86_400_000;
/// Most rotations that are looked at: those of the last months.
const ROTATIONS_MAX: usize = 1_000;

/// Begins a rotation of a key: Doorward's id of the workspace, the key's name, and how long both keys
/// are in force (ms). Blocks; says why when it is not begun.
pub(crate) type Begin = Arc<dyn Fn(&str, &str, i64) -> Result<(), String> + Send + Sync>;

/// The schedule.
pub(crate) struct Schedule {
    store: Arc<dyn Store>,
    alerts: AlertDesk,
    record: Arc<Audit>,
    config: Mutex<RotationConfig>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// When a rotation of a key could not be begun last.
    refused: BTreeMap<String, Timestamp>,
    /// When the age of a key was told last.
    told: BTreeMap<String, Timestamp>,
}

impl Schedule {
    /// One over a store, by a configuration.
    pub(crate) fn new(
        config: &RotationConfig,
        store: Arc<dyn Store>,
        alerts: AlertDesk,
        record: Arc<Audit>,
    ) -> Self {
        Self {
            store,
            alerts,
            record,
            config: Mutex::new(config.clone()),
            seen: Mutex::default(),
        }
    }

    /// Goes by another configuration from now on.
    pub(crate) fn set(&self, config: &RotationConfig) {
        let mut held = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        held.clone_from(config);
    }

    /// Looks now and then what is due, until it is dropped.
    pub(crate) async fn watch(self: Arc<Self>, begin: Begin) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let (schedule, begin) = (Arc::clone(&self), Arc::clone(&begin));
            let turn = spawn_blocking(move || schedule.turn(&begin, now()));
            match turn.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::warn!(%error, "the schedule could not look what is due"),
                Err(error) => tracing::error!(%error, "looking what is due failed"),
            }
        }
    }

    fn turn(&self, begin: &Begin, now: Timestamp) -> Result<(), StoreError> {
        let config = {
            let held = self.config.lock().unwrap_or_else(PoisonError::into_inner);
            held.clone()
        };
        let workspaces = self.store.workspaces()?;
        let mut rotations = self.store.open_rotations()?;
        rotations.extend(self.store.rotations(None, None, ROTATIONS_MAX)?);
        let Looked { due, old } = {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let looking = Looking {
                config: &config,
                workspaces: &workspaces,
                rotations: &rotations,
                refused: &seen.refused,
            };
            looking.look(now)
        };
        for key in due {
            self.begin(begin, &config, &key, now);
        }
        for key in old {
            self.tell_age(&key, now);
        }
        Ok(())
    }

    fn begin(&self, begin: &Begin, config: &RotationConfig, key: &Key, now: Timestamp) {
        let holders = Holders {
            config,
            store: self.store.as_ref(),
            record: &self.record,
        };
        let begun = holders
            .check(key, now)
            .and_then(|()| begin(&key.workspace_id, &key.name, config.overlap));
        let Err(why) = begun else {
            tracing::info!(
                workspace = key.workspace,
                key = key.name,
                "a rotation is due"
            );
            return;
        };
        tracing::warn!(
            workspace = key.workspace,
            key = key.name,
            why,
            "not rotated"
        );
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.refused.insert(key.id.clone(), now);
        }
        let alert = Alert::new(
            AlertKind::KeyOld,
            "an upstream key is due and not rotated",
            now,
        )
        .text(
            "It is tried again in some hours. To see what stands in the way: `doorward upstream \
             rotate NAME --dry-run`. A key that was not made here is rotated by the schedule when it is \
             said who holds it: in [[rotation.consumer]], or, if nobody but Doorward does, with `alone = \
             true` in [[rotation.key]].",
        )
        .fact("workspace", &key.workspace)
        .fact("key", &key.name)
        .fact("why", why)
        .key(format!("due {}", key.id));
        self.alerts.tell(alert);
    }

    fn tell_age(&self, key: &Key, now: Timestamp) {
        {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            let last = seen.told.get(&key.id);
            if last.is_some_and(|last| (0..AGAIN).contains(&now.millis_since(*last))) {
                return;
            }
            seen.told.insert(key.id.clone(), now);
        }
        let alert = Alert::new(AlertKind::KeyOld, "an upstream key is old", now)
            .text("Replace it with `doorward upstream rotate NAME`; the key that manages the others is \
                   replaced by hand.")
            .fact("workspace", &key.workspace)
            .fact("key", &key.name)
            .fact("days", key.age.div_euclid(DAY).to_string())
            .key(format!("age {}", key.id));
        self.alerts.tell(alert);
    }
}
