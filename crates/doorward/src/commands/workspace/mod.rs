//! `doorward workspace`: the Instantly workspaces that are guarded.

use super::entered::Entered;
use super::{NAMES_MAX, kept_at, scopes_cell, whole_seconds};
use crate::admin::{
    Needed, Session, SubWorkspace, UpstreamKeyView, WorkspaceAdd, WorkspaceAdded,
    WorkspaceKeyRemove, WorkspaceList, WorkspaceRemove, WorkspaceShow, WorkspaceView, known_scopes,
};
use crate::cli::{AddWorkspace, WorkspaceCommand};
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, note};
use doorward_catalog::ScopeSet;
use doorward_store::{KeyRole, ProbeOutcome};

/// Runs `doorward workspace …`.
pub(crate) async fn run(context: &Context, command: WorkspaceCommand) -> Outcome {
    let output = context.output;
    let session = Session::open(context).await?;
    match command {
        WorkspaceCommand::Add(add) => {
            let added = self::add(context, &session, add).await?;
            if output.is_json() {
                output.value(&added)?;
            } else {
                show_added(&added, context)?;
            }
        }
        WorkspaceCommand::List => {
            let workspaces = session.call(WorkspaceList {}).await?;
            if output.is_json() {
                output.value(&workspaces)?;
            } else {
                list(&workspaces, output)?;
            }
        }
        WorkspaceCommand::Show { name, wide } => {
            let workspace = session.call(WorkspaceShow { name }).await?;
            if output.is_json() {
                output.value(&workspace)?;
            } else {
                show(&workspace, wide, context)?;
            }
        }
        WorkspaceCommand::RemoveKey { workspace, key } => {
            let key = session.call(WorkspaceKeyRemove { workspace, key }).await?;
            if output.is_json() {
                output.value(&key)?;
            } else {
                output.line(format_args!("removed upstream key '{}'", key.name))?;
                note(format_args!(
                    "it is still at {} and in force at Instantly",
                    key.reference
                ));
            }
        }
        WorkspaceCommand::Remove { name } => {
            let workspace = session.call(WorkspaceRemove { name }).await?;
            if output.is_json() {
                output.value(&workspace)?;
            } else {
                output.line(format_args!("removed workspace '{}'", workspace.name))?;
                for key in &workspace.upstream_keys {
                    note(format_args!("its key is still at {}", key.reference));
                }
            }
        }
    }
    Ok(Exit::Done)
}

async fn add(
    context: &Context,
    session: &Session,
    add: AddWorkspace,
) -> Result<WorkspaceAdded, Failure> {
    let mut references = add.key_from;
    // Stdin can be read once.
    let typed = references.iter_mut().find(|reference| *reference == "-");
    let entered = match typed {
        Some(reference) => {
            let entered = Entered::take(context, &add.name)?;
            *reference = entered.reference();
            Some(entered)
        }
        None => None,
    };
    let call = WorkspaceAdd {
        name: add.name,
        references,
        base_url: add.base_url,
        scopes: add.scopes,
        sandbox: add.sandbox,
        manages: add.manages,
    };
    let added = session.call(call).await;
    if let (Err(failure), Some(entered)) = (&added, entered) {
        entered.settle(session, failure).await;
    }
    added
}

fn list(workspaces: &[WorkspaceView], output: Output) -> Result<(), Failure> {
    let rows = workspaces.iter().map(|workspace| {
        vec![
            Cell::toned(&workspace.name, Tone::Strong),
            Cell::from(workspace.kind),
            Cell::from(workspace.instantly_id.as_deref().unwrap_or("not known")),
            Cell::from(&workspace.base_url),
            Cell::from(workspace.upstream_keys.len()),
            Cell::from(workspace.clients),
        ]
    });
    let headings = [
        "name",
        "kind",
        "instantly id",
        "api",
        "upstream keys",
        "clients",
    ];
    let nothing = "there are no workspaces; add one with `doorward workspace add NAME --key-from \
                   REF`";
    output.table(&headings, rows.collect(), nothing)
}

fn show(workspace: &WorkspaceView, wide: bool, context: &Context) -> Result<(), Failure> {
    let output = context.output;
    let environments: Vec<&str> = workspace.environments.iter().map(|e| e.as_str()).collect();
    output.fields(vec![
        ("workspace", Cell::toned(&workspace.name, Tone::Strong)),
        ("id", Cell::from(&workspace.id)),
        (
            "instantly id",
            Cell::from(workspace.instantly_id.as_deref().unwrap_or("not known")),
        ),
        ("kind", Cell::from(workspace.kind)),
        ("api", Cell::from(&workspace.base_url)),
        ("environments", Cell::from(environments.join(", "))),
        ("clients", Cell::from(workspace.clients)),
        ("added", Cell::from(whole_seconds(workspace.created_at))),
        (
            "not covered",
            Cell::toned(workspace.uncovered.join(", "), Tone::Bad),
        ),
    ])?;
    output.line("")?;
    let rows = workspace
        .upstream_keys
        .iter()
        .map(|key| key_row(key, wide, context));
    let headings = [
        "upstream key",
        "state",
        "alive",
        "scopes",
        "not needed",
        "kept at",
    ];
    output.table(&headings, rows.collect(), "it has no upstream keys")
}

fn key_row(key: &UpstreamKeyView, wide: bool, context: &Context) -> Vec<Cell> {
    let alive = match key.alive {
        Some(ProbeOutcome::Alive) => Cell::toned("yes", Tone::Good),
        Some(ProbeOutcome::Dead) => Cell::toned("no", Tone::Bad),
        Some(ProbeOutcome::Unclear) | None => Cell::toned("not known", Tone::Careful),
    };
    let scopes = match &key.scopes {
        // Those that the catalog does not know are shown too.
        Some(scopes) if scopes.len() <= NAMES_MAX || wide => Cell::from(scopes.join(", ")),
        Some(scopes) => scopes_cell(known_scopes(scopes), false),
        None => Cell::toned("not known; say them with --scopes", Tone::Careful),
    };
    vec![
        Cell::toned(&key.name, Tone::Strong),
        match key.role {
            KeyRole::Carries => Cell::from(key.state.as_str()),
            KeyRole::Manages => Cell::from(format_args!("{}, manages", key.state.as_str())),
        },
        alive,
        scopes,
        unused_cell(key.unused, wide),
        Cell::from(kept_at(&key.reference, context)),
    ]
}

fn unused_cell(unused: ScopeSet, wide: bool) -> Cell {
    let count = unused.iter().count();
    if count > NAMES_MAX && !wide {
        return Cell::toned(format_args!("{count} scopes"), Tone::Careful);
    }
    Cell::toned(unused, Tone::Careful)
}

fn show_added(added: &WorkspaceAdded, context: &Context) -> Result<(), Failure> {
    let output = context.output;
    show(&added.workspace, false, context)?;
    output.line("")?;
    output.line("What Doorward itself would need of the keys:")?;
    output.table(
        &["to", "scopes", "held"],
        added.needs.iter().map(need_row).collect(),
        "nothing",
    )?;
    let Some(members) = &added.sub_workspaces else {
        return output.line("\nSub-workspaces: no key may list them");
    };
    output.line("\nSub-workspaces:")?;
    let rows = members.iter().map(sub_workspace_row).collect();
    output.table(&["id", "name", "membership"], rows, "none")
}

fn need_row(need: &Needed) -> Vec<Cell> {
    let held = match need.held {
        Some(true) => Cell::toned("yes", Tone::Good),
        Some(false) => Cell::toned("no", Tone::Careful),
        None => Cell::toned("not known", Tone::Careful),
    };
    vec![
        Cell::from(&need.purpose),
        Cell::from(need.scopes.join(", ")),
        held,
    ]
}

fn sub_workspace_row(member: &SubWorkspace) -> Vec<Cell> {
    vec![
        Cell::from(&member.id),
        Cell::from(member.name.as_deref().unwrap_or_default()),
        Cell::from(&member.status),
    ]
}
