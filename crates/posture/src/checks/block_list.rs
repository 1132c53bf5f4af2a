//! Checks of whom a workspace never writes to.

use std::collections::BTreeSet;

use super::registry::Look;
use super::verdict::{Fault, Verdict, thing};
use crate::here::WorkspaceFacts;
use crate::live::BlockList;

/// Most values that a finding and its command name.
const NAMED: usize = 20;

/// A fault for the values of a workspace that its block list does not block, if there are any.
fn missing(
    workspace: &WorkspaceFacts,
    list: &BlockList,
    wanted: impl Iterator<Item = String>,
    what: &str,
) -> Option<Fault> {
    let missing: BTreeSet<String> = wanted
        .map(|value| value.trim().to_lowercase())
        .filter(|value| !value.is_empty() && !list.blocks(value))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let message = format!("{} of {what} are not on the block list", missing.len());
    let place = thing("block_list", &workspace.id, None, &workspace.name);
    let named: Vec<&str> = missing.iter().take(NAMED).map(String::as_str).collect();
    let fault = Fault::at(place, message)
        .saw("missing", named.join(", "))
        .saw("entries", list.len());
    let values = named.join(" ");
    Some(fault.mend("add", [("values", &values), ("workspace", &workspace.name)]))
}

pub(super) fn own_domains(look: &Look<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    for workspace in &look.facts.workspaces {
        let sending = verdict.see(&workspace.name, &workspace.live.sending_domains);
        let sending = sending.into_iter().flatten().cloned();
        let Some(list) = verdict.see(&workspace.name, &workspace.live.block_list) else {
            continue;
        };
        let own = look.thresholds.own_domains.iter().cloned().chain(sending);
        if let Some(fault) = missing(workspace, list, own, "the team's own domains") {
            verdict.add(fault);
        }
    }
    verdict.unless_looked("there is no workspace")
}

/// Judges the block list of each workspace against what is declared.
fn declared(look: &Look<'_>, wanted: &[String], what: &str) -> Verdict {
    let mut verdict = Verdict::default();
    for workspace in &look.facts.workspaces {
        let Some(list) = verdict.see(&workspace.name, &workspace.live.block_list) else {
            continue;
        };
        if let Some(fault) = missing(workspace, list, wanted.iter().cloned(), what) {
            verdict.add(fault);
        }
    }
    verdict.unless_looked("there is no workspace")
}

pub(super) fn competitors(look: &Look<'_>) -> Verdict {
    let competitors = &look.thresholds.competitors;
    if competitors.is_empty() {
        return Verdict::not_applicable(
            "no competitor is declared: say their domains as `competitors` under [check]",
        );
    }
    declared(look, competitors, "the competitors' domains")
}

pub(super) fn do_not_contact(look: &Look<'_>) -> Verdict {
    let wanted = &look.thresholds.do_not_contact;
    if !wanted.is_empty() {
        return declared(look, wanted, "the do-not-contact list");
    }
    // None is declared; that there is nobody at all can be told all the same.
    let mut verdict = Verdict::default();
    for workspace in &look.facts.workspaces {
        let list = verdict.see(&workspace.name, &workspace.live.block_list);
        if list.is_some_and(BlockList::is_empty) {
            let message = "the block list is empty: nobody is kept from being written to";
            let place = thing("block_list", &workspace.id, None, &workspace.name);
            verdict.add(Fault::at(place, message));
        }
    }
    verdict.unless_looked("there is no workspace")
}

pub(super) fn unsubscribed(look: &Look<'_>) -> Verdict {
    let mut verdict = Verdict::default();
    for workspace in &look.facts.workspaces {
        let Some(gone) = verdict.see(&workspace.name, &workspace.live.unsubscribed) else {
            continue;
        };
        let Some(list) = verdict.see(&workspace.name, &workspace.live.block_list) else {
            continue;
        };
        if !gone.whole {
            let why = "more leads unsubscribed than are looked at";
            verdict.miss(&workspace.name, why);
        }
        let open = gone.addresses.iter().filter(|it| !list.blocks(it)).count();
        if open == 0 {
            continue;
        }
        let message =
            format!("{open} of those who unsubscribed can be written to by other campaigns");
        let place = thing("unsubscribed", &workspace.id, None, &workspace.name);
        let fault = Fault::at(place, message)
            .saw("unsubscribed", gone.addresses.len())
            .saw("on the block list", gone.addresses.len() - open);
        let setting = workspace.live.workspace.looked();
        let fault = match setting.map(|record| record.blocks_unsubscribed) {
            Some(true) => fault.saw("put on the block list from now on", "yes"),
            Some(false) => fault.saw("put on the block list from now on", "no"),
            None => fault,
        };
        verdict.add(fault);
    }
    verdict.unless_looked("there is no workspace")
}
