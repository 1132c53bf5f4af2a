//! Workspaces and upstream keys in SQLite.

use doorward_policy::{Timestamp, WorkspaceKind};
use rusqlite::{Row, Transaction, params};

use super::rows::{Reader, collect, fresh_id, one, taken, to_json};
use crate::base_url::check_base_url;
use crate::check::{check_foreign_id, check_name, check_reference, check_text};
use crate::error::{Result, StoreError, What};
use crate::workspace::{
    NewUpstreamKey, NewWorkspace, Probe, ProbeOutcome, UpstreamKey, UpstreamKeyState, Workspace,
    WorkspaceChange,
};

const WORKSPACE: &str =
    "SELECT id, name, instantly_id, kind, base_url, environments, created_at FROM workspaces";
const UPSTREAM_KEY: &str = "SELECT id, workspace_id, name, reference, scopes, state, probed_at, \
     probe_outcome, probe_detail, created_at FROM upstream_keys";
/// Most scopes of an upstream key: above the number there are.
const SCOPES_MAX: usize = 512;

pub(super) fn create(
    tx: &Transaction<'_>,
    new: &NewWorkspace,
    now: Timestamp,
) -> Result<Workspace> {
    check_name("the workspace", &new.name)?;
    check_base_url(new.kind, &new.base_url)?;
    check_environments(&new.environments)?;
    if let Some(id) = &new.instantly_id {
        check_foreign_id("Instantly's id of the workspace", id)?;
    }
    let workspace = Workspace {
        id: fresh_id(tx, "ws")?,
        name: new.name.clone(),
        instantly_id: new.instantly_id.clone(),
        kind: new.kind,
        base_url: new.base_url.clone(),
        environments: new.environments.clone(),
        upstream_keys: vec![],
        created_at: now,
    };
    // Looked for first, so that what is taken (the name, or Instantly's id) is said rightly.
    if find(tx, &new.name)?.is_some() {
        return Err(StoreError::duplicate(What::Workspace, &new.name));
    }
    tx.execute(
        "INSERT INTO workspaces (id, name, instantly_id, kind, base_url, environments, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            workspace.id,
            workspace.name,
            workspace.instantly_id,
            workspace.kind.as_str(),
            workspace.base_url,
            to_json(&workspace.environments)?,
            now.millis(),
        ],
    )
    .map_err(|error| {
        taken(
            error,
            What::Workspace,
            new.instantly_id.as_deref().unwrap_or("?"),
        )
    })?;
    Ok(workspace)
}

pub(super) fn all(tx: &Transaction<'_>) -> Result<Vec<Workspace>> {
    let mut workspaces = collect(tx, &format!("{WORKSPACE} ORDER BY name"), [], read)?;
    for workspace in &mut workspaces {
        workspace.upstream_keys = keys_of(tx, &workspace.id)?;
    }
    Ok(workspaces)
}

pub(super) fn get(tx: &Transaction<'_>, id_or_name: &str) -> Result<Workspace> {
    find(tx, id_or_name)?.ok_or_else(|| StoreError::not_found(What::Workspace, id_or_name))
}

fn find(tx: &Transaction<'_>, id_or_name: &str) -> Result<Option<Workspace>> {
    let sql = format!("{WORKSPACE} WHERE id = ?1 OR name = ?1");
    let Some(mut workspace) = one(tx, &sql, [id_or_name], read)? else {
        return Ok(None);
    };
    workspace.upstream_keys = keys_of(tx, &workspace.id)?;
    Ok(Some(workspace))
}

pub(super) fn change(
    tx: &Transaction<'_>,
    id: &str,
    change: &WorkspaceChange,
) -> Result<Workspace> {
    let mut workspace = get(tx, id)?;
    if let Some(instantly_id) = &change.instantly_id {
        check_foreign_id("Instantly's id of the workspace", instantly_id)?;
        workspace.instantly_id = Some(instantly_id.clone());
    }
    if let Some(base_url) = &change.base_url {
        check_base_url(workspace.kind, base_url)?;
        workspace.base_url.clone_from(base_url);
    }
    if let Some(environments) = &change.environments {
        check_environments(environments)?;
        workspace.environments.clone_from(environments);
    }
    tx.execute(
        "UPDATE workspaces SET instantly_id = ?2, base_url = ?3, environments = ?4 WHERE id = ?1",
        params![
            workspace.id,
            workspace.instantly_id,
            workspace.base_url,
            to_json(&workspace.environments)?,
        ],
    )
    .map_err(|e| {
        taken(
            e,
            What::Workspace,
            workspace.instantly_id.as_deref().unwrap_or("?"),
        )
    })?;
    Ok(workspace)
}

pub(super) fn delete(tx: &Transaction<'_>, id: &str) -> Result<()> {
    let workspace = get(tx, id)?;
    let clients: i64 = tx.query_row(
        "SELECT count(*) FROM clients WHERE workspace_id = ?1",
        [&workspace.id],
        |row| row.get(0),
    )?;
    if clients > 0 {
        let (what, name) = (What::Workspace, workspace.name);
        return Err(StoreError::InUse {
            what,
            name,
            by: "clients",
        });
    }
    tx.execute("DELETE FROM workspaces WHERE id = ?1", [&workspace.id])?;
    Ok(())
}

pub(super) fn add_key(
    tx: &Transaction<'_>,
    workspace_id: &str,
    new: &NewUpstreamKey,
    now: Timestamp,
) -> Result<UpstreamKey> {
    check_name("the upstream key", &new.name)?;
    check_reference(&new.reference)?;
    let workspace = get(tx, workspace_id)?;
    let key = UpstreamKey {
        id: fresh_id(tx, "uk")?,
        workspace_id: workspace.id,
        name: new.name.clone(),
        reference: new.reference.clone(),
        scopes: new.scopes.as_deref().map(checked_scopes).transpose()?,
        state: UpstreamKeyState::Active,
        probe: None,
        created_at: now,
    };
    tx.execute(
        "INSERT INTO upstream_keys (id, workspace_id, name, reference, scopes, state, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            key.id,
            key.workspace_id,
            key.name,
            key.reference,
            key.scopes.as_ref().map(to_json).transpose()?,
            key.state.as_str(),
            now.millis(),
        ],
    )
    .map_err(|error| taken(error, What::UpstreamKey, &key.name))?;
    Ok(key)
}

pub(super) fn set_key_state(
    tx: &Transaction<'_>,
    id: &str,
    state: UpstreamKeyState,
) -> Result<UpstreamKey> {
    tx.execute(
        "UPDATE upstream_keys SET state = ?2 WHERE id = ?1",
        params![id, state.as_str()],
    )?;
    key(tx, id)
}

pub(super) fn record_probe(
    tx: &Transaction<'_>,
    id: &str,
    probe: &Probe,
    scopes: Option<&[String]>,
) -> Result<UpstreamKey> {
    check_text("the detail of the probe", &probe.detail)?;
    tx.execute(
        "UPDATE upstream_keys SET probed_at = ?2, probe_outcome = ?3, probe_detail = ?4,
         scopes = coalesce(?5, scopes) WHERE id = ?1",
        params![
            id,
            probe.at.millis(),
            probe.outcome.as_str(),
            probe.detail,
            scopes
                .map(checked_scopes)
                .transpose()?
                .as_ref()
                .map(to_json)
                .transpose()?,
        ],
    )?;
    key(tx, id)
}

pub(super) fn delete_key(tx: &Transaction<'_>, id: &str) -> Result<()> {
    match tx.execute("DELETE FROM upstream_keys WHERE id = ?1", [id])? {
        0 => Err(StoreError::not_found(What::UpstreamKey, id)),
        _ => Ok(()),
    }
}

fn key(tx: &Transaction<'_>, id: &str) -> Result<UpstreamKey> {
    one(tx, &format!("{UPSTREAM_KEY} WHERE id = ?1"), [id], read_key)?
        .ok_or_else(|| StoreError::not_found(What::UpstreamKey, id))
}

fn keys_of(tx: &Transaction<'_>, workspace_id: &str) -> Result<Vec<UpstreamKey>> {
    let sql = format!("{UPSTREAM_KEY} WHERE workspace_id = ?1 ORDER BY name");
    collect(tx, &sql, [workspace_id], read_key)
}

fn check_environments(
    environments: &std::collections::BTreeSet<doorward_catalog::Environment>,
) -> Result<()> {
    if environments.is_empty() {
        let field = "the list of environments".to_owned();
        return Err(StoreError::Field {
            field,
            fault: "is empty; name at least one",
        });
    }
    Ok(())
}

/// The scopes as the API spells them, sorted. Ones that the catalog does not know are kept: the
/// vendor may have added them.
pub(super) fn checked_scopes(scopes: &[String]) -> Result<Vec<String>> {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b':' | b'_' | b'-' | b'.');
    let fits = |scope: &String| (1..=96).contains(&scope.len()) && scope.bytes().all(allowed);
    if scopes.len() > SCOPES_MAX || !scopes.iter().all(fits) {
        let field = "the list of scopes".to_owned();
        return Err(StoreError::Field {
            field,
            fault: "has too many or malformed entries",
        });
    }
    let mut sorted = scopes.to_vec();
    sorted.sort();
    sorted.dedup();
    Ok(sorted)
}

fn read(row: &Row<'_>) -> Result<Workspace> {
    let from = Reader {
        row,
        what: What::Workspace,
    };
    Ok(Workspace {
        id: from.text("id")?,
        name: from.text("name")?,
        instantly_id: from.optional_text("instantly_id")?,
        kind: from.named("kind", WorkspaceKind::parse)?,
        base_url: from.text("base_url")?,
        environments: from.json("environments")?,
        upstream_keys: vec![],
        created_at: from.time("created_at")?,
    })
}

fn read_key(row: &Row<'_>) -> Result<UpstreamKey> {
    let from = Reader {
        row,
        what: What::UpstreamKey,
    };
    let probe = match from.optional_time("probed_at")? {
        None => None,
        Some(at) => Some(Probe {
            at,
            outcome: from.named("probe_outcome", ProbeOutcome::parse)?,
            detail: from.optional_text("probe_detail")?.unwrap_or_default(),
        }),
    };
    Ok(UpstreamKey {
        id: from.text("id")?,
        workspace_id: from.text("workspace_id")?,
        name: from.text("name")?,
        reference: from.text("reference")?,
        scopes: from.optional_json("scopes")?,
        state: from.named("state", UpstreamKeyState::parse)?,
        probe,
        created_at: from.time("created_at")?,
    })
}
