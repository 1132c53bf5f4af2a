//! Checks of keys by what they were used for.

use std::collections::BTreeSet;

use doorward_catalog::{Op, OpSet};
use doorward_keys::inventory::{Evidence, Uses, narrow};
use doorward_policy::Timestamp;

use super::keys::each_key;
use super::keys_of::{Key, held_of};
use super::registry::Look;
use super::verdict::{Fault, Verdict};
use crate::here::WorkspaceFacts;
use crate::thresholds::days;

/// Programs by which people are at work, not integrations.
const BROWSERS: [&str; 1] = ["Mozilla"];
/// The calls that show secrets.
const SHOW_SECRETS: [Op; 3] = [Op::ListAPIKey, Op::ListWebhook, Op::GetWebhook];

pub(super) fn wider_than_used(look: &Look<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    let back = days(look.thresholds.look_back_days);
    for workspace in &look.facts.workspaces {
        for (held, key) in held_of(workspace, &mut verdict) {
            // What was not yet seen for long enough says nothing.
            let young = look.now.millis_since(held.added_at) < days(look.thresholds.unused_days);
            if held.manages || young {
                continue;
            }
            let Some(uses) = verdict.see(&workspace.name, &held.uses) else {
                continue;
            };
            let own = match &held.own_use {
                Some(own) => vec![(
                    own.as_str(),
                    SHOW_SECRETS.into_iter().chain(WATCHED).collect(),
                )],
                None => vec![],
            };
            let evidence = Evidence {
                uses: uses.calls.clone(),
                own,
                ..Evidence::default()
            };
            // What was not used at all is another check's.
            let Ok(narrowed) = narrow(key.scope_set(), &evidence) else {
                continue;
            };
            let dropped: Vec<String> = narrowed.dropped.iter().map(|it| it.to_string()).collect();
            let message = format!(
                "the key '{}' has {} that nothing used in {} days",
                held.name,
                dropped.join(", "),
                back / days(1)
            );
            let since = format!("{}d", back / days(1));
            let kept: Vec<String> = narrowed.scopes.iter().map(|it| it.to_string()).collect();
            verdict.add(
                Fault::at(key.place(), message)
                    .saw("not used", dropped.join(", "))
                    .saw("used", kept.join(", "))
                    .mend(
                        "shrink",
                        [
                            ("name", &held.name),
                            ("workspace", &workspace.name),
                            ("since", &since),
                        ],
                    ),
            );
        }
    }
    verdict.unless_looked("Doorward holds no key")
}

/// What Doorward reads for the watch over Instantly's log.
const WATCHED: [Op; 2] = [Op::ListAuditLog, Op::ListWorkspaceMember];

pub(super) fn shared(look: &Look<'_>) -> Verdict {
    each_key(look, |workspace, key, verdict| {
        let activity = verdict.see(&workspace.name, &workspace.live.activity);
        let traces = activity.and_then(|activity| activity.keys.get(key.id()));
        let programs = traces.into_iter().flat_map(|traces| &traces.programs);
        let programs: BTreeSet<&str> = programs
            .map(String::as_str)
            .filter(|program| !BROWSERS.contains(program))
            .collect();
        let consumers = key.held.map(|held| held.consumers.as_slice());
        let consumers = consumers.unwrap_or_default();
        let (what, who) = if consumers.len() > 1 {
            ("is configured for", consumers.join(", "))
        } else if programs.len() > 1 {
            ("was used by", Vec::from_iter(programs).join(", "))
        } else {
            return None;
        };
        let message = format!(
            "the key '{}' {what} several integrations: {who}",
            key.name()
        );
        let fault = Fault::at(key.place(), message).saw("integrations", who);
        Some(fault.mend("list", [("workspace", &workspace.name)]))
    })
}

pub(super) fn unused(look: &Look<'_>) -> Verdict {
    let since = look.now.plus_millis(-days(look.thresholds.unused_days));
    let mut verdict = Verdict::default();
    for workspace in &look.facts.workspaces {
        for (held, key) in held_of(workspace, &mut verdict) {
            // What Doorward itself does under it is in no count.
            if held.manages || held.own_use.is_some() || held.added_at > since {
                continue;
            }
            let Some(uses) = verdict.see(&workspace.name, &held.uses) else {
                continue;
            };
            let last = last_use(&uses.calls, key, workspace);
            if last.is_some_and(|last| last >= since) {
                continue;
            }
            if last.is_none() && workspace.live.activity.looked().is_none() {
                let _ = verdict.see(&workspace.name, &workspace.live.activity);
                continue;
            }
            let message = format!(
                "nothing went out under the key '{}' for {} days",
                held.name, look.thresholds.unused_days
            );
            let fault = Fault::at(key.place(), message);
            let fault = match last {
                Some(last) => fault.saw("last use", last),
                None => fault.saw("last use", "never seen"),
            };
            let workspace = workspace.name.as_str();
            verdict.add(match &held.api_key_id {
                Some(id) => fault.mend("revoke", [("id", id), ("workspace", workspace)]),
                None => fault.mend(
                    "revoke_named",
                    [("name", &held.name), ("workspace", workspace)],
                ),
            });
        }
    }
    verdict.unless_looked("Doorward holds no key")
}

/// The last use that the ledger or Instantly's own log has.
fn last_use(calls: &Uses, key: Key<'_>, workspace: &WorkspaceFacts) -> Option<Timestamp> {
    let here = calls.total().map(|count| count.last);
    let there = workspace.live.activity.looked();
    let there = there.and_then(|activity| activity.keys.get(key.id())?.last);
    here.max(there)
}

pub(super) fn reads_secrets(look: &Look<'_>) -> Verdict {
    let showing: OpSet = SHOW_SECRETS.into_iter().collect();
    each_key(look, |workspace, key, verdict| {
        let scopes = key.scopes().unwrap_or_default();
        let direct = |scope: &&String| {
            matches!(
                scope.as_str(),
                "api_keys:read" | "api_keys:all" | "webhooks:read" | "webhooks:all"
            )
        };
        let reads: Vec<&str> = scopes.iter().filter(direct).map(String::as_str).collect();
        if reads.is_empty() {
            return None;
        }
        if let Some(held) = key.held {
            if held.manages || held.own_use.is_some() {
                return None;
            }
            // What clients read is needed; that they may is their grant's matter.
            let uses = verdict.see(&workspace.name, &held.uses)?;
            let used = uses.calls.operations();
            if !used.intersection(showing).is_empty() {
                return None;
            }
        }
        let message = format!(
            "the key '{}' has {}, which show secrets in clear",
            key.name(),
            reads.join(", ")
        );
        let fault = Fault::at(key.place(), message).saw("scopes", reads.join(", "));
        Some(fault.narrow_or_revoke(key, workspace))
    })
}
