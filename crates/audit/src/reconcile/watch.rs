//! Reads, lists and reconciles for as long as the server runs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_policy::Timestamp;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::Instant;

use super::report::Report;
use super::run::{ReconcileOptions, reconcile_open};
use crate::audit::Audit;
use crate::error::Result;
use crate::instantly::{PullOptions, Source, blocking, poll_once, pull_once};

/// How often, and what is told to reconciliation.
#[derive(Debug, Clone)]
pub struct WatchOptions {
    /// How often logs are read and reconciled.
    pub pull_every: Duration,
    /// How often keys and members are listed.
    pub poll_every: Duration,
    /// The longest pause after failures; each one doubles it.
    pub pause_max: Duration,
    /// How long records of Instantly's are kept, in milliseconds.
    pub keep_ms: i64,
    /// How logs are read.
    pub pull: PullOptions,
    /// What reconciliation is told.
    pub reconcile: ReconcileOptions,
}

impl Default for WatchOptions {
    /// Each minute; listings each quarter of an hour; pauses up to a quarter of an hour; kept for
    /// 90 days.
    fn default() -> Self {
        Self {
            pull_every: Duration::from_secs(60),
            poll_every: Duration::from_secs(900),
            pause_max: Duration::from_secs(900),
            keep_ms: 90 * 86_400_000,
            pull: PullOptions::default(),
            reconcile: ReconcileOptions::default(),
        }
    }
}

/// How the watch is doing, for metrics and the console.
#[derive(Debug, Clone, Default, Serialize)]
pub struct WatchStatus {
    /// Rounds done.
    pub rounds: u64,
    /// Rounds in which something failed.
    pub failures: u64,
    /// What each source has to say, by workspace and sub-workspace; those with nothing are left
    /// out.
    pub told: HashMap<String, Vec<String>>,
    /// Records that no call explained, since the start.
    pub around: u64,
    /// Calls without a trace that was due, since the start.
    pub missing: u64,
    /// Changes of keys and members, since the start.
    pub changes: u64,
    /// When the last round ended.
    pub last: Option<Timestamp>,
    /// What the last reconciliation found.
    pub report: Option<Report>,
}

/// Reads the status that [`watch_instantly`] keeps.
#[derive(Debug, Clone, Default)]
pub struct WatchHandle(Arc<Mutex<WatchStatus>>);

impl WatchHandle {
    /// The status now.
    pub fn status(&self) -> WatchStatus {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn with<T>(&self, act: impl FnOnce(&mut WatchStatus) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// When a source is due again.
struct Due {
    pull: Instant,
    poll: Instant,
    pause: Duration,
}

/// Watches until `stop` says true or its sender is gone. `sources` is asked in each round, so that
/// workspaces and keys may come and go. Failures are told in the status and the program's log, and
/// end nothing.
pub async fn watch_instantly(
    audit: Arc<Audit>,
    sources: impl Fn() -> Vec<Source> + Send,
    options: WatchOptions,
    handle: WatchHandle,
    mut stop: watch::Receiver<bool>,
) {
    let mut due: HashMap<String, Due> = HashMap::new();
    loop {
        if *stop.borrow() {
            return;
        }
        let sources = sources();
        let round = round(&audit, &sources, &options, &handle, &mut due);
        tokio::select! {
            () = round => {}
            // What is interrupted goes on at the next start.
            _ = stop.wait_for(|stop| *stop) => return,
        }
        tokio::select! {
            () = tokio::time::sleep(options.pull_every) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

async fn round(
    audit: &Arc<Audit>,
    sources: &[Source],
    options: &WatchOptions,
    handle: &WatchHandle,
    due: &mut HashMap<String, Due>,
) {
    let mut failed = false;
    let names: Vec<String> = sources.iter().map(name_of).collect();
    due.retain(|name, _| names.contains(name));
    handle.with(|status| status.told.retain(|name, _| names.contains(name)));
    for (source, name) in sources.iter().zip(names) {
        let start = Instant::now();
        let due = due.entry(name.clone()).or_insert(Due {
            pull: start,
            poll: start,
            pause: options.pull_every,
        });
        if due.pull > start {
            continue;
        }
        match visit(audit, source, options, handle, due.poll <= start).await {
            Ok((told, again)) => {
                if due.poll <= start {
                    due.poll = start + options.poll_every;
                }
                due.pause = if again {
                    (due.pause * 2).min(options.pause_max)
                } else {
                    options.pull_every
                };
                due.pull = if again { start + due.pause } else { start };
                failed |= again;
                tell(handle, &name, told);
            }
            Err(error) => {
                failed = true;
                due.pause = (due.pause * 2).min(options.pause_max);
                due.pull = start + due.pause;
                tell(handle, &name, vec![error.to_string()]);
            }
        }
    }
    failed |= settle(audit, options, handle).await;
    let now = audit.now();
    handle.with(|status| {
        status.rounds += 1;
        status.failures += u64::from(failed);
        status.last = Some(now);
    });
}

/// Reads one source; what it has to say, and whether to come back sooner or later than usual.
async fn visit(
    audit: &Arc<Audit>,
    source: &Source,
    options: &WatchOptions,
    handle: &WatchHandle,
    poll: bool,
) -> Result<(Vec<String>, bool)> {
    let pulled = pull_once(audit, source, &options.pull, audit.now()).await?;
    let mut told: Vec<String> = pulled.told.into_iter().collect();
    let mut again = pulled.again;
    if poll && !again {
        let polled = poll_once(audit, source, audit.now()).await?;
        for change in &polled.changes {
            tracing::warn!(
                workspace = source.workspace,
                change = change.code(),
                "a key or member of the workspace changed"
            );
        }
        handle.with(|status| status.changes += polled.changes.len() as u64);
        told.extend(polled.told);
        again |= polled.again;
    }
    Ok((told, again))
}

/// Reconciles and forgets what is old; whether something failed.
async fn settle(audit: &Arc<Audit>, options: &WatchOptions, handle: &WatchHandle) -> bool {
    let (shared, told, keep) = (
        Arc::clone(audit),
        options.reconcile.clone(),
        options.keep_ms,
    );
    let done = blocking(move || {
        let now = shared.now();
        let report = reconcile_open(&shared, now, &told)?;
        shared
            .store()
            .prune_log_records(now.plus_millis(keep.saturating_neg()))?;
        Ok(report)
    })
    .await;
    match done {
        Ok(Some(report)) => {
            if !report.is_clean() {
                tracing::warn!(
                    around = report.around_total,
                    missing = report.missing_total,
                    unknown_keys = report.unknown_keys.len(),
                    foreign_addresses = report.foreign_addresses.len(),
                    "Instantly's audit log and the ledger differ; see `doorward audit reconcile`"
                );
            }
            handle.with(|status| {
                status.around += report.around_total;
                status.missing += report.missing_total;
                status.report = Some(report);
            });
            false
        }
        Ok(None) => false,
        Err(error) => {
            tracing::error!(%error, "reconciliation failed; it is tried again");
            true
        }
    }
}

fn tell(handle: &WatchHandle, name: &str, told: Vec<String>) {
    handle.with(|status| {
        // Said once, not each minute.
        if status.told.get(name) != Some(&told) {
            for told in &told {
                tracing::warn!(source = name, "{told}");
            }
        }
        if told.is_empty() {
            status.told.remove(name);
        } else {
            status.told.insert(name.to_owned(), told);
        }
    });
}

fn name_of(source: &Source) -> String {
    match &source.sub_workspace {
        Some(sub) => format!("{}/{sub}", source.workspace),
        None => source.workspace.clone(),
    }
}
