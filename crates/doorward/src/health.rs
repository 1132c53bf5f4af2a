//! How a running server is doing: for `doorward status`, for `/metrics`.

use std::sync::Arc;

use doorward_alert::AlertStatus;
use doorward_audit::reconcile::WatchStatus;
use doorward_audit::{SinkMetrics, WitnessStatus};
use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::prometheus::Text;

/// Tells it.
pub(crate) type HealthOf = Arc<dyn Fn() -> Health + Send + Sync>;

/// Tells whether calls can be taken.
pub(crate) type ReadyOf = Arc<dyn Fn() -> Ready + Send + Sync>;

/// Whether calls can be taken, and why not. Shown to anybody: it names nobody and nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ready {
    /// Whether they can.
    pub(crate) ready: bool,
    /// Why not.
    pub(crate) reasons: Vec<String>,
    /// What somebody should look at all the same.
    pub(crate) warnings: Vec<String>,
}

/// All of it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Health {
    /// The ledger.
    pub(crate) ledger: LedgerHealth,
    /// Each sink.
    pub(crate) sinks: Vec<SinkHealth>,
    /// Each witness.
    pub(crate) witnesses: Vec<WitnessHealth>,
    /// The watch over Instantly's own audit log.
    pub(crate) instantly: WatchHealth,
    /// How alerts are told.
    #[serde(default)]
    pub(crate) alerts: AlertStatus,
    /// The pace of calls.
    #[serde(default)]
    pub(crate) pace: PaceHealth,
    /// The upstream keys that are to be dead and are not yet.
    #[serde(default)]
    pub(crate) owed: Vec<OwedKey>,
}

/// An upstream key that is to be dead and is not yet known to be.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OwedKey {
    /// What is to kill it.
    pub(crate) by: OwedBy,
    /// The id of that.
    pub(crate) id: String,
    /// Name of the workspace.
    pub(crate) workspace: String,
    /// Instantly's id of the key, where that is known.
    pub(crate) api_key_id: Option<String>,
    /// Where it is.
    pub(crate) step: String,
    /// How often the step at hand failed.
    pub(crate) tries: u32,
    /// When it was begun.
    pub(crate) since: Timestamp,
    /// What went wrong last.
    pub(crate) trouble: Option<String>,
}

/// What is to kill a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OwedBy {
    /// A rotation, of the old key or of one that it takes back.
    Rotation,
    /// A revocation with nothing in the key's place.
    Revocation,
}

impl OwedBy {
    /// Lower-case name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Rotation => "rotation",
            Self::Revocation => "revocation",
        }
    }
}

/// The pace of calls since the start.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct PaceHealth {
    /// Calls that went at once, that waited for their turn, and that had none.
    pub(crate) at_once: u64,
    pub(crate) waited: u64,
    pub(crate) refused: u64,
    /// Times that the API said 429.
    pub(crate) complaints: u64,
    /// Each workspace that was called.
    pub(crate) workspaces: Vec<WorkspacePace>,
}

/// How a workspace's budget stands.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct WorkspacePace {
    /// Its name.
    pub(crate) workspace: String,
    /// Of the last second, and of the last minute.
    pub(crate) second: PaceWindow,
    pub(crate) minute: PaceWindow,
    /// Calls that wait for their turn.
    pub(crate) waiting: u64,
    /// Percent of the budget in use: less than 100 after the API said 429.
    pub(crate) percent: u32,
    /// Milliseconds that nothing goes for, as the API asked.
    pub(crate) shut_ms: u64,
}

/// Calls in a stretch of time.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct PaceWindow {
    /// Most that go when nothing is cut.
    pub(crate) budget: u64,
    /// That went.
    pub(crate) used: u64,
}

/// The ledger.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct LedgerHealth {
    /// Leaves on disk.
    pub(crate) leaves: u64,
    /// Leaves under the last signed checkpoint.
    pub(crate) signed: u64,
    /// Leaves that wait for the disk.
    pub(crate) waiting: u64,
    /// Groups of leaves that were made durable together since the start.
    #[serde(default)]
    pub(crate) commits: u64,
    /// Microseconds that the disk took for them.
    #[serde(default)]
    pub(crate) commit_us: u64,
    /// Acts that could not be recorded, and are not counted in the ledger yet.
    pub(crate) lost: u64,
    /// Why nothing can be recorded.
    pub(crate) halted: Option<String>,
    /// Why the last checkpoint could not be signed.
    pub(crate) unsigned: Option<String>,
}

/// A sink.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SinkHealth {
    pub(crate) name: String,
    pub(crate) kind: String,
    /// Leaves that were not handed on yet.
    pub(crate) lag: u64,
    /// Age of the oldest of them.
    pub(crate) oldest_ms: Option<u64>,
    pub(crate) sent: u64,
    pub(crate) failures: u64,
    /// Entries that the receiver refused for good.
    pub(crate) skipped: u64,
    /// Entries that were pruned before.
    pub(crate) missed: u64,
    pub(crate) running: bool,
    pub(crate) trouble: Option<String>,
}

/// A witness.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WitnessHealth {
    pub(crate) name: String,
    pub(crate) url: String,
    /// Leaves under its last cosignature.
    pub(crate) cosigned: Option<u64>,
    /// Leaves that are signed and that it has not cosigned.
    pub(crate) lag: u64,
    pub(crate) failures: u64,
    /// Why it does not cosign.
    pub(crate) refusal: Option<String>,
    pub(crate) trouble: Option<String>,
}

/// The watch over Instantly's own audit log.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct WatchHealth {
    pub(crate) rounds: u64,
    pub(crate) failures: u64,
    /// Records that no call explained.
    pub(crate) around: u64,
    /// Calls without a trace that was due.
    pub(crate) missing: u64,
    /// Changes of keys and members.
    pub(crate) changes: u64,
    /// What there is to say of each workspace.
    pub(crate) told: Vec<String>,
}

impl From<SinkMetrics> for SinkHealth {
    fn from(sink: SinkMetrics) -> Self {
        Self {
            name: sink.name,
            kind: sink.kind.to_owned(),
            lag: sink.lag,
            oldest_ms: sink.oldest_unsent_ms,
            sent: sink.sent,
            failures: sink.failures,
            skipped: sink.skipped,
            missed: sink.missed,
            running: sink.running,
            trouble: sink.last_error,
        }
    }
}

impl From<WitnessStatus> for WitnessHealth {
    fn from(witness: WitnessStatus) -> Self {
        Self {
            name: witness.name,
            url: witness.url,
            cosigned: witness.cosigned,
            lag: witness.lag,
            failures: witness.failures,
            refusal: witness.refusal.map(|refusal| refusal.to_string()),
            trouble: witness.trouble,
        }
    }
}

impl From<WatchStatus> for WatchHealth {
    fn from(watch: WatchStatus) -> Self {
        let mut told: Vec<String> = watch
            .told
            .into_iter()
            .flat_map(|(source, told)| {
                told.into_iter()
                    .map(move |text| format!("{source}: {text}"))
            })
            .collect();
        told.sort();
        Self {
            rounds: watch.rounds,
            failures: watch.failures,
            around: watch.around,
            missing: watch.missing,
            changes: watch.changes,
            told,
        }
    }
}

impl Health {
    /// In the text format of Prometheus.
    pub(crate) fn metrics(&self, text: &mut Text) {
        let ledger = &self.ledger;
        text.gauge("ledger_leaves", "Leaves on disk", &[], ledger.leaves);
        text.gauge(
            "ledger_signed_leaves",
            "Leaves under the last signed checkpoint",
            &[],
            ledger.signed,
        );
        text.gauge(
            "ledger_waiting_leaves",
            "Leaves that wait for the disk",
            &[],
            ledger.waiting,
        );
        text.counter(
            "ledger_commits_total",
            "Groups of leaves made durable together",
            &[],
            ledger.commits,
        );
        text.counter(
            "ledger_commit_seconds_total",
            "Time the disk took for them",
            &[],
            ledger.commit_us as f64 / 1e6,
        );
        text.gauge(
            "ledger_lost_acts",
            "Acts not recorded, nor their number",
            &[],
            ledger.lost,
        );
        text.gauge(
            "ledger_halted",
            "Whether nothing can be recorded",
            &[],
            u64::from(ledger.halted.is_some()),
        );
        for sink in &self.sinks {
            let by = [("sink", sink.name.as_str()), ("kind", sink.kind.as_str())];
            text.gauge("sink_lag_leaves", "Leaves not handed on yet", &by, sink.lag);
            text.gauge(
                "sink_oldest_milliseconds",
                "Age of the oldest entry that waits",
                &by,
                sink.oldest_ms.unwrap_or(0),
            );
            text.counter("sink_sent_total", "Entries delivered", &by, sink.sent);
            text.counter(
                "sink_failures_total",
                "Attempts that failed",
                &by,
                sink.failures,
            );
            text.counter(
                "sink_skipped_total",
                "Entries refused for good",
                &by,
                sink.skipped,
            );
            text.counter(
                "sink_missed_total",
                "Entries pruned before",
                &by,
                sink.missed,
            );
            text.gauge(
                "sink_running",
                "Whether it runs",
                &by,
                u64::from(sink.running),
            );
        }
        for witness in &self.witnesses {
            let by = [("witness", witness.name.as_str())];
            text.gauge(
                "witness_lag_leaves",
                "Signed leaves not cosigned",
                &by,
                witness.lag,
            );
            text.counter(
                "witness_failures_total",
                "Attempts that failed",
                &by,
                witness.failures,
            );
            text.gauge(
                "witness_refuses",
                "Whether it refuses to cosign",
                &by,
                u64::from(witness.refusal.is_some()),
            );
        }
        let watch = &self.instantly;
        text.counter(
            "watch_rounds_total",
            "Readings of Instantly's log",
            &[],
            watch.rounds,
        );
        text.counter(
            "watch_failures_total",
            "Readings that failed",
            &[],
            watch.failures,
        );
        text.counter(
            "watch_around_total",
            "Acts around Doorward",
            &[],
            watch.around,
        );
        text.counter(
            "watch_missing_total",
            "Calls without a trace",
            &[],
            watch.missing,
        );
        text.counter(
            "watch_changes_total",
            "Changes of keys and members",
            &[],
            watch.changes,
        );
        for by in [OwedBy::Rotation, OwedBy::Revocation] {
            let mine = self.owed.iter().filter(|owed| owed.by == by);
            let (count, tries) = mine.fold((0_u64, 0), |(count, tries), owed| {
                (count + 1, tries.max(owed.tries))
            });
            let by = [("by", by.as_str())];
            text.gauge(
                "keys_owed",
                "Upstream keys to be dead and not yet",
                &by,
                count,
            );
            text.gauge(
                "keys_owed_tries",
                "Most tries of one of them that failed in a row",
                &by,
                u64::from(tries),
            );
        }
        add_alerts(text, &self.alerts);
    }
}

fn add_alerts(text: &mut Text, alerts: &AlertStatus) {
    text.counter("alerts_raised_total", "Alerts raised", &[], alerts.raised);
    text.counter(
        "alerts_dropped_total",
        "Alerts that found no room",
        &[],
        alerts.dropped,
    );
    for channel in &alerts.channels {
        let by = [
            ("channel", channel.name.as_str()),
            ("kind", channel.kind.as_str()),
        ];
        for (name, help, value) in [
            ("alert_sent_total", "Messages that arrived", channel.sent),
            (
                "alert_failures_total",
                "Attempts that failed",
                channel.failures,
            ),
            (
                "alert_given_up_total",
                "Messages given up",
                channel.given_up,
            ),
            (
                "alert_withheld_total",
                "Messages too many in an hour",
                channel.withheld,
            ),
            (
                "alert_channel_dropped_total",
                "Messages that found no room",
                channel.dropped,
            ),
        ] {
            text.counter(name, help, &by, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_of_one_name_stand_together_under_one_head() {
        let sink = |name: &str| SinkHealth {
            name: name.to_owned(),
            kind: "file".to_owned(),
            lag: 1,
            oldest_ms: None,
            sent: 2,
            failures: 0,
            skipped: 0,
            missed: 0,
            running: true,
            trouble: None,
        };
        let health = Health {
            sinks: vec![sink("a"), sink("b\"\n")],
            ..Health::default()
        };
        let mut text = Text::default();
        health.metrics(&mut text);
        let text = text.page();
        let lag: Vec<&str> = text
            .lines()
            .skip_while(|line| !line.contains("TYPE doorward_sink_lag_leaves"))
            .take(3)
            .collect();
        assert_eq!(
            lag,
            [
                "# TYPE doorward_sink_lag_leaves gauge",
                "doorward_sink_lag_leaves{sink=\"a\",kind=\"file\"} 1",
                "doorward_sink_lag_leaves{sink=\"b\\\"\\n\",kind=\"file\"} 1",
            ]
        );
        assert_eq!(text.matches("# TYPE doorward_sink_lag_leaves").count(), 1);
    }
}
