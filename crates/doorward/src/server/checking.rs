//! The checklist in a running server: run by its schedule, told when something is new, counted for the
//! metrics.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_alert::{Alert, AlertKind, Severity as Urgency};
use doorward_finding::Severity;
use doorward_policy::Timestamp;
use doorward_posture::report::Brief;
use doorward_store::Store;
use tokio::task::spawn_blocking;
use tokio::time::MissedTickBehavior;

use super::settings::Settings;
use crate::admin::{Admin, PastRun, Scheduled, now, past_runs};
use crate::alerts::AlertDesk;
use crate::config::CheckConfig;
use crate::context::Context;
use crate::prometheus::Text;

/// How often it is looked whether a run is due.
const EVERY: Duration = Duration::from_secs(1);
/// A server that was just started has other things to do for so long, ms.
const SETTLES: i64 = 600_000;
/// After a run that could not be made the next is tried after so long, ms, or sooner.
const AGAIN: i64 = 3_600_000;
/// Runs that are looked through for the last one of the schedule.
const RUNS: usize = 100;
/// Findings that an alert names.
const NAMED: usize = 8;

/// Runs the checks when they are due, by the configuration in force, until it is dropped.
pub(super) fn scheduled(
    context: &Context,
    settings: &Settings,
    admin: Arc<Admin>,
    (store, alerts): (Arc<dyn Store>, AlertDesk),
) -> impl Future<Output = ()> + Send + 'static {
    let config = Arc::new(Mutex::new(context.config.check.clone()));
    let taking = Arc::clone(&config);
    settings.on(&["check"], move |next| {
        let (config, next) = (Arc::clone(&taking), next.config.check.clone());
        Ok(Box::new(move || {
            *config.lock().unwrap_or_else(PoisonError::into_inner) = next;
        }))
    });
    async move {
        let started = now();
        let mut refused = None;
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // What was run before this start is found out once.
        let looked = Arc::clone(&store);
        let last = spawn_blocking(move || last(looked.as_ref())).await;
        let mut last = last.ok().flatten();
        loop {
            ticks.tick().await;
            let config = config
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone();
            let Some(every) = config.every else { continue };
            if now() < due(every.millis(), last, refused, started) {
                continue;
            }
            let (admin, began) = (Arc::clone(&admin), now());
            match spawn_blocking(move || admin.check_by_schedule()).await {
                Ok(Ok(run)) => {
                    (last, refused) = (Some(began), None);
                    if let Some(alert) = run.and_then(|run| alert(&run, &config)) {
                        alerts.tell(alert);
                    }
                }
                Ok(Err(error)) => {
                    refused = Some(began);
                    tracing::warn!(%error, "the checks could not be run");
                }
                Err(error) => {
                    refused = Some(began);
                    tracing::error!(%error, "running the checks failed");
                }
            }
        }
    }
}

/// When the next run is due.
fn due(
    every: i64,
    last: Option<Timestamp>,
    refused: Option<Timestamp>,
    started: Timestamp,
) -> Timestamp {
    let settled = started.plus_millis(SETTLES.min(every));
    let next = last.map_or(settled, |last| last.plus_millis(every).max(settled));
    match refused {
        Some(refused) => refused.plus_millis(AGAIN.min(every)).max(settled),
        None => next,
    }
}

/// When the schedule ran last.
fn last(store: &dyn Store) -> Option<Timestamp> {
    let runs = past_runs(store, RUNS).unwrap_or_default();
    let scheduled = runs.iter().find(|run| run.scheduled);
    scheduled.map(|run| run.trend.at)
}

/// What people are told of a run: what counts now and did not before, if any of it is bad enough.
fn alert(run: &Scheduled, config: &CheckConfig) -> Option<Alert> {
    let mut worse: Vec<&Brief> = run
        .changes
        .worse()
        .filter(|brief| brief.severity >= config.alert_from)
        .collect();
    worse.sort_by_key(|brief| std::cmp::Reverse(brief.severity));
    let worst = worse.first()?.severity;
    let title = match worse.len() {
        1 => "the checklist found something new".to_owned(),
        count => format!("the checklist found {count} new things"),
    };
    let mut lines: Vec<String> = worse
        .iter()
        .take(NAMED)
        // The message may name people; an alert does not.
        .map(|brief| format!("{}: {}", brief.severity, brief.rule))
        .collect();
    lines.dedup();
    if worse.len() > NAMED {
        lines.push(format!("and {} more", worse.len() - NAMED));
    }
    lines.push("See `doorward check` for each, with the command that mends it.".to_owned());
    let checked = &run.checked;
    let score = checked.score.whole.score;
    let score = score.map_or_else(|| "none".to_owned(), |score| score.to_string());
    let alert = Alert::new(AlertKind::CheckFound, title, checked.at)
        .severity(urgency(worst))
        .text(lines.join("\n"))
        .fact("worst", worst)
        .fact("new", worse.len())
        .fact("score", score)
        .fact("workspaces", checked.workspaces.join(", "))
        .fact("run", &checked.run)
        .key(&checked.run);
    Some(alert)
}

const fn urgency(severity: Severity) -> Urgency {
    match severity {
        Severity::Critical => Urgency::Critical,
        Severity::High => Urgency::High,
        Severity::Medium => Urgency::Warning,
        Severity::Low | Severity::Info => Urgency::Info,
    }
}

/// Shows how the last whole run of each set of workspaces stood.
pub(super) fn figures(store: &dyn Store, text: &mut Text) {
    let runs = past_runs(store, RUNS).unwrap_or_default();
    let mut told: Vec<&[String]> = Vec::new();
    for run in runs.iter().filter(|run| run.whole) {
        if told.contains(&run.workspaces.as_slice()) {
            continue;
        }
        told.push(&run.workspaces);
        show(run, text);
    }
}

fn show(run: &PastRun, text: &mut Text) {
    let of = run.workspaces.join(",");
    let of = of.as_str();
    for severity in Severity::ALL {
        text.gauge(
            "check_findings",
            "Findings of the checklist that count, in the last whole run",
            &[("workspaces", of), ("severity", severity.name())],
            run.trend.count(severity),
        );
    }
    text.gauge(
        "check_not_looked",
        "Checks that could not look, in the last whole run",
        &[("workspaces", of)],
        run.trend.not_looked,
    );
    if let Some(score) = run.trend.score {
        text.gauge(
            "check_score",
            "Score of the last whole run of the checklist, 0 to 100",
            &[("workspaces", of)],
            score,
        );
    }
    text.gauge(
        "check_last_run_timestamp_seconds",
        "When the last whole run of the checklist began",
        &[("workspaces", of)],
        run.trend.at.millis() / 1_000,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn a_run_is_due_a_while_after_the_start_and_then_by_the_last() {
        let day = 86_400_000;
        // Never run: once the server has settled.
        assert_eq!(due(day, None, None, at(0)), at(600));
        // A short schedule does not wait that long.
        assert_eq!(due(5_000, None, None, at(0)), at(5));
        // Run before this start.
        assert_eq!(due(day, Some(at(-86_000)), None, at(0)), at(600));
        assert_eq!(due(day, Some(at(-3_600)), None, at(0)), at(82_800));
        // What failed is tried again within the hour.
        assert_eq!(due(day, Some(at(-86_400)), Some(at(700)), at(0)), at(4_300));
        assert_eq!(due(60_000, None, Some(at(700)), at(0)), at(760));
    }
}
