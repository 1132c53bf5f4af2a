//! Consumers as rotations see them: told, acknowledged, silent.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use doorward_alert::{Alert, AlertKind};
use doorward_catalog::ScopeSet;
use doorward_keys::rotation::Failure;
use doorward_ledger::log::Reader;
use doorward_policy::Timestamp;
use doorward_store::{Store, StoreError, Workspace};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::task::spawn_blocking;

use super::{Consumers, Missed, Notice};
use crate::admin::now;
use crate::alerts::AlertDesk;
use crate::inventory::{Sought, is_seen_whole, sightings, watched_to};
use crate::record::Ledger;
use crate::rotation::{Given, Handed, Outside, Watched};

/// What Instantly's log says is asked anew after so long, ms.
const FRESH: i64 = 10_000;

/// Those who hold keys outside Doorward, by the configuration and Instantly's audit log.
pub(crate) struct Outsiders {
    consumers: Consumers,
    store: Arc<dyn Store>,
    alerts: AlertDesk,
    ledger: Ledger,
    /// When a consumer began to fail, by rotation and name, and whether that was told.
    failing: Mutex<BTreeMap<(String, String), (Timestamp, bool)>>,
    /// What was known last of a key's use, and when it was looked at.
    seen: Mutex<BTreeMap<String, (Timestamp, Option<Watched>)>>,
}

impl Outsiders {
    /// The consumers that are configured.
    pub(crate) fn new(
        consumers: Consumers,
        store: Arc<dyn Store>,
        alerts: AlertDesk,
        ledger: Ledger,
    ) -> Self {
        Self {
            consumers,
            store,
            alerts,
            ledger,
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
    ) -> Option<Watched> {
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
        let ledger = Arc::clone(&self.ledger);
        let known = spawn_blocking(move || {
            let reader = ledger().ok()?.reader();
            let sought = Sought {
                workspace_id: &place,
                api_key_id: Some(&id),
                since,
            };
            watched(store.as_ref(), &reader, sought, at)
        });
        // What can't be looked at is not silent.
        let known = known.await.unwrap_or(None);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(api_key_id.to_owned(), (at, known));
        known
    }
}

/// What is known of a key's use around Doorward. Where the log is not read, or not whole, nobody can say.
fn watched(
    store: &dyn Store,
    reader: &Reader,
    sought: Sought<'_>,
    now: Timestamp,
) -> Option<Watched> {
    let Some(to) = watched_to(store, sought.workspace_id, now) else {
        tracing::warn!(
            workspace = sought.workspace_id,
            "whether a key is silent can't be told: Instantly's audit log is not read"
        );
        return None;
    };
    let (seen, whole) = sightings(store, reader, sought, now).ok()?;
    let acts = seen.get(sought.api_key_id?);
    let last = acts.and_then(|seen| seen.outside.values().map(|act| act.count.last).max());
    whole.then_some(Watched { to, last })
}

impl Outside for Outsiders {
    fn holders(&self, workspace: &str, key: &str) -> Vec<String> {
        self.consumers.of(workspace, key)
    }

    fn silence(&self, names: &[String]) -> Option<i64> {
        self.consumers.silence(names)
    }

    fn check(&self, names: &[String]) -> Result<(), String> {
        let read = |error: StoreError| error.to_string();
        let workspaces = self.store.workspaces().map_err(read)?;
        let open = self.store.open_rotations().map_err(read)?;
        self.consumers.check(names, &workspaces, &open)
    }

    fn check_silence(
        &self,
        workspace: &Workspace,
        scopes: Option<ScopeSet>,
        names: &[String],
    ) -> Result<(), String> {
        let unsure = self.consumers.silent(names, true);
        if let Some(name) = unsure.filter(|_| !is_seen_whole(scopes)) {
            return Err(format!(
                "'{name}' is known by silence alone, and what this key may do is not all in \
                 Instantly's audit log, which has no reads: give [[rotation.consumer]] '{name}' a \
                 webhook or a command with acknowledge = \"hook\", or say reads_unseen = true there \
                 where reads that are cut short do no harm"
            ));
        }
        let silent = self.consumers.silent(names, false);
        match silent.filter(|_| watched_to(self.store.as_ref(), &workspace.id, now()).is_none()) {
            None => Ok(()),
            Some(name) => Err(format!(
                "'{name}' is known by silence alone, and silence can't be seen: Instantly's audit \
                 log of '{}' is not read now. Start the server, with a key of the workspace that has \
                 audit_logs:read, or give [[rotation.consumer]] '{name}' a webhook or a command with \
                 acknowledge = \"hook\"",
                workspace.name
            )),
        }
    }

    fn tell<'a>(&'a self, consumer: &'a str, key: Handed<'a>) -> BoxFuture<'a, Given> {
        let notice = Notice {
            rotation: key.rotation.to_owned(),
            workspace: key.workspace.name.clone(),
            key: key.key.to_owned(),
            rolled_back: !key.is_new,
        };
        async move {
            let mut written = Vec::new();
            // What was planned may have changed: keys come and go, and so do settings.
            let told = match self.check(&[consumer.to_owned()]) {
                Ok(()) => {
                    let given = (key.value, &mut written);
                    let told = self.consumers.tell(consumer, &notice, given, now());
                    told.await
                }
                Err(why) => Err(Missed::for_good(why)),
            };
            let missed = told.as_ref().err();
            self.note(
                key.rotation,
                consumer,
                missed.map(|missed| missed.why.as_str()),
            );
            let told = told.map_err(|missed| {
                let how = match missed.permanent {
                    true => Failure::Permanent,
                    false => Failure::Temporary,
                };
                (how, missed.why)
            });
            (written, told)
        }
        .boxed()
    }

    fn acknowledged<'a>(&'a self, _: &'a str, told: &'a [String]) -> BoxFuture<'a, bool> {
        // A hook that failed was not told; so those that were told have, but for the silent ones.
        let all = self.consumers.silence(told).is_none();
        async move { all }.boxed()
    }

    fn watched<'a>(
        &'a self,
        workspace: &'a Workspace,
        api_key_id: &'a str,
        since: Timestamp,
    ) -> BoxFuture<'a, Option<Watched>> {
        self.look(workspace, api_key_id, since).boxed()
    }
}
