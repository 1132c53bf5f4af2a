//! `doorward client`: who may call, and what.

use doorward_policy::{Grant, Learning};

use super::{operations_cell, scopes_cell, status_cell, time_cell};
use crate::admin::{
    ClientCreate, ClientDelete, ClientLearn, ClientList, ClientSet, ClientShow, ClientView, End,
    KeyList, KeyView, Scopeful, Session, now,
};
use crate::cli::{ClientCommand, CreateClient, GrantArgs, InWorkspace, Learn, SetClient};
use crate::context::Context;
use crate::duration::{Lasting, LastingOrNever};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, note};

/// Runs `doorward client …`.
pub(crate) async fn run(context: &Context, command: ClientCommand) -> Outcome {
    let output = context.output;
    if let ClientCommand::Recommend(recommend) = command {
        return super::recommend::run(context, recommend).await;
    }
    let session = Session::open(context).await?;
    match command {
        ClientCommand::Recommend(_) => {}
        ClientCommand::Learn(learn) => self::learn(&session, learn, output).await?,
        ClientCommand::Create(create) => {
            let client = session.call(request(create)).await?;
            if output.is_json() {
                output.value(&client)?;
            } else {
                show(&client, false, output)?;
                note(format_args!(
                    "\nissue a key with: doorward key issue {}",
                    client.name
                ));
            }
        }
        ClientCommand::List { of } => {
            let clients = session.call(ClientList { of: of.scopeful() }).await?;
            if output.is_json() {
                output.value(&clients)?;
            } else {
                list(&clients, output)?;
            }
        }
        ClientCommand::Grant {
            name,
            grant,
            within,
        } => {
            let call = ClientSet {
                workspace: within.workspace,
                name,
                grant: Some(self::grant(grant, None, now())),
                ..ClientSet::default()
            };
            let client = session.call(call).await?;
            if output.is_json() {
                output.value(&client)?;
            } else {
                show(&client, false, output)?;
            }
        }
        ClientCommand::Set(set) => {
            let client = session.call(changes(set)?).await?;
            if output.is_json() {
                output.value(&client)?;
            } else {
                show(&client, false, output)?;
            }
        }
        ClientCommand::Show { name, wide, within } => {
            let workspace = within.workspace;
            let call = ClientShow {
                workspace: workspace.clone(),
                name: name.clone(),
            };
            let client = session.call(call).await?;
            let of = Scopeful {
                workspace: Some(client.workspace_id.clone()),
                all: false,
            };
            let keys = session
                .call(KeyList {
                    of,
                    client: Some(client.id.clone()),
                })
                .await?;
            if output.is_json() {
                output.value(&serde_json::json!({ "client": client, "keys": keys }))?;
            } else {
                show(&client, wide, output)?;
                show_keys(&keys, output)?;
            }
        }
        ClientCommand::Disable { name, within } => {
            set(&session, name, within, true, output).await?;
        }
        ClientCommand::Enable { name, within } => {
            set(&session, name, within, false, output).await?;
        }
        ClientCommand::Delete { name, within } => {
            let call = ClientDelete {
                workspace: within.workspace,
                name,
            };
            let client = session.call(call).await?;
            if output.is_json() {
                output.value(&client)?;
            } else {
                output.line(format_args!(
                    "deleted client '{}' and its keys",
                    client.name
                ))?;
            }
        }
    }
    Ok(Exit::Done)
}

async fn set(
    session: &Session,
    name: String,
    within: InWorkspace,
    disabled: bool,
    output: Output,
) -> Result<(), Failure> {
    let call = ClientSet {
        workspace: within.workspace,
        name,
        disabled: Some(disabled),
        ..ClientSet::default()
    };
    let client = session.call(call).await?;
    if output.is_json() {
        return output.value(&client);
    }
    let done = if disabled {
        "is disabled: its calls are refused from now on"
    } else {
        "is enabled"
    };
    output.line(format_args!("client '{}' {done}", client.name))
}

fn request(create: CreateClient) -> ClientCreate {
    let now = now();
    ClientCreate {
        workspace: create.within.workspace,
        name: create.name,
        environment: create.environment,
        owner: create.owner,
        purpose: create.purpose,
        grant: grant(create.grant, create.learn, now),
        controls: create.controls.into(),
        expires_at: create.expires_in.map(|lasting| lasting.after(now)),
        by: Vec::new(),
    }
}

fn changes(set: SetClient) -> Result<ClientSet, Failure> {
    let end = |end| match end {
        LastingOrNever::Never => End::Never,
        LastingOrNever::Lasting(lasting) => End::At(lasting.after(now())),
    };
    let call = ClientSet {
        workspace: set.within.workspace,
        name: set.name,
        controls: set.controls.into(),
        owner: set.owner,
        purpose: set.purpose,
        end: set.expires_in.map(end),
        ..ClientSet::default()
    };
    if call.changes_nothing() {
        return Err(Failure::usage(
            "nothing is said to change; `doorward client set --help` shows what can be",
        ));
    }
    Ok(call)
}

async fn learn(session: &Session, learn: Learn, output: Output) -> Result<(), Failure> {
    let call = ClientLearn {
        workspace: learn.within.workspace,
        name: learn.name,
        until: learn.lasting.map(|lasting| lasting.after(now())),
        break_glass: learn.break_glass,
    };
    let client = session.call(call).await?;
    if output.is_json() {
        return output.value(&client);
    }
    show(&client, false, output)?;
    note(format_args!(
        "\nsee what it needs with: doorward client recommend {}",
        client.name
    ));
    Ok(())
}

pub(super) fn grant(
    args: GrantArgs,
    learn: Option<Lasting>,
    now: doorward_policy::Timestamp,
) -> Grant {
    let learning = learn.map(|lasting| Learning {
        until: lasting.after(now),
    });
    let grant = Grant {
        use_cases: args.use_case.into_iter().collect(),
        operations: args.operation.into_iter().collect(),
        scopes: args.scope.into_iter().collect(),
        sub_workspaces: args.sub_workspace.into_iter().collect(),
        audit: args.audit,
        break_glass: None,
        learning,
    };
    let lasting = args.break_glass_for.or(learn).unwrap_or(Lasting::HOUR);
    match args.break_glass {
        Some(reason) => grant.with_break_glass(reason, lasting.after(now)),
        None => grant,
    }
}

/// The table of clients.
pub(super) fn list(clients: &[ClientView], output: Output) -> Result<(), Failure> {
    let rows = clients.iter().map(|client| {
        vec![
            Cell::toned(&client.name, Tone::Strong),
            Cell::from(&client.workspace),
            Cell::from(client.environment),
            Cell::from(client.use_case()),
            status_cell(&client.status),
            Cell::from(&client.owner),
        ]
    });
    let headings = [
        "name",
        "workspace",
        "environment",
        "granted",
        "status",
        "owner",
    ];
    let nothing = "there are no clients; create one with `doorward client create NAME --use-case \
                   CASE`";
    output.table(&headings, rows.collect(), nothing)
}

fn show(client: &ClientView, wide: bool, output: Output) -> Result<(), Failure> {
    let grant = &client.grant;
    let joined = |names: &std::collections::BTreeSet<String>| {
        names
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let glass = grant.break_glass.as_ref().map(|glass| {
        format!(
            "until {}: {}",
            super::whole_seconds(glass.expires_at),
            glass.reason
        )
    });
    let mut fields = vec![
        ("client", Cell::toned(&client.name, Tone::Strong)),
        ("id", Cell::from(&client.id)),
        ("workspace", Cell::from(&client.workspace)),
        ("status", status_cell(&client.status)),
        (
            "fault",
            Cell::toned(client.grant_fault.as_deref().unwrap_or_default(), Tone::Bad),
        ),
        ("environment", Cell::from(client.environment)),
        ("owner", Cell::from(&client.owner)),
        ("purpose", Cell::from(&client.purpose)),
        ("use cases", Cell::from(joined(&grant.use_cases))),
        ("granted operations", Cell::from(joined(&grant.operations))),
        ("granted scopes", Cell::from(joined(&grant.scopes))),
        ("sub-workspaces", Cell::from(joined(&grant.sub_workspaces))),
        (
            "ledger",
            Cell::from(if grant.audit {
                "may write entries of its own"
            } else {
                ""
            }),
        ),
        (
            "break-glass",
            Cell::toned(glass.unwrap_or_default(), Tone::Careful),
        ),
        ("learning", learning_cell(grant.learning.as_ref())),
        ("scopes", scopes_cell(client.scopes, wide)),
        ("operations", operations_cell(&client.operations, wide)),
    ];
    fields.extend(super::controls::fields(&client.controls));
    fields.extend([
        (
            "created",
            Cell::from(super::whole_seconds(client.created_at)),
        ),
        ("expires", time_cell(client.expires_at, "never")),
        ("disabled", time_cell(client.disabled_at, "")),
    ]);
    output.fields(fields)
}

fn learning_cell(learning: Option<&Learning>) -> Cell {
    let Some(learning) = learning else {
        return Cell::from("");
    };
    let until = super::whole_seconds(learning.until);
    if now() < learning.until {
        Cell::toned(format_args!("until {until}"), Tone::Careful)
    } else {
        Cell::toned(format_args!("over since {until}"), Tone::Quiet)
    }
}

/// The table of a client's keys, after what is known of the client.
fn show_keys(keys: &[KeyView], output: Output) -> Result<(), Failure> {
    output.line("")?;
    super::key::list(keys, output)
}
