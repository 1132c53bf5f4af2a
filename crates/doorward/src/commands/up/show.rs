//! What `up` says when everything answers.

use std::env;
use std::path::Path;

use doorward_catalog::wire::SecretText;
use doorward_catalog::{Environment, ScopeSet, UseCase};
use doorward_sandbox::Running;
use serde::Serialize;

use super::super::whole_seconds;
use crate::admin::{ClientList, ClientView, Scopeful, Session, WorkspaceShow};
use crate::context::Context;
use crate::demo::Demo;
use crate::exit::Failure;
use crate::output::{Cell, Output, Tone};

/// What programs need, on one line.
#[derive(Serialize)]
struct Ready<'a> {
    gateway_url: &'a str,
    /// Where the sandbox sends webhooks to.
    source_url: &'a str,
    /// Where they are delivered.
    destination_url: &'a str,
    sandbox_url: &'a str,
    sandbox_control_url: &'a str,
    data_dir: &'a Path,
    /// Doorward's id.
    workspace_id: &'a str,
    /// Instantly's id of the workspace.
    instantly_workspace_id: Option<&'a str>,
    clients: Vec<ReadyClient<'a>>,
}

#[derive(Serialize)]
struct ReadyClient<'a> {
    id: &'a str,
    name: &'a str,
    use_case: String,
    environment: Environment,
    scopes: ScopeSet,
    key: &'a SecretText,
}

/// Where things are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Places<'a> {
    pub(super) gateway: &'a str,
    pub(super) source: &'a str,
    pub(super) inbox: &'a str,
}

/// Writes where everything is and what to try. The clients are asked of the server itself, so that
/// it answers when this is written.
pub(super) async fn show(
    context: &Context,
    session: &Session,
    places: Places<'_>,
    sandbox: &Running,
    demo: &Demo,
) -> Result<(), Failure> {
    let gateway_url = places.gateway;
    let of = Scopeful {
        workspace: Some(demo.workspace_id.clone()),
        all: false,
    };
    let clients = session.call(ClientList { of }).await?;
    let workspace = session
        .call(WorkspaceShow {
            name: Some(demo.workspace_id.clone()),
        })
        .await?;
    let with_keys = clients
        .iter()
        .filter_map(|client| Some((client, demo.keys.get(&client.name)?)));
    let output = context.output;
    if output.is_json() {
        let clients = with_keys.map(|(client, key)| ReadyClient {
            id: &client.id,
            name: &client.name,
            use_case: client.use_case(),
            environment: client.environment,
            scopes: client.scopes,
            key,
        });
        return output.value_line(&Ready {
            gateway_url,
            source_url: places.source,
            destination_url: places.inbox,
            sandbox_url: &sandbox.url,
            sandbox_control_url: &sandbox.control_url,
            data_dir: context.data_dir.path(),
            workspace_id: &workspace.id,
            instantly_workspace_id: workspace.instantly_id.as_deref(),
            clients: clients.collect(),
        });
    }
    output.line(output.paint(
        Tone::Strong,
        "Doorward is up, in front of an emulated Instantly. Nothing here is real.\n",
    ))?;
    output.fields(vec![
        ("gateway", Cell::toned(gateway_url, Tone::Strong)),
        ("sandbox", Cell::from(&sandbox.url)),
        ("control", Cell::from(&sandbox.control_url)),
        ("webhooks in", Cell::from(places.source)),
        ("events out", Cell::from(places.inbox)),
        ("data", Cell::from(context.data_dir.path().display())),
        ("workspace", Cell::from(&workspace.name)),
    ])?;
    output.line("")?;
    let rows = with_keys
        .clone()
        .map(|(client, key)| client_row(client, key));
    output.table(
        &["client", "environment", "risk", "key"],
        rows.collect(),
        "no clients",
    )?;
    let key_of = |case: UseCase| demo.keys.get(case.as_str()).map(SecretText::expose_secret);
    let (Some(dashboard), Some(_)) = (
        key_of(UseCase::AnalyticsDashboard),
        key_of(UseCase::LeadImport),
    ) else {
        return Ok(());
    };
    tries(
        output,
        context,
        (gateway_url, places.inbox, sandbox),
        dashboard,
    )?;
    let began = whole_seconds(crate::admin::now());
    output.line(output.paint(
        Tone::Quiet,
        format_args!("\nup since {began}; Ctrl-C ends it"),
    ))
}

fn client_row(client: &ClientView, key: &SecretText) -> Vec<Cell> {
    let risk = client
        .name
        .parse::<UseCase>()
        .map(|case| case.risk().to_string());
    vec![
        Cell::toned(&client.name, Tone::Strong),
        Cell::from(client.environment),
        Cell::from(risk.unwrap_or_default()),
        Cell::from(key.expose_secret()),
    ]
}

/// Commands that show what it is about, to be pasted as they are.
fn tries(
    output: Output,
    context: &Context,
    (gateway_url, inbox, sandbox): (&str, &str, &Running),
    dashboard: &str,
) -> Result<(), Failure> {
    let doorward = invocation(context);
    let auth = format!("-H 'Authorization: Bearer {dashboard}'");
    output.line("\nTry it, in another terminal in this folder:\n")?;
    for (what, command) in [
        (
            "the dashboard reads campaigns: allowed",
            format!("curl -sS {auth} '{gateway_url}/api/v2/campaigns?limit=2'"),
        ),
        (
            "the dashboard adds a lead: refused, and why",
            format!(
                "curl -sS {auth} -H 'Content-Type: application/json' \
                 -d '{{\"email\":\"ada@example.com\"}}' '{gateway_url}/api/v2/leads'"
            ),
        ),
        (
            "the importer adds it: allowed, under a key that can do little else",
            format!("{doorward} api POST leads --field email=ada@example.com --as lead-import"),
        ),
        (
            "a reply comes in as a webhook, is kept, and goes on, signed",
            format!(
                "curl -sS -o /dev/null -d '{{\"event_type\":\"reply_received\",\"lead_email\":\"ada@example.com\"}}' \
                 '{}/events' && sleep 1 && curl -sS {inbox}",
                sandbox.control_url.trim_end_matches('/')
            ),
        ),
    ] {
        output.line(output.paint(Tone::Quiet, format_args!("  # {what}")))?;
        output.line(format_args!("  {command}"))?;
    }
    Ok(())
}

/// How this program is called from here, as it was called.
fn invocation(context: &Context) -> String {
    // Set by cargo for what it runs, and inherited by what that runs elsewhere.
    let by_cargo = env::var_os("CARGO").is_some() && Path::new("Cargo.toml").exists();
    let program = if by_cargo {
        let profile = if cfg!(debug_assertions) {
            ""
        } else {
            " --release"
        };
        format!("cargo run -q{profile} --")
    } else {
        let typed = env::args_os().next().unwrap_or_else(|| "doorward".into());
        quoted(&typed.to_string_lossy())
    };
    let here = crate::paths::DataDir::at(&context.config.data_dir);
    if here.is_ok_and(|here| here == context.data_dir) && env::var_os("DOORWARD_DATA_DIR").is_none()
    {
        return program;
    }
    format!(
        "{program} --data-dir {}",
        quoted(&context.data_dir.path().to_string_lossy())
    )
}

/// A word for a POSIX shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_shell() {
        assert_eq!(quoted("/a/b-c"), "/a/b-c");
        assert_eq!(quoted("/a b"), "'/a b'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
    }
}
