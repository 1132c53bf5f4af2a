//! Consumers as rotations see them: told, acknowledged, silent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use doorward_alert::{Alert, AlertKind};
use doorward_audit::instantly::read_to;
use doorward_keys::rotation::Failure;
use doorward_policy::Timestamp;
use doorward_store::{Store, Workspace};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::task::spawn_blocking;

use super::{Consumers, Notice};
use crate::admin::now;
use crate::alerts::AlertDesk;
use crate::inventory::sightings;
use crate::rotation::{Handed, Outside};

/// What Instantly's log says is asked anew after so long, ms.
const FRESH: i64 = 10_000;
/// A log that was not read for so long says nothing of the present, ms.
const STALE: i64 = 600_000;

/// Those who hold keys outside Doorward, by the configuration and Instantly's audit log.
pub(crate) struct Outsiders {
    consumers: Consumers,
    store: Arc<dyn Store>,
    alerts: AlertDesk,
    /// When a consumer began to fail, by rotation and name, and whether that was told.
    failing: Mutex<BTreeMap<(String, String), (Timestamp, bool)>>,
    /// What was seen last of a key, and when it was looked at.
    seen: Mutex<BTreeMap<String, (Timestamp, Option<Timestamp>)>>,
}

impl Outsiders {
    /// The consumers that are configured.
    pub(crate) fn new(consumers: Consumers, store: Arc<dyn Store>, alerts: AlertDesk) -> Self {
        Self {
            consumers,
            store,
            alerts,
            failing: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    /// Notes that a consumer was or was not told; somebody is told when it fails for too long.
    fn note(&self, rotation: &str, consumer: &str, missed: Option<&str>) {
        let mut failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (rotation.to_owned(), consumer.to_owned());
        let Some(why) = missed else {
            failing.remove(&place);
            return;
        };
        let at = now();
        let (since, told) = failing.entry(place).or_insert((at, false));
        let patience = i64::try_from(self.consumers.patience(consumer).as_millis());
        if *told || at.millis_since(*since) < patience.unwrap_or(i64::MAX) {
            return;
        }
        *told = true;
        let title = format!("{consumer} does not take the new key");
        self.alerts.tell(
            Alert::new(AlertKind::RotationTrouble, title, at)
                .text(
                    "The old key stays in force, and it is tried again and again. Mend the consumer, \
                     take it out of the configuration and `doorward reload`, or `doorward upstream \
                     resume ID --skip NAME`.",
                )
                .fact("rotation", rotation)
                .fact("why", crate::scrubbed::scrub(why.to_owned()))
                .key(format!("{rotation} {consumer}")),
        );
    }

    async fn look(
        &self,
        workspace: &Workspace,
        api_key_id: &str,
        since: Timestamp,
    ) -> Option<Timestamp> {
        let at = now();
        {
            let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((looked, last)) = seen.get(api_key_id)
                && (0..FRESH).contains(&at.millis_since(*looked))
            {
                return *last;
            }
        }
        let (store, place) = (Arc::clone(&self.store), workspace.id.clone());
        let id = api_key_id.to_owned();
        let last = spawn_blocking(move || last_seen(store.as_ref(), &place, &id, since, at));
        // What can't be looked at is not silent.
        let last = last.await.unwrap_or(Some(at));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(api_key_id.to_owned(), (at, last));
        last
    }
}

/// When a key was used around Doorward last. Where the log can't be read, nobody can say that it is
/// silent: now.
fn last_seen(
    store: &dyn Store,
    workspace_id: &str,
    api_key_id: &str,
    since: Timestamp,
    now: Timestamp,
) -> Option<Timestamp> {
    let read = read_to(store, workspace_id).ok().flatten();
    if read.is_none_or(|read| now.millis_since(read) > STALE) {
        tracing::warn!(
            workspace = workspace_id,
            "whether a key is silent can't be told: Instantly's audit log is not read"
        );
        return Some(now);
    }
    match sightings(store, workspace_id, since, now) {
        Ok((seen, _)) => {
            let acts = seen.get(api_key_id)?.outside.values();
            acts.map(|act| act.count.last).max()
        }
        Err(_) => Some(now),
    }
}

impl Outside for Outsiders {
    fn holders(&self, workspace: &str, key: &str) -> Vec<String> {
        self.consumers.of(workspace, key)
    }

    fn silence(&self, names: &[String]) -> Option<i64> {
        self.consumers.silence(names)
    }

    fn tell<'a>(
        &'a self,
        consumer: &'a str,
        key: Handed<'a>,
    ) -> BoxFuture<'a, Result<(), (Failure, String)>> {
        let notice = Notice {
            rotation: key.rotation.to_owned(),
            workspace: key.workspace.name.clone(),
            key: key.key.to_owned(),
            rolled_back: !key.is_new,
        };
        async move {
            let told = self.consumers.tell(consumer, &notice, key.value, now());
            let told = told.await;
            let missed = told.as_ref().err();
            self.note(
                key.rotation,
                consumer,
                missed.map(|missed| missed.why.as_str()),
            );
            told.map_err(|missed| {
                let how = match missed.permanent {
                    true => Failure::Permanent,
                    false => Failure::Temporary,
                };
                (how, missed.why)
            })
        }
        .boxed()
    }

    fn acknowledged<'a>(&'a self, _: &'a str, told: &'a [String]) -> BoxFuture<'a, bool> {
        // A hook that failed was not told; so those that were told have, but for the silent ones.
        let all = self.consumers.silence(told).is_none();
        async move { all }.boxed()
    }

    fn last_seen<'a>(
        &'a self,
        workspace: &'a Workspace,
        api_key_id: &'a str,
        since: Timestamp,
    ) -> BoxFuture<'a, Option<Timestamp>> {
        self.look(workspace, api_key_id, since).boxed()
    }
}
