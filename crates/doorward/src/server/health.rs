//! What a running server says of how it is doing.

use std::sync::Arc;

use doorward_audit::{Audit, Sinks, Witnesses};
use doorward_gateway::Pacing;

use super::pace;
use super::watches::Watches;
use crate::alerts::AlertDesk;
use crate::health::{Health, HealthOf, LedgerHealth};
use crate::rotation::Rotations;

/// Tells how the server is doing.
pub(super) fn health_of(
    record: &Arc<Audit>,
    sinks: &Arc<Sinks>,
    watches: &Watches,
    alerts: &AlertDesk,
    (pacing, rotations): (&Pacing, &Rotations),
) -> HealthOf {
    let (alerts, pacing) = (alerts.clone(), pacing.clone());
    let rotations = rotations.clone();
    let (record, sinks) = (Arc::clone(record), Arc::clone(sinks));
    let (witnesses, watch) = (watches.witnesses.clone(), watches.instantly.clone());
    Arc::new(move || {
        let status = record.status();
        let witnesses = witnesses.as_ref().map(Witnesses::status);
        Health {
            ledger: LedgerHealth {
                leaves: status.durable,
                signed: status.signed,
                waiting: status.waiting as u64,
                commits: status.batches,
                commit_us: u64::try_from(status.syncing.as_micros()).unwrap_or(u64::MAX),
                lost: record.lost(),
                halted: status.halt.map(|halt| halt.to_string()),
                unsigned: status.unsigned,
            },
            sinks: sinks.metrics().into_iter().map(Into::into).collect(),
            witnesses: witnesses.into_iter().flatten().map(Into::into).collect(),
            instantly: watch.status().into(),
            alerts: alerts.status(),
            pace: pace::health(pacing.figures()),
            owed: rotations.owed(),
        }
    })
}
