//! Alerts on how the server is doing: what is wrong now and was not before.

use std::time::Duration;

use doorward_alert::{Alert, AlertKind, Severity};
use doorward_policy::Timestamp;

use super::AlertDesk;
use crate::admin::now;
use crate::health::{Health, HealthOf, SinkHealth};

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(5);
/// A sink whose oldest entry has waited this long lags.
const LAG_MS: u64 = 5 * 60 * 1_000;

/// Looks at the server's health again and again, until it is dropped.
pub(crate) async fn watch(desk: AlertDesk, health: HealthOf) {
    let mut seen = Seen::default();
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        for alert in seen.look(&health(), now()) {
            desk.tell(alert);
        }
    }
}

/// That a part of the server ended before its time, and the server with it.
pub(crate) fn ended_early(why: &str) -> Alert {
    Alert::new(AlertKind::ServerEnded, "the server ended by itself", now())
        .text(
            "Calls are refused until it runs again. Whatever supervises it should start it; its \
             log says more.",
        )
        .fact("why", why)
}

/// What was wrong when it was last looked.
#[derive(Debug, Default)]
struct Seen {
    halted: bool,
    lagging: Vec<String>,
    refused: Vec<String>,
    around: u64,
    changes: u64,
}

impl Seen {
    /// What is wrong now and was not before.
    fn look(&mut self, health: &Health, now: Timestamp) -> Vec<Alert> {
        let mut alerts = Vec::new();
        let halted = health.ledger.halted.as_deref();
        if let (Some(why), false) = (halted, self.halted) {
            alerts.push(
                Alert::new(AlertKind::LedgerHalted, "nothing can be recorded", now)
                    .text(
                        "Writes are refused until the ledger can be written again. See `doorward \
                         status`.",
                    )
                    .fact("why", why),
            );
        }
        self.halted = halted.is_some();
        self.sinks(health, now, &mut alerts);
        self.witnesses(health, now, &mut alerts);
        self.instantly(health, now, &mut alerts);
        alerts
    }

    fn sinks(&mut self, health: &Health, now: Timestamp, alerts: &mut Vec<Alert>) {
        let lagging = health.sinks.iter().filter(|sink| lags(sink));
        let lagging: Vec<&SinkHealth> = lagging.collect();
        for sink in &lagging {
            if !self.lagging.contains(&sink.name) {
                let title = format!("the sink {} does not take the record", sink.name);
                alerts.push(
                    Alert::new(AlertKind::SinkLagging, title, now)
                        .text("Nothing is lost: the ledger keeps it. See `doorward status`.")
                        .fact("sink", &sink.name)
                        .fact("behind", sink.lag)
                        .fact("why", sink.trouble.as_deref().unwrap_or("too slow"))
                        .key(&sink.name),
                );
            }
        }
        self.lagging = lagging.iter().map(|sink| sink.name.clone()).collect();
    }

    fn witnesses(&mut self, health: &Health, now: Timestamp, alerts: &mut Vec<Alert>) {
        let mut refused = Vec::new();
        for witness in &health.witnesses {
            let Some(why) = &witness.refusal else {
                continue;
            };
            if !self.refused.contains(&witness.name) {
                let title = format!("the witness {} refuses the ledger's history", witness.name);
                alerts.push(
                    Alert::new(AlertKind::WitnessRefuses, title, now)
                        .text("It has seen another one. See `doorward audit verify`.")
                        .fact("witness", &witness.name)
                        .fact("why", why)
                        .key(&witness.name),
                );
            }
            refused.push(witness.name.clone());
        }
        self.refused = refused;
    }

    fn instantly(&mut self, health: &Health, now: Timestamp, alerts: &mut Vec<Alert>) {
        let watch = &health.instantly;
        if watch.around > self.around {
            let more = watch.around.saturating_sub(self.around);
            let title = format!("{more} acts on Instantly went around Doorward");
            alerts.push(
                Alert::new(AlertKind::TrafficAround, title, now)
                    .text(
                        "Instantly's own log has acts that no call through Doorward explains. See \
                         `doorward audit reconcile`.",
                    )
                    .fact("acts", more)
                    .severity(Severity::Critical),
            );
        }
        if watch.changes > self.changes {
            let more = watch.changes.saturating_sub(self.changes);
            let title = format!("{more} keys or members of a workspace were changed");
            alerts.push(
                Alert::new(AlertKind::WorkspaceChanged, title, now)
                    .text("See `doorward audit search --kind finding`.")
                    .fact("changes", more),
            );
        }
        (self.around, self.changes) = (watch.around, watch.changes);
    }
}

fn lags(sink: &SinkHealth) -> bool {
    !sink.running || sink.oldest_ms.is_some_and(|age| age >= LAG_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{LedgerHealth, WatchHealth, WitnessHealth};

    const AT: Timestamp = Timestamp::from_seconds(1_800_000_000);

    fn sink(name: &str, oldest_ms: u64) -> SinkHealth {
        SinkHealth {
            name: name.to_owned(),
            kind: "https".to_owned(),
            lag: 9,
            oldest_ms: Some(oldest_ms),
            sent: 0,
            failures: 0,
            skipped: 0,
            missed: 0,
            running: true,
            trouble: None,
        }
    }

    #[test]
    fn what_goes_wrong_is_told_when_it_begins_and_when_it_begins_again() {
        let mut seen = Seen::default();
        let kinds = |alerts: Vec<Alert>| alerts.iter().map(|one| one.kind).collect::<Vec<_>>();
        let well = Health::default();
        let bad = Health {
            ledger: LedgerHealth {
                halted: Some("the disk is full".to_owned()),
                ..LedgerHealth::default()
            },
            sinks: vec![sink("a", LAG_MS), sink("b", LAG_MS - 1)],
            instantly: WatchHealth {
                around: 2,
                changes: 1,
                ..WatchHealth::default()
            },
            witnesses: vec![WitnessHealth {
                name: "w".to_owned(),
                url: String::new(),
                cosigned: Some(7),
                lag: 0,
                failures: 1,
                refusal: Some("another history".to_owned()),
                trouble: None,
            }],
            ..Health::default()
        };
        assert_eq!(kinds(seen.look(&well, AT)), []);
        let all = [
            AlertKind::LedgerHalted,
            AlertKind::SinkLagging,
            AlertKind::WitnessRefuses,
            AlertKind::TrafficAround,
            AlertKind::WorkspaceChanged,
        ];
        assert_eq!(kinds(seen.look(&bad, AT)), all);
        assert_eq!(kinds(seen.look(&bad, AT)), []);
        assert_eq!(kinds(seen.look(&well, AT)), []);
        assert_eq!(kinds(seen.look(&bad, AT)), all);
    }
}
