//! What a caller has to know to use a sandbox.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::world::World;

/// Where a sandbox is, and what it holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// The API's base URL.
    pub url: String,
    /// The control API's.
    pub control_url: String,
    /// The workspaces, the admin workspace first.
    pub workspaces: Vec<WorkspaceSummary>,
}

/// A workspace of a sandbox.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WorkspaceSummary {
    /// Uuid.
    pub id: String,
    /// Name.
    pub name: String,
    /// `admin` if it has sub-workspaces, `sub` if it is one, else `single`.
    pub role: &'static str,
    /// Its keys, the widest seeded one first.
    pub keys: Vec<KeySummary>,
}

/// A key of a sandbox. It opens nothing but the sandbox, so it is written whole.
#[derive(Clone, PartialEq, Serialize)]
pub struct KeySummary {
    /// Uuid.
    pub id: String,
    /// Name; not unique.
    pub name: String,
    /// Scopes.
    pub scopes: Vec<String>,
    /// The key.
    pub key: String,
}

impl fmt::Debug for KeySummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeySummary")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("scopes", &self.scopes)
            .finish_non_exhaustive()
    }
}

pub(crate) fn of(world: &World, url: &str) -> Summary {
    let url = url.trim_end_matches('/');
    let text = |value: &Value, name: &str| {
        let text = value.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    let subs: Vec<String> = world
        .workspaces
        .values()
        .flat_map(|workspace| workspace.group_members.iter())
        .map(|member| text(member, "sub_workspace_id"))
        .collect();
    let workspaces = world.workspaces.iter().map(|(id, workspace)| {
        let keys = workspace.api_keys.iter().map(|key| {
            let scopes = key.get("scopes").and_then(Value::as_array);
            let scopes = scopes.into_iter().flatten().filter_map(Value::as_str);
            KeySummary {
                id: text(key, "id"),
                name: text(key, "name"),
                scopes: scopes.map(str::to_owned).collect(),
                key: text(key, "key"),
            }
        });
        WorkspaceSummary {
            id: id.clone(),
            name: text(&workspace.record, "name"),
            role: if workspace.group_members.len() > 0 {
                "admin"
            } else if subs.contains(id) {
                "sub"
            } else {
                "single"
            },
            keys: keys.collect(),
        }
    });
    Summary {
        url: url.to_owned(),
        control_url: format!("{url}/_sandbox"),
        workspaces: workspaces.collect(),
    }
}
