//! `doorward policy simulate`.

use std::io::Read;
use std::path::Path;

use doorward_audit::{Filter, find};
use doorward_condition::{Policies, PolicyText, TEXT_MAX, check};
use doorward_ledger::log::Reader;
use doorward_policy::{EffectiveGrant, Inputs};

use super::super::audit::{Bar, Folder};
use super::again::Trial;
use super::past::Past;
use super::told::{Told, show};
use crate::admin::{
    ClientList, ClientView, PolicyInputs, PolicyList, SHOWN_MAX, Scopeful, Session, WorkspaceList,
    now, told_faults,
};
use crate::cli::Simulate;
use crate::commands::client::grant;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};

/// Records that are read at once.
const PAGE: usize = 4_096;
/// Leaves that are looked at for one page.
const LOOK: u64 = 65_536;

/// A policy that is tried: its name and its text.
type Tried = (String, String);

/// Runs `doorward policy simulate`.
pub(in crate::commands) async fn run(context: &Context, typed: Simulate) -> Outcome {
    let tried = typed
        .file
        .as_deref()
        .map(|file| read(file, typed.name.as_deref()))
        .transpose()?;
    let grants = !typed.grant.is_empty();
    if tried.is_none() && !grants {
        return Err(Failure::usage(
            "say what to try: a file with a policy, or a client with what it is to be granted, \
             such as --client crm --use-case crm-sync",
        ));
    }
    if grants && typed.client.is_none() {
        return Err(Failure::usage("say with --client whose grant it is to be"));
    }
    let session = Session::open(context).await?;
    let of = Scopeful {
        workspace: None,
        all: true,
    };
    let clients = session.call(ClientList { of }).await?;
    let workspaces = session.call(WorkspaceList {}).await?;
    let stored = session.call(PolicyList {}).await?;
    let kinds = workspaces.iter().map(|each| (each.id.clone(), each.kind));
    let mut trial = Trial {
        kinds: kinds.collect(),
        grant: None,
        tries_policy: tried.is_some(),
        asks_of_day: false,
        policies: Policies::default(),
        clients: clients
            .into_iter()
            .map(|client| ((client.workspace_id.clone(), client.name.clone()), client))
            .collect(),
    };
    let mut texts: Vec<Tried> = stored
        .into_iter()
        .map(|policy| (policy.name, policy.text))
        .filter(|(name, _)| tried.as_ref().is_none_or(|(tried, _)| tried != name))
        .collect();
    texts.extend(tried);
    trial.asks_of_day = texts.iter().any(|(_, text)| text.contains("_today"));
    trial.policies = Policies::read(
        texts.iter().map(|(name, text)| PolicyText {
            name,
            text,
            schema: "",
        }),
        None,
    );
    let named = typed.client.as_deref();
    let within = typed.within.workspace.as_deref();
    let client = named
        .map(|named| named_client(&trial, named, within).cloned())
        .transpose()?;
    if let Some(client) = client.as_ref().filter(|_| grants) {
        let place = (client.workspace_id.clone(), client.name.clone());
        trial.grant = Some((place, resolved(&trial, client, typed.grant)?));
    }
    let filter = Filter {
        since: Some(typed.since.0),
        client: client.as_ref().map(|client| client.name.clone()),
        workspace: client.as_ref().map(|client| client.workspace_id.clone()),
        ..Filter::default()
    };
    let reader = Folder::of(context)?.reader()?;
    let told = walk(&session, &reader, &filter, &trial).await?;
    if context.output.is_json() {
        context.output.value(&told)?;
    } else {
        show(&told, context.output)?;
    }
    Ok(if told.refuses_more() {
        Exit::Findings
    } else {
        Exit::Done
    })
}

/// Decides all that the filter finds again. Holds one page at a time.
async fn walk(
    session: &Session,
    reader: &Reader,
    filter: &Filter,
    trial: &Trial,
) -> Result<Told, Failure> {
    let mut told = Told::new(filter.since);
    let mut bar = Bar::new("deciding again");
    let size = reader.size();
    let mut next = Some(reader.minimum());
    while let Some(from) = next {
        let found = find(reader, filter, from, PAGE, LOOK).map_err(Failure::failed)?;
        let all: Vec<Past> = found.records.iter().filter_map(Past::of).collect();
        let (sealed, clear): (Vec<&Past>, Vec<&Past>) =
            all.iter().partition(|past| trial.needs_inputs(past));
        for past in clear {
            told.take(past, trial.decide(past, None));
        }
        for some in sealed.chunks(SHOWN_MAX) {
            let sequences = some.iter().map(|past| past.seq).collect();
            let opened = session.call(PolicyInputs { sequences }).await?;
            for (past, inputs) in some.iter().zip(opened) {
                let inputs: Option<&Inputs> = inputs.as_ref();
                told.take(past, trial.decide(past, inputs));
            }
        }
        // What this run itself records is not of interest.
        next = found.next.filter(|next| *next < size);
        bar.at(next.unwrap_or(size), size);
    }
    Ok(told)
}

fn named_client<'t>(
    trial: &'t Trial,
    named: &str,
    workspace: Option<&str>,
) -> Result<&'t ClientView, Failure> {
    let is = |client: &&ClientView| {
        let there =
            workspace.is_none_or(|name| client.workspace == name || client.workspace_id == name);
        there && (client.name == named || client.id == named)
    };
    let mut found = trial.clients.values().filter(is);
    match (found.next(), found.next()) {
        (Some(client), None) => Ok(client),
        (None, _) => Err(Failure::failed(format_args!(
            "there is no client '{}'; `doorward client list --all-workspaces` shows what there is",
            crate::output::clean(named)
        ))),
        (Some(_), Some(_)) => Err(Failure::usage(
            "several workspaces have a client of that name; say which with --workspace",
        )),
    }
}

/// The grant as it would be resolved for the client.
fn resolved(
    trial: &Trial,
    client: &ClientView,
    args: crate::cli::GrantArgs,
) -> Result<EffectiveGrant, Failure> {
    let now = now();
    let kind = trial.kinds.get(&client.workspace_id).copied();
    let kind = kind.unwrap_or(doorward_policy::WorkspaceKind::Live);
    grant(args, None, now)
        .resolve(client.environment, kind, now)
        .map_err(|refused| Failure::usage(format_args!("it would not be granted: {refused}")))
}

/// The policy of a file, which must be one.
fn read(file: &Path, name: Option<&str>) -> Result<Tried, Failure> {
    let stem = || file.file_stem().and_then(|stem| stem.to_str());
    let name = name.or_else(stem).unwrap_or("policy").to_owned();
    let mut text = String::new();
    std::fs::File::open(file)
        .and_then(|opened| {
            let most = TEXT_MAX as u64 + 1;
            opened.take(most).read_to_string(&mut text)
        })
        .map_err(|error| {
            Failure::usage(format_args!("{} can't be read: {error}", file.display()))
        })?;
    check(&name, &text).map_err(|faults| {
        Failure::usage(format_args!(
            "the policy can't be tried:\n{}",
            told_faults(&faults)
        ))
    })?;
    Ok((name, text))
}
