//! `doorward client recommend`: the least grant for what a client did.

mod seen;
mod show;

use std::collections::BTreeMap;

use doorward_audit::Filter;
use doorward_catalog::{Op, OpSet};
use doorward_policy::{Grant, Timestamp};
use serde::Serialize;

use super::audit::Folder;
use crate::admin::{ClientSet, ClientShow, ClientView, Session, WorkspaceShow, now};
use crate::cli::Recommend;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use seen::{Count, Seen};

/// What is recommended, and what it rests on.
#[derive(Debug, Serialize)]
struct Recommendation {
    /// Name of the client.
    client: String,
    /// Name of its workspace.
    workspace: String,
    /// From when on the ledger was read.
    since: Timestamp,
    /// The first and the last time that the client was seen.
    seen: Option<(Timestamp, Timestamp)>,
    /// Until when it learns, or learned.
    learning_until: Option<Timestamp>,
    /// The least grant; none when nothing was seen.
    grant: Option<Grant>,
    /// The command that grants it.
    command: Option<String>,
    /// Whether it is granted now.
    applied: bool,
    /// What it called, by operation.
    used: BTreeMap<String, Count>,
    /// What it asked for and was denied, by reason and operation. None of it is in the grant.
    denied: BTreeMap<String, BTreeMap<String, Count>>,
    /// Requests that are no operation of the API.
    unknown_operations: u64,
    /// The sub-workspaces that it acted on.
    sub_workspaces: BTreeMap<String, Count>,
    /// Entries that it wrote into the ledger.
    claims: u64,
    /// What it is granted, beside the learning, and never called.
    never_used: Vec<String>,
}

/// Runs `doorward client recommend`.
pub(super) async fn run(context: &Context, typed: Recommend) -> Outcome {
    let output = context.output;
    let session = Session::open(context).await?;
    let call = ClientShow {
        workspace: typed.within.workspace,
        name: typed.name,
    };
    let client = session.call(call).await?;
    let call = WorkspaceShow {
        name: Some(client.workspace_id.clone()),
    };
    let kind = session.call(call).await?.kind;
    // Another client may have had its name before it was made.
    let since = typed
        .since
        .map_or(client.created_at, |moment| moment.0.max(client.created_at));
    let filter = Filter {
        since: Some(since),
        client: Some(client.name.clone()),
        workspace: Some(client.workspace_id.clone()),
        ..Filter::default()
    };
    let seen = Seen::collect(&Folder::of(context)?.reader()?, &filter)?;
    let mut told = recommend(&client, seen, since, held(&client, kind));
    if typed.apply {
        let Some(grant) = told.grant.clone() else {
            return Err(Failure::failed(format_args!(
                "nothing was applied: no allowed call of client '{}' is in the ledger since \
                 {since}; let it work first, with `doorward client learn {} --for 1h`",
                client.name, client.name
            )));
        };
        let call = ClientSet {
            workspace: Some(client.workspace_id.clone()),
            name: client.id.clone(),
            grant: Some(grant),
            ..ClientSet::default()
        };
        session.call(call).await?;
        told.applied = true;
    }
    if output.is_json() {
        output.value(&told)?;
    } else {
        show::show(&told, output)?;
    }
    Ok(Exit::Done)
}

/// What the client is granted for good, or for as long as a break-glass lasts.
fn held(client: &ClientView, kind: doorward_policy::WorkspaceKind) -> OpSet {
    let grant = Grant {
        learning: None,
        ..client.grant.clone()
    };
    let now = now();
    let effective = grant.resolve_stored(client.environment, kind, now);
    effective.map_or(OpSet::EMPTY, |effective| effective.operations(now))
}

fn recommend(client: &ClientView, seen: Seen, since: Timestamp, held: OpSet) -> Recommendation {
    let used = seen.operations();
    let grant = (!used.is_empty() || seen.claims > 0).then(|| Grant {
        sub_workspaces: seen.sub_workspaces(),
        audit: seen.claims > 0,
        ..Grant::least(used)
    });
    let never_used = held.difference(used);
    Recommendation {
        client: client.name.clone(),
        workspace: client.workspace.clone(),
        since,
        seen: seen.span,
        learning_until: client
            .grant
            .learning
            .as_ref()
            .map(|learning| learning.until),
        command: grant.as_ref().map(|grant| command(client, grant)),
        grant,
        applied: false,
        used: seen.used,
        denied: seen.denied,
        unknown_operations: seen.unknown,
        sub_workspaces: seen.sub_workspaces,
        claims: seen.claims,
        never_used: never_used.iter().map(|op| Op::id(op).to_owned()).collect(),
    }
}

/// The command that grants it. Names of clients and workspaces need no quoting, nor does what the
/// catalog names; sub-workspaces' ids are letters, digits, `-` and `_`.
fn command(client: &ClientView, grant: &Grant) -> String {
    let mut words = vec![format!("doorward client grant {}", client.name)];
    let lists = [
        ("--use-case", &grant.use_cases),
        ("--operation", &grant.operations),
        ("--sub-workspace", &grant.sub_workspaces),
    ];
    for (option, names) in lists {
        words.extend(names.iter().map(|name| format!("{option} {name}")));
    }
    if grant.audit {
        words.push("--audit".to_owned());
    }
    words.push(format!("--workspace {}", client.workspace));
    words.join(" ")
}
