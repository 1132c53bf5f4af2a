//! Checks of the record of what was done, here and at Instantly.

use doorward_policy::Timestamp;

use super::registry::Look;
use super::verdict::{Fault, Verdict, thing};
use crate::thresholds::days;

const MIB: u64 = 1 << 20;

pub(super) fn review_overdue(look: &Look<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    if let Some(review) = verdict.see("", &look.facts.server.review)
        && review.due < look.now
    {
        let overdue = look.now.millis_since(review.due) / days(1);
        let message = format!(
            "the review of the record is overdue for {overdue} days; {} entries wait",
            review.waiting
        );
        let fault = Fault::at(thing("ledger", "", None, ""), message);
        let fault = match review.last {
            Some(last) => fault.saw("last review", last),
            None => fault.saw("last review", "never"),
        };
        verdict.add(fault.mend("review", []));
    }
    verdict
}

pub(super) fn ledger_unverified(look: &Look<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    if let Some(ledger) = verdict.see("", &look.facts.server.ledger)
        && let Some(why) = &ledger.fault
    {
        let fault = Fault::at(thing("ledger", "", None, ""), "the ledger does not verify");
        let fault = fault.saw("why", why).saw("leaves", ledger.leaves);
        verdict.add(fault.mend("verify", []));
    }
    verdict
}

pub(super) fn witness_lag(look: &Look<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let Some(witnesses) = verdict.see("", &look.facts.server.witnesses) else {
        return verdict;
    };
    if witnesses.is_empty() {
        return Verdict::not_applicable("no witness is configured");
    }
    for witness in witnesses {
        if witness.lag < look.thresholds.witness_leaves && witness.trouble.is_none() {
            continue;
        }
        let message = format!(
            "the witness '{}' is {} leaves behind",
            witness.name, witness.lag
        );
        let fault = Fault::at(thing("witness", &witness.name, None, ""), message);
        let fault = match &witness.trouble {
            Some(why) => fault.saw("why", why),
            None => fault,
        };
        verdict.add(fault.mend("status", []));
    }
    verdict
}

pub(super) fn sink_lag(look: &Look<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let Some(sinks) = verdict.see("", &look.facts.server.sinks) else {
        return verdict;
    };
    if sinks.is_empty() {
        return Verdict::not_applicable("the record is handed on to nobody");
    }
    let most = u64::try_from(look.thresholds.sink_minutes).unwrap_or(u64::MAX);
    for sink in sinks {
        if sink.lag == 0 || sink.oldest_ms < most.saturating_mul(60_000) {
            continue;
        }
        let message = format!(
            "{} entries wait for the sink '{}', the oldest for {} minutes",
            sink.lag,
            sink.name,
            sink.oldest_ms / 60_000
        );
        let fault = Fault::at(thing("sink", &sink.name, None, ""), message);
        let fault = match &sink.trouble {
            Some(why) => fault.saw("why", why),
            None => fault,
        };
        verdict.add(fault.mend("status", []));
    }
    verdict
}

pub(super) fn instantly_log_empty(look: &Look<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    for workspace in &look.facts.workspaces {
        let Some(log) = verdict.see(&workspace.name, &workspace.live.activity) else {
            continue;
        };
        if log.entries > 0 || !log.whole {
            continue;
        }
        let message = format!(
            "the audit log has no entry since {}: it is not in the plan, it is switched off in the \
             settings, or nobody did anything",
            day(log.from)
        );
        let place = thing("workspace", &workspace.id, Some(&workspace.name), "");
        verdict.add(Fault::at(place, message).mend("reconcile", []));
    }
    verdict.unless_looked("there is no workspace")
}

/// The day of a time: what is said of the same fault is the same all day.
fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

pub(super) fn around(look: &Look<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    for workspace in &look.facts.workspaces {
        let Some(around) = verdict.see(&workspace.name, &workspace.around) else {
            continue;
        };
        if around.records == 0 {
            continue;
        }
        let message = format!(
            "acts in Instantly's audit log since {} that did not come through Doorward: {}",
            day(around.since),
            around.records
        );
        let place = thing("workspace", &workspace.id, Some(&workspace.name), "");
        let fault = around
            .keys
            .iter()
            .take(10)
            .fold(Fault::at(place, message), |fault, (key, count)| {
                fault.saw(&format!("key {key}"), format!("{count} acts"))
            });
        let since = around.since.to_string();
        verdict.add(fault.mend("reconcile", [("since", &since)]));
    }
    verdict.unless_looked("there is no workspace")
}

pub(super) fn disk_reserve(look: &Look<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let Some(disks) = verdict.see("", &look.facts.server.disks) else {
        return verdict;
    };
    for disk in disks {
        let part = u128::from(disk.free) * 100;
        let percent = u128::from(disk.total) * u128::from(look.thresholds.disk_percent);
        if part >= percent && disk.free >= look.thresholds.disk_mib.saturating_mul(MIB) {
            continue;
        }
        let message = format!(
            "{} MiB of {} are free on the disk of {}",
            disk.free / MIB,
            disk.total / MIB,
            disk.what
        );
        let fault = Fault::at(thing("disk", &disk.what, None, ""), message);
        verdict.add(fault.mend("prune", []));
    }
    verdict
}
