//! What the gateway learns while it works, written down now and then.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use doorward_alert::{Alert, AlertKind};
use doorward_catalog::Op;
use doorward_gateway::{KeyRefusedUpstream, Observer, ScopeRequired, UpstreamKeyPresented};
use doorward_keys::KeyId;
use doorward_policy::Timestamp;
use doorward_store::Store;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{MissedTickBehavior, interval};

use super::key_uses::KeyUses;
use super::presented::Presented;
use super::reload::Reloader;
use crate::admin::now;
use crate::alerts::AlertDesk;

/// Lessons that wait; more are dropped: the next use of a key tells the same.
const QUEUE: usize = 4 * 1_024;
/// How often what was learnt is written.
const EVERY: Duration = Duration::from_secs(5);
/// Most scopes kept of one refusal.
const SCOPES_MAX: usize = 16;

/// The gateway's observer: hands on what it is told and never waits.
pub(super) struct Learning {
    lessons: Sender<Lesson>,
    alerts: AlertDesk,
    presented: Presented,
}

/// The other end.
pub(super) struct Lessons(Receiver<Lesson>);

enum Lesson {
    Used(KeyId, Timestamp),
    Scope {
        workspace: String,
        op: Op,
        required: Vec<String>,
        at: Timestamp,
    },
}

impl Learning {
    /// What raises its alerts at a desk, and tells of keys that are presented.
    pub(super) fn new(alerts: AlertDesk, presented: Presented) -> (Self, Lessons) {
        let (sender, receiver) = channel(QUEUE);
        let lessons = sender;
        let learning = Self {
            lessons,
            alerts,
            presented,
        };
        (learning, Lessons(receiver))
    }
}

impl Observer for Learning {
    fn client_key_used(&self, key: KeyId, at: Timestamp) {
        let _ = self.lessons.try_send(Lesson::Used(key, at));
    }

    fn upstream_key_refused(&self, seen: &KeyRefusedUpstream<'_>) {
        if !seen.news {
            return;
        }
        tracing::warn!(
            workspace = seen.workspace,
            upstream_key = seen.upstream_key,
            successor = seen.successor,
            "the API takes an upstream key for dead"
        );
        let text = match seen.successor {
            Some(_) => "Calls go out under another key. Add a new key and remove this one.",
            None => {
                "No other key covers the calls that it was used for: they fail. Add a new key with \
                 `doorward workspace add NAME --key-from REF`."
            }
        };
        let title = "Instantly does not take an upstream key any more";
        let alert = Alert::new(AlertKind::KeyDead, title, seen.at)
            .text(text)
            .fact("workspace", seen.workspace)
            .fact("upstream_key", seen.upstream_key)
            .key(seen.upstream_key);
        self.alerts.tell(alert);
    }

    fn upstream_key_presented(&self, seen: &UpstreamKeyPresented<'_>) {
        self.presented.seen(seen);
    }

    fn workspace_shut(&self, workspace: &str, everybodys: bool) {
        let title = "Instantly does not answer";
        let text = if everybodys {
            "Calls to the workspace are answered 503 and not sent. One is tried now and then, and \
             when it is answered all go on."
        } else {
            "Calls of one client to the workspace fail: they are answered 503 and not sent. One is \
             tried now and then, and when it is answered all go on. Other clients' calls go as \
             before."
        };
        let alert = Alert::new(AlertKind::BreakerOpen, title, now())
            .text(text)
            .fact("workspace", workspace)
            .key(workspace);
        self.alerts.tell(alert);
    }

    fn scope_required(&self, seen: &ScopeRequired<'_>) {
        tracing::warn!(
            workspace = seen.workspace,
            operation = %seen.op,
            upstream_key = seen.upstream_key,
            required = ?seen.required,
            "the API asked for a scope that the upstream key lacks"
        );
        let _ = self.lessons.try_send(Lesson::Scope {
            workspace: seen.workspace.to_owned(),
            op: seen.op,
            required: seen
                .required
                .iter()
                .take(SCOPES_MAX)
                .map(|s| (*s).to_owned())
                .collect(),
            at: seen.at,
        });
    }
}

impl Lessons {
    /// Writes lessons down until `end` is done, and then those that are left.
    pub(super) async fn keep(
        mut self,
        store: Arc<dyn Store>,
        reloader: Arc<Reloader>,
        end: impl Future<Output = ()>,
    ) {
        let mut end = pin!(end);
        let mut ticks = interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut uses = KeyUses::default();
        loop {
            tokio::select! {
                () = &mut end => break,
                Some(lesson) = self.0.recv() => self.learn(lesson, &mut uses, &store, &reloader).await,
                _ = ticks.tick() => {
                    let due = uses.due(now());
                    write_uses(due, &mut uses, &store).await;
                }
            }
        }
        while let Ok(lesson) = self.0.try_recv() {
            self.learn(lesson, &mut uses, &store, &reloader).await;
        }
        let rest = uses.rest(now());
        write_uses(rest, &mut uses, &store).await;
    }

    async fn learn(
        &mut self,
        lesson: Lesson,
        uses: &mut KeyUses,
        store: &Arc<dyn Store>,
        reloader: &Arc<Reloader>,
    ) {
        match lesson {
            Lesson::Used(key, at) => uses.used(key, at),
            Lesson::Scope {
                workspace,
                op,
                required,
                at,
            } => {
                let (store, reloader) = (Arc::clone(store), Arc::clone(reloader));
                written(move || {
                    store.record_observed_scope(&workspace, op, &required, at)?;
                    reloader.catch_up()
                })
                .await;
            }
        }
    }
}

async fn write_uses(batch: Vec<(KeyId, Timestamp)>, uses: &mut KeyUses, store: &Arc<dyn Store>) {
    if batch.is_empty() {
        return;
    }
    let (rows, store) = (batch.clone(), Arc::clone(store));
    if !written(move || Ok(store.record_key_uses(&rows)?)).await {
        uses.unwritten(&batch);
    }
}

/// Whether it was done; says so when not.
async fn written(
    work: impl FnOnce() -> Result<(), crate::admin::AdminError> + Send + 'static,
) -> bool {
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(())) => return true,
        Ok(Err(error)) => tracing::warn!(%error, "what was learnt could not be written down"),
        Err(error) => tracing::warn!(%error, "writing down what was learnt failed"),
    }
    false
}
