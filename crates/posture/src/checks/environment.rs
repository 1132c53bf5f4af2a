//! Checks of what clients may do where.

use doorward_catalog::{Environment, Op, OpSet};
use doorward_finding::Place;

use super::registry::Look;
use super::verdict::{Fault, Verdict, thing};
use crate::here::{ClientFacts, WorkspaceFacts};

/// Most operations that a finding names.
const NAMED: usize = 12;

/// Judges each client of an environment.
fn each(
    look: &Look<'_>,
    environment: Environment,
    mut judge: impl FnMut(&WorkspaceFacts, &ClientFacts) -> Option<Fault>,
) -> Verdict {
    let mut verdict = Verdict::default();
    for workspace in &look.facts.workspaces {
        for client in &workspace.clients {
            if client.environment != environment {
                continue;
            }
            verdict.looked();
            if let Some(fault) = judge(workspace, client) {
                verdict.add(fault);
            }
        }
    }
    verdict.unless_looked(match environment {
        Environment::Development => "there is no development client",
        _ => "there is no production client",
    })
}

fn place(workspace: &WorkspaceFacts, client: &ClientFacts) -> Place {
    thing("client", &client.id, Some(&client.name), &workspace.name)
}

fn named(operations: OpSet) -> String {
    let count = operations.iter().count();
    let first: Vec<&str> = operations.iter().take(NAMED).map(Op::id).collect();
    match count > first.len() {
        true => format!("{} and {} more", first.join(", "), count - first.len()),
        false => first.join(", "),
    }
}

pub(super) fn development_writes(look: &Look<'_>) -> Verdict {
    each(look, Environment::Development, |workspace, client| {
        let writes = client.granted.iter().filter(|op| op.facts().writes());
        let writes: OpSet = writes.collect();
        if writes.is_empty() {
            return None;
        }
        let message = format!(
            "the development client '{}' is granted {} writes",
            client.name,
            writes.iter().count()
        );
        let fault = Fault::at(place(workspace, client), message).saw("writes", named(writes));
        Some(fault.mend(
            "grant",
            [("client", &client.name), ("workspace", &workspace.name)],
        ))
    })
}

pub(super) fn production_wildcard(look: &Look<'_>) -> Verdict {
    each(look, Environment::Production, |workspace, client| {
        if client.wildcards.is_empty() {
            return None;
        }
        let wide = client.wildcards.join(", ");
        let message = format!("the production client '{}' is granted {wide}", client.name);
        let fault = Fault::at(place(workspace, client), message);
        Some(fault.mend(
            "recommend",
            [("client", &client.name), ("workspace", &workspace.name)],
        ))
    })
}

pub(super) fn approval_missing(look: &Look<'_>) -> Verdict {
    each(look, Environment::Production, |workspace, client| {
        let free = client
            .granted
            .intersection(look.facts.dangerous)
            .difference(client.held_back);
        if free.is_empty() {
            return None;
        }
        let message = format!(
            "the production client '{}' may do {} dangerous operations without anybody's approval",
            client.name,
            free.iter().count()
        );
        let fault = Fault::at(place(workspace, client), message).saw("operations", named(free));
        Some(fault.mend("policy", []))
    })
}
