//! Upstream keys in SQLite: where their values are, never the values.

use doorward_policy::Timestamp;
use rusqlite::{Row, Transaction, params};

use super::rows::{Reader, collect, fresh_id, one, taken, to_json};
use super::{revocations, rotations, workspaces};
use crate::check::{check_foreign_id, check_name, check_reference, check_text};
use crate::error::{Result, StoreError, What};
use crate::workspace::{
    KeyRole, NewUpstreamKey, Probe, ProbeOutcome, UpstreamKey, UpstreamKeyChange, UpstreamKeyState,
};

/// What is known of a key beside its reference and scopes.
pub(super) const STEP: &str = "
    ALTER TABLE upstream_keys ADD COLUMN role TEXT NOT NULL DEFAULT 'carries'
        CHECK (role IN ('carries', 'manages'));
    ALTER TABLE upstream_keys ADD COLUMN api_key_id TEXT;
    ALTER TABLE upstream_keys ADD COLUMN owner TEXT NOT NULL DEFAULT '';
    ALTER TABLE upstream_keys ADD COLUMN made_by TEXT;
    ALTER TABLE upstream_keys ADD COLUMN made_at INTEGER;
    ALTER TABLE upstream_keys ADD COLUMN rotate_every INTEGER;
";

const UPSTREAM_KEY: &str = "SELECT id, workspace_id, name, reference, scopes, state, probed_at, \
     probe_outcome, probe_detail, created_at, role, api_key_id, owner, made_by, made_at, \
     rotate_every FROM upstream_keys";
/// Most scopes of an upstream key: above the number there are.
const SCOPES_MAX: usize = 512;
/// Ten years, ms.
const ROTATE_EVERY_MAX: i64 = 3_650 * 86_400_000;

pub(super) fn add_key(
    tx: &Transaction<'_>,
    workspace_id: &str,
    new: &NewUpstreamKey,
    now: Timestamp,
) -> Result<UpstreamKey> {
    check_name("the upstream key", &new.name)?;
    check_reference(&new.reference)?;
    check_facts(new.api_key_id.as_deref(), &new.owner, new.rotate_every)?;
    let workspace = workspaces::get(tx, workspace_id)?;
    let key = UpstreamKey {
        id: fresh_id(tx, "uk")?,
        workspace_id: workspace.id,
        name: new.name.clone(),
        reference: new.reference.clone(),
        scopes: new.scopes.as_deref().map(checked_scopes).transpose()?,
        state: UpstreamKeyState::Active,
        role: new.role,
        api_key_id: new.api_key_id.clone(),
        owner: new.owner.clone(),
        made_by: None,
        made_at: new.made_at,
        rotate_every: new.rotate_every,
        probe: None,
        created_at: now,
    };
    insert(tx, &key)?;
    Ok(key)
}

/// Adds a record as it is.
pub(super) fn insert(tx: &Transaction<'_>, key: &UpstreamKey) -> Result<()> {
    tx.execute(
        "INSERT INTO upstream_keys (id, workspace_id, name, reference, scopes, state, created_at,
             role, api_key_id, owner, made_by, made_at, rotate_every)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        params![
            key.id,
            key.workspace_id,
            key.name,
            key.reference,
            key.scopes.as_ref().map(to_json).transpose()?,
            key.state.as_str(),
            key.created_at.millis(),
            key.role.as_str(),
            key.api_key_id,
            key.owner,
            key.made_by,
            key.made_at.map(Timestamp::millis),
            key.rotate_every,
        ],
    )
    .map_err(|error| taken(error, What::UpstreamKey, &key.name))?;
    Ok(())
}

pub(super) fn change_key(
    tx: &Transaction<'_>,
    id: &str,
    change: &UpstreamKeyChange,
) -> Result<UpstreamKey> {
    let mut changed = key(tx, id)?;
    if let Some(role) = change.role {
        changed.role = role;
    }
    if let Some(api_key_id) = &change.api_key_id {
        changed.api_key_id = Some(api_key_id.clone());
    }
    if let Some(owner) = &change.owner {
        changed.owner.clone_from(owner);
    }
    if let Some(made_at) = change.made_at {
        changed.made_at = Some(made_at);
    }
    if let Some(every) = change.rotate_every {
        changed.rotate_every = every;
    }
    check_facts(
        changed.api_key_id.as_deref(),
        &changed.owner,
        changed.rotate_every,
    )?;
    tx.execute(
        "UPDATE upstream_keys SET role = ?2, api_key_id = ?3, owner = ?4, made_at = ?5,
             rotate_every = ?6 WHERE id = ?1",
        params![
            id,
            changed.role.as_str(),
            changed.api_key_id,
            changed.owner,
            changed.made_at.map(Timestamp::millis),
            changed.rotate_every,
        ],
    )?;
    Ok(changed)
}

/// A key's name and state.
pub(super) fn rename(
    tx: &Transaction<'_>,
    id: &str,
    name: &str,
    state: UpstreamKeyState,
) -> Result<()> {
    let changed = tx
        .execute(
            "UPDATE upstream_keys SET name = ?2, state = ?3 WHERE id = ?1",
            params![id, name, state.as_str()],
        )
        .map_err(|error| taken(error, What::UpstreamKey, name))?;
    match changed {
        0 => Err(StoreError::not_found(What::UpstreamKey, id)),
        _ => Ok(()),
    }
}

fn check_facts(api_key_id: Option<&str>, owner: &str, rotate_every: Option<i64>) -> Result<()> {
    if let Some(id) = api_key_id {
        check_foreign_id("Instantly's id of the key", id)?;
    }
    check_text("the owner of the key", owner)?;
    if rotate_every.is_some_and(|every| !(1..=ROTATE_EVERY_MAX).contains(&every)) {
        return Err(StoreError::Field {
            field: "after how long the key is rotated".to_owned(),
            fault: "is not between a millisecond and ten years",
        });
    }
    Ok(())
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
    if rotations::holds(tx, id)? {
        let name = key(tx, id)?.name;
        return Err(StoreError::Rotating {
            what: What::UpstreamKey,
            name,
        });
    }
    if revocations::holds(tx, id)? {
        let name = key(tx, id)?.name;
        return Err(StoreError::Revoking {
            what: What::UpstreamKey,
            name,
        });
    }
    match tx.execute("DELETE FROM upstream_keys WHERE id = ?1", [id])? {
        0 => Err(StoreError::not_found(What::UpstreamKey, id)),
        _ => Ok(()),
    }
}

pub(super) fn key(tx: &Transaction<'_>, id: &str) -> Result<UpstreamKey> {
    one(tx, &format!("{UPSTREAM_KEY} WHERE id = ?1"), [id], read_key)?
        .ok_or_else(|| StoreError::not_found(What::UpstreamKey, id))
}

pub(super) fn keys_of(tx: &Transaction<'_>, workspace_id: &str) -> Result<Vec<UpstreamKey>> {
    let sql = format!("{UPSTREAM_KEY} WHERE workspace_id = ?1 ORDER BY name");
    collect(tx, &sql, [workspace_id], read_key)
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
        role: from.named("role", KeyRole::parse)?,
        api_key_id: from.optional_text("api_key_id")?,
        owner: from.text("owner")?,
        made_by: from.optional_text("made_by")?,
        made_at: from.optional_time("made_at")?,
        rotate_every: row.get("rotate_every")?,
        probe,
        created_at: from.time("created_at")?,
    })
}
