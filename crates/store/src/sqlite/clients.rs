//! Clients and client keys in SQLite.

use doorward_catalog::Environment;
use doorward_keys::{KeyHash, KeyId};
use doorward_policy::Timestamp;
use rusqlite::{Row, Transaction, params};

use super::makers;
use super::rows::{Reader, collect, fresh_id, one, taken, to_json};
use super::workspaces;
use crate::check::{check_name, check_text};
use crate::client::{Client, ClientChange, ClientKeyRecord, NewClient, NewClientKey, ReplacedKeys};
use crate::error::{Result, StoreError, What};

/// What is set for clients beside their grants.
pub(super) const CONTROLS_STEP: &str =
    "ALTER TABLE clients ADD COLUMN controls TEXT NOT NULL DEFAULT '{}';";

const CLIENT: &str = "SELECT c.id, c.workspace_id, c.name, c.owner, c.environment, c.purpose, \
     c.granted, c.controls, c.source, c.expires_at, c.disabled_at, c.created_at \
     FROM clients c JOIN workspaces w ON w.id = c.workspace_id";
const CLIENT_KEY: &str = "SELECT key_id, client_id, hash, created_at, expires_at, revoked_at, \
     last_used_at FROM client_keys";

pub(super) fn create(tx: &Transaction<'_>, new: &NewClient, now: Timestamp) -> Result<Client> {
    check_name("the client", &new.name)?;
    check_name("the client's source", &new.source)?;
    check_text("the owner of the client", &new.owner)?;
    check_text("the purpose of the client", &new.purpose)?;
    let workspace = workspaces::get(tx, &new.workspace_id)?;
    if !workspace.environments.contains(&new.environment) {
        let admitted: Vec<&str> = workspace
            .environments
            .iter()
            .map(|environment| environment.as_str())
            .collect();
        return Err(StoreError::EnvironmentNotAdmitted {
            workspace: workspace.name,
            environment: new.environment,
            admitted: admitted.join(", "),
        });
    }
    new.grant.resolve(new.environment, workspace.kind, now)?;
    new.controls.check()?;
    let client = Client {
        id: fresh_id(tx, "cl")?,
        workspace_id: workspace.id,
        name: new.name.clone(),
        owner: new.owner.clone(),
        environment: new.environment,
        purpose: new.purpose.clone(),
        grant: new.grant.clone(),
        controls: new.controls.clone(),
        source: new.source.clone(),
        expires_at: new.expires_at,
        disabled_at: None,
        created_at: now,
    };
    tx.execute(
        "INSERT INTO clients (id, workspace_id, name, owner, environment, purpose, granted, source,
         expires_at, created_at, controls)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        params![
            client.id,
            client.workspace_id,
            client.name,
            client.owner,
            client.environment.as_str(),
            client.purpose,
            to_json(&client.grant)?,
            client.source,
            client.expires_at.map(Timestamp::millis),
            now.millis(),
            to_json(&client.controls)?,
        ],
    )
    .map_err(|error| taken(error, What::Client, &client.name))?;
    makers::note(tx, &client.id, &new.makers)?;
    Ok(client)
}

pub(super) fn all(tx: &Transaction<'_>, workspace_id: Option<&str>) -> Result<Vec<Client>> {
    let sql = format!("{CLIENT} WHERE ?1 IS NULL OR c.workspace_id = ?1 ORDER BY w.name, c.name");
    collect(tx, &sql, [workspace_id], read)
}

pub(super) fn get(tx: &Transaction<'_>, workspace_id: &str, id_or_name: &str) -> Result<Client> {
    let sql = format!("{CLIENT} WHERE c.workspace_id = ?1 AND (c.id = ?2 OR c.name = ?2)");
    one(tx, &sql, [workspace_id, id_or_name], read)?
        .ok_or_else(|| StoreError::not_found(What::Client, id_or_name))
}

fn by_id(tx: &Transaction<'_>, id: &str) -> Result<Client> {
    one(tx, &format!("{CLIENT} WHERE c.id = ?1"), [id], read)?
        .ok_or_else(|| StoreError::not_found(What::Client, id))
}

pub(super) fn change(
    tx: &Transaction<'_>,
    id: &str,
    change: &ClientChange,
    now: Timestamp,
) -> Result<Client> {
    let mut client = by_id(tx, id)?;
    if let Some(owner) = &change.owner {
        check_text("the owner of the client", owner)?;
        if *owner != client.owner {
            // Who hands a client on has had it all the same.
            makers::note(tx, &client.id, std::slice::from_ref(&client.owner))?;
        }
        client.owner.clone_from(owner);
    }
    if let Some(purpose) = &change.purpose {
        check_text("the purpose of the client", purpose)?;
        client.purpose.clone_from(purpose);
    }
    if let Some(grant) = &change.grant {
        let kind = workspaces::get(tx, &client.workspace_id)?.kind;
        grant.resolve(client.environment, kind, now)?;
        client.grant = grant.clone();
    }
    if let Some(controls) = &change.controls {
        controls.check()?;
        client.controls = controls.clone();
    }
    if let Some(expires_at) = change.expires_at {
        client.expires_at = expires_at;
    }
    match change.disabled {
        Some(true) => client.disabled_at = client.disabled_at.or(Some(now)),
        Some(false) => client.disabled_at = None,
        None => {}
    }
    tx.execute(
        "UPDATE clients SET owner = ?2, purpose = ?3, granted = ?4, expires_at = ?5,
         disabled_at = ?6, controls = ?7 WHERE id = ?1",
        params![
            client.id,
            client.owner,
            client.purpose,
            to_json(&client.grant)?,
            client.expires_at.map(Timestamp::millis),
            client.disabled_at.map(Timestamp::millis),
            to_json(&client.controls)?,
        ],
    )?;
    Ok(client)
}

pub(super) fn delete(tx: &Transaction<'_>, id: &str) -> Result<()> {
    match tx.execute("DELETE FROM clients WHERE id = ?1", [id])? {
        0 => Err(StoreError::not_found(What::Client, id)),
        _ => Ok(()),
    }
}

pub(super) fn add_key(
    tx: &Transaction<'_>,
    client_id: &str,
    new: &NewClientKey,
    now: Timestamp,
) -> Result<ClientKeyRecord> {
    let client = by_id(tx, client_id)?;
    tx.execute(
        "INSERT INTO client_keys (key_id, client_id, hash, created_at, expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            new.id.as_str(),
            client.id,
            new.hash.as_bytes(),
            now.millis(),
            new.expires_at.map(Timestamp::millis),
        ],
    )
    .map_err(|error| taken(error, What::ClientKey, new.id.as_str()))?;
    key(tx, new.id)
}

pub(super) fn replace_keys(
    tx: &Transaction<'_>,
    client_id: &str,
    new: &NewClientKey,
    only: Option<KeyId>,
    ends: Timestamp,
    now: Timestamp,
) -> Result<ReplacedKeys> {
    let in_force = |key: &ClientKeyRecord| {
        key.revoked_at.is_none() && key.expires_at.is_none_or(|at| at > now)
    };
    let mut old = keys(tx, Some(client_id))?;
    old.retain(|key| in_force(key) && only.is_none_or(|only| key.id == only));
    if old.is_empty() {
        return Err(StoreError::NoKeyInForce {
            client: by_id(tx, client_id)?.name,
            key: only.map(|id| id.to_string()),
        });
    }
    let added = add_key(tx, client_id, new, now)?;
    let end = |record: &ClientKeyRecord| {
        if ends <= now {
            return revoke_key(tx, record.id, now);
        }
        let at = record.expires_at.map_or(ends, |at| at.min(ends));
        set_key_expiry(tx, record.id, Some(at))
    };
    let old = old.iter().map(end).collect::<Result<_>>()?;
    Ok(ReplacedKeys { new: added, old })
}

pub(super) fn keys(tx: &Transaction<'_>, client_id: Option<&str>) -> Result<Vec<ClientKeyRecord>> {
    let sql =
        format!("{CLIENT_KEY} WHERE ?1 IS NULL OR client_id = ?1 ORDER BY created_at, key_id");
    collect(tx, &sql, [client_id], read_key)
}

pub(super) fn revoke_key(
    tx: &Transaction<'_>,
    id: KeyId,
    now: Timestamp,
) -> Result<ClientKeyRecord> {
    tx.execute(
        "UPDATE client_keys SET revoked_at = coalesce(revoked_at, ?2) WHERE key_id = ?1",
        params![id.as_str(), now.millis()],
    )?;
    key(tx, id)
}

pub(super) fn set_key_expiry(
    tx: &Transaction<'_>,
    id: KeyId,
    expires_at: Option<Timestamp>,
) -> Result<ClientKeyRecord> {
    tx.execute(
        "UPDATE client_keys SET expires_at = ?2 WHERE key_id = ?1",
        params![id.as_str(), expires_at.map(Timestamp::millis)],
    )?;
    key(tx, id)
}

pub(super) fn record_key_uses(tx: &Transaction<'_>, uses: &[(KeyId, Timestamp)]) -> Result<()> {
    let mut statement = tx.prepare_cached(
        "UPDATE client_keys SET last_used_at = ?2
         WHERE key_id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)",
    )?;
    for (id, at) in uses {
        statement.execute(params![id.as_str(), at.millis()])?;
    }
    Ok(())
}

fn key(tx: &Transaction<'_>, id: KeyId) -> Result<ClientKeyRecord> {
    one(
        tx,
        &format!("{CLIENT_KEY} WHERE key_id = ?1"),
        [id.as_str()],
        read_key,
    )?
    .ok_or_else(|| StoreError::not_found(What::ClientKey, id))
}

fn read(row: &Row<'_>) -> Result<Client> {
    let from = Reader {
        row,
        what: What::Client,
    };
    Ok(Client {
        id: from.text("id")?,
        workspace_id: from.text("workspace_id")?,
        name: from.text("name")?,
        owner: from.text("owner")?,
        environment: from.named("environment", |name| name.parse::<Environment>().ok())?,
        purpose: from.text("purpose")?,
        grant: from.json("granted")?,
        controls: from.json("controls")?,
        source: from.text("source")?,
        expires_at: from.optional_time("expires_at")?,
        disabled_at: from.optional_time("disabled_at")?,
        created_at: from.time("created_at")?,
    })
}

fn read_key(row: &Row<'_>) -> Result<ClientKeyRecord> {
    let from = Reader {
        row,
        what: What::ClientKey,
    };
    Ok(ClientKeyRecord {
        id: from.named("key_id", |text| text.parse().ok())?,
        client_id: from.text("client_id")?,
        hash: KeyHash::from_bytes(row.get("hash")?),
        created_at: from.time("created_at")?,
        expires_at: from.optional_time("expires_at")?,
        revoked_at: from.optional_time("revoked_at")?,
        last_used_at: from.optional_time("last_used_at")?,
    })
}
