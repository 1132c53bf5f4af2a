//! Workspaces and upstream keys in SQLite.

use doorward_policy::{Timestamp, WorkspaceKind};
use rusqlite::{Row, Transaction, params};

use super::rows::{Reader, collect, fresh_id, one, taken, to_json};
use super::upstream_keys::keys_of;
use crate::base_url::check_base_url;
use crate::check::{check_foreign_id, check_name};
use crate::error::{Result, StoreError, What};
use crate::workspace::{NewWorkspace, Workspace, WorkspaceChange};

const WORKSPACE: &str =
    "SELECT id, name, instantly_id, kind, base_url, environments, created_at FROM workspaces";

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
    for (by, sql) in [
        ("clients", "SELECT 1 FROM clients WHERE workspace_id = ?1"),
        (
            "sources or destinations",
            "SELECT 1 FROM relay_ends WHERE workspace_id = ?1",
        ),
    ] {
        if tx.prepare_cached(sql)?.exists([&workspace.id])? {
            let (what, name) = (What::Workspace, workspace.name);
            return Err(StoreError::InUse { what, name, by });
        }
    }
    if super::rotations::any_open(tx, &workspace.id)? {
        let (what, name) = (What::Workspace, workspace.name);
        return Err(StoreError::Rotating { what, name });
    }
    if super::revocations::any_open(tx, &workspace.id)? {
        let (what, name) = (What::Workspace, workspace.name);
        return Err(StoreError::Revoking { what, name });
    }
    tx.execute("DELETE FROM workspaces WHERE id = ?1", [&workspace.id])?;
    Ok(())
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
