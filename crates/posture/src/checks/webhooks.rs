//! Checks of subscriptions, as Instantly shows them.

use crate::thresholds::domain_is_within;
use doorward_finding::Place;

use super::registry::Look;
use super::verdict::{Fault, Verdict, thing};
use crate::here::{SourceFacts, WorkspaceFacts};
use crate::live::Subscription;

const NONE: &str = "there is no subscription";

/// Judges each subscription of each workspace, with the source that receives it.
fn each(
    look: &Look<'_>,
    mut judge: impl FnMut(&WorkspaceFacts, &Subscription, Option<&SourceFacts>) -> Option<Fault>,
) -> Verdict {
    let mut verdict = Verdict::default();
    for workspace in &look.facts.workspaces {
        let Some(all) = verdict.see(&workspace.name, &workspace.live.subscriptions) else {
            continue;
        };
        for one in all {
            if let Some(fault) = judge(workspace, one, source_of(workspace, one)) {
                verdict.add(fault);
            }
        }
    }
    verdict.unless_looked(NONE)
}

fn source_of<'a>(workspace: &'a WorkspaceFacts, one: &Subscription) -> Option<&'a SourceFacts> {
    let mut sources = workspace.sources.iter();
    sources.find(|source| {
        source.subscription.as_deref() == Some(one.id.as_str()) || source.url == one.url
    })
}

fn place(workspace: &WorkspaceFacts, one: &Subscription) -> Place {
    thing(
        "subscription",
        &one.id,
        one.name.as_deref(),
        &workspace.name,
    )
}

/// What it is called in a message.
fn called(one: &Subscription) -> String {
    match &one.name {
        Some(name) => format!("the subscription '{name}'"),
        None => format!("the subscription {}", one.id),
    }
}

impl Fault {
    fn adopt(self, workspace: &WorkspaceFacts, one: &Subscription) -> Self {
        self.mend("adopt", [("id", &one.id), ("workspace", &workspace.name)])
    }
}

pub(super) fn no_secret_header(look: &Look<'_>) -> Verdict {
    each(look, |workspace, one, _| {
        let message = format!("{} has no header that proves who sends", called(one));
        let fault = Fault::at(place(workspace, one), message).saw("target", one.target());
        one.headers.is_empty().then(|| fault.adopt(workspace, one))
    })
}

pub(super) fn http_target(look: &Look<'_>) -> Verdict {
    each(look, |workspace, one, _| {
        let message = format!("{} is sent in plain text", called(one));
        let fault = Fault::at(place(workspace, one), message).saw("target", one.target());
        one.is_plain().then(|| fault.adopt(workspace, one))
    })
}

pub(super) fn disabled(look: &Look<'_>) -> Verdict {
    each(look, |workspace, one, source| {
        if !one.disabled {
            return None;
        }
        let message = format!("Instantly has switched {} off", called(one));
        let fault = Fault::at(place(workspace, one), message).saw("target", one.target());
        let fault = match one.disabled_at {
            Some(at) => fault.saw("since", at),
            None => fault,
        };
        Some(match source {
            Some(source) => fault.mend("resume", [("source", &source.name)]),
            None => fault.adopt(workspace, one),
        })
    })
}

pub(super) fn failing(look: &Look<'_>) -> Verdict {
    let mut unseen = Verdict::default();
    let mut verdict = each(look, |workspace, one, source| {
        let deliveries = unseen.see(&workspace.name, &workspace.live.deliveries)?;
        let tries = deliveries.by_url.get(&one.url)?;
        let limit = look.thresholds.failing_percent;
        if tries.all < look.thresholds.failing_of || tries.failed * 100 < tries.all * limit {
            return None;
        }
        let percent = tries.failed * 100 / tries.all.max(1);
        let message = format!("{percent} % of the deliveries of {} failed", called(one));
        let of = match deliveries.whole {
            true => format!("all since {}", deliveries.from),
            false => "the last that were looked at".to_owned(),
        };
        let fault = Fault::at(place(workspace, one), message)
            .saw("target", one.target())
            .saw("failed", format!("{} of {} tries", tries.failed, tries.all))
            .saw("of", of);
        Some(match source {
            Some(source) => fault.mend("reconcile", [("source", &source.name)]),
            None => fault.adopt(workspace, one),
        })
    });
    for why in unseen.unseen {
        verdict.miss("", &why);
    }
    verdict
}

pub(super) fn unknown_host(look: &Look<'_>) -> Verdict {
    let thresholds = look.thresholds;
    let declared = thresholds
        .webhook_hosts
        .iter()
        .chain(&thresholds.own_domains);
    let declared: Vec<&String> = declared.collect();
    let sources = look.facts.workspaces.iter();
    let has_source = sources
        .flat_map(|workspace| &workspace.sources)
        .next()
        .is_some();
    if declared.is_empty() && !has_source {
        return Verdict::not_applicable(
            "no host is declared that webhooks may be sent to: say them as `webhook_hosts` under \
             [check], or have Doorward receive them",
        );
    }
    each(look, |workspace, one, source| {
        let host = one.host().unwrap_or_default();
        let known = declared
            .iter()
            .any(|domain| domain_is_within(&host, domain));
        if source.is_some() || known {
            return None;
        }
        let message = format!("{} leads to a host that nobody declared", called(one));
        let fault = Fault::at(place(workspace, one), message).saw("target", one.target());
        let fault = match one.created_at {
            Some(made) => fault.saw("made", made),
            None => fault,
        };
        Some(fault.adopt(workspace, one))
    })
}

pub(super) fn all_events(look: &Look<'_>) -> Verdict {
    each(look, |workspace, one, source| {
        if one.event_type.as_deref() != Some("all_events") {
            return None;
        }
        let fault =
            |message: String| Fault::at(place(workspace, one), message).saw("target", one.target());
        let Some(source) = source else {
            // What uses them can't be seen from here.
            let message = format!("{} is sent every event, people's data with it", called(one));
            return Some(fault(message).adopt(workspace, one));
        };
        let used = source.used_types.as_ref()?;
        let message = format!(
            "{} is sent every event; destinations take {}",
            called(one),
            match used.as_slice() {
                [] => "none".to_owned(),
                used => used.join(", "),
            }
        );
        let fault = fault(message);
        Some(match used.first() {
            Some(first) => fault.mend("create", [("type", first), ("workspace", &workspace.name)]),
            None => fault,
        })
    })
}
