//! The schedule of rotations, in a running server: begins those that are due, and tells of keys that
//! grow too old.

mod look;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_alert::{Alert, AlertKind};
use doorward_policy::Timestamp;
use doorward_store::{Store, StoreError};
use tokio::task::spawn_blocking;
use tokio::time::MissedTickBehavior;

use crate::admin::now;
use crate::alerts::AlertDesk;
use crate::config::RotationConfig;
use crate::inventory::sightings;
use look::{Key, Looked, Looking};

/// How often it is looked whether something is due.
const EVERY: Duration = Duration::from_secs(30);
/// The age of the same key is told again after so long, ms.
const AGAIN: i64 = 86_400_000;
const DAY: i64 = 86_400_000;
/// A key that was used around Doorward in so many days is not revoked by a schedule.
const AROUND_DAYS: i64 = 30;
/// Most rotations that are looked at: those of the last months.
const ROTATIONS_MAX: usize = 1_000;

/// Begins a rotation of a key: Doorward's id of the workspace, the key's name, and how long both keys
/// are in force (ms). Blocks; says why when it is not begun.
pub(crate) type Begin = Arc<dyn Fn(&str, &str, i64) -> Result<(), String> + Send + Sync>;

/// The schedule.
pub(crate) struct Schedule {
    store: Arc<dyn Store>,
    alerts: AlertDesk,
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
    pub(crate) fn new(config: &RotationConfig, store: Arc<dyn Store>, alerts: AlertDesk) -> Self {
        Self {
            store,
            alerts,
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
        let begun = match self.used_around(config, key, now) {
            Some(why) => Err(why),
            None => begin(&key.workspace_id, &key.name, config.overlap),
        };
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
                   rotate NAME --dry-run`.",
        )
        .fact("workspace", &key.workspace)
        .fact("key", &key.name)
        .fact("why", why)
        .key(format!("due {}", key.id));
        self.alerts.tell(alert);
    }

    /// Why a key must not be revoked by a schedule: others use it, and nobody gives them a new one.
    fn used_around(&self, config: &RotationConfig, key: &Key, now: Timestamp) -> Option<String> {
        let api_key_id = key.api_key_id.as_deref()?;
        let served = config.consumers.iter().any(|consumer| {
            let here = consumer
                .workspace
                .as_ref()
                .is_none_or(|name| *name == key.workspace);
            here && consumer.key == key.name
        });
        if served {
            return None;
        }
        let since = now.plus_millis(-AROUND_DAYS * DAY);
        let seen = sightings(self.store.as_ref(), &key.workspace_id, since, now);
        let seen = seen.ok()?.0;
        let around = seen.get(api_key_id)?.around();
        (around > 0).then(|| {
            format!(
                "Instantly's audit log has {around} acts under it in {AROUND_DAYS} days that did not go \
                 through Doorward: name who holds it in [[rotation.consumer]], or rotate it by hand"
            )
        })
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
