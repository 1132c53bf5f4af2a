//! Checks of sources: Doorward's receiving ends of subscriptions.

use doorward_finding::Place;

use super::registry::Look;
use super::verdict::{Fault, Verdict, thing};
use crate::here::{SourceFacts, WorkspaceFacts};
use crate::thresholds::days;

const HOUR: i64 = 3_600_000;

/// Judges each source of each workspace.
fn each(
    look: &Look<'_>,
    mut judge: impl FnMut(&WorkspaceFacts, &SourceFacts, &mut Verdict) -> Option<Fault>,
) -> Verdict {
    let mut verdict = Verdict::default();
    for workspace in &look.facts.workspaces {
        for source in &workspace.sources {
            verdict.looked();
            if let Some(fault) = judge(workspace, source, &mut verdict) {
                verdict.add(fault);
            }
        }
    }
    verdict.unless_looked("Doorward receives no webhooks")
}

fn place(workspace: &WorkspaceFacts, source: &SourceFacts) -> Place {
    thing("source", &source.id, Some(&source.name), &workspace.name)
}

pub(super) fn secret_over_age(look: &Look<'_>) -> Verdict {
    each(look, |workspace, source, _| {
        let made = source.secret_made_at?;
        let age = look.now.millis_since(made);
        if age < days(look.thresholds.secret_days) {
            return None;
        }
        let message = format!(
            "the secret of '{}' is {} days old",
            source.name,
            age / days(1)
        );
        let fault = Fault::at(place(workspace, source), message).saw("made", made);
        Some(fault.mend("rotate", [("source", &source.name)]))
    })
}

pub(super) fn no_allow_list(look: &Look<'_>) -> Verdict {
    each(look, |workspace, source, _| {
        let message = format!("'{}' takes deliveries from anywhere", source.name);
        let fault = Fault::at(place(workspace, source), message);
        let open = source.allow.is_empty() || source.allow.iter().any(|it| is_everywhere(it));
        open.then(|| fault.mend("set", [("source", &source.name)]))
    })
}

fn is_everywhere(network: &str) -> bool {
    network.ends_with("/0")
}

pub(super) fn quarantine_growing(look: &Look<'_>) -> Verdict {
    each(look, |workspace, source, verdict| {
        let seen = verdict.see(&workspace.name, &source.quarantined)?;
        if seen.today < look.thresholds.quarantine || seen.today <= seen.yesterday {
            return None;
        }
        let message = format!(
            "{} events of '{}' went into quarantine in a day; {} the day before",
            seen.today, source.name, seen.yesterday
        );
        let fault = Fault::at(place(workspace, source), message);
        Some(fault.mend("list", [("source", &source.name)]))
    })
}

pub(super) fn reconciliation_old(look: &Look<'_>) -> Verdict {
    let most = i64::try_from(look.thresholds.reconcile_hours).unwrap_or(i64::MAX);
    each(look, |workspace, source, verdict| {
        source.subscription.as_ref()?;
        let to = *verdict.see(&workspace.name, &source.reconciled_to)?;
        let since = look.now.millis_since(to.unwrap_or(source.created_at));
        if since < most.saturating_mul(HOUR) {
            return None;
        }
        let message = format!(
            "what Instantly sent to '{}' was not held against what came for {} hours",
            source.name,
            since / HOUR
        );
        let fault = Fault::at(place(workspace, source), message);
        let fault = match to {
            Some(to) => fault.saw("looked at up to", to),
            None => fault.saw("looked at up to", "never"),
        };
        Some(fault.mend("reconcile", [("source", &source.name)]))
    })
}
