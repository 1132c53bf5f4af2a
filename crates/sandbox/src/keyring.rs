//! The API keys that work, by their text.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::clock::Millis;
use crate::world::Workspace;

/// What is known of a key that is presented.
#[derive(Debug)]
pub(crate) struct KeyFacts {
    pub(crate) id: String,
    pub(crate) workspace: String,
    /// As given.
    pub(crate) scopes: Vec<String>,
    /// When it stops working: a deleted key may take time to.
    dead_at: Option<Millis>,
}

/// An index over the `api_keys` tables of all workspaces. It is not part of a dump: it is built
/// from the tables.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keyring {
    by_text: HashMap<String, Arc<KeyFacts>>,
}

impl Keyring {
    /// The index of these workspaces' keys.
    pub(crate) fn of<'w>(workspaces: impl Iterator<Item = (&'w String, &'w Workspace)>) -> Keyring {
        let mut ring = Keyring::default();
        for (id, workspace) in workspaces {
            for key in workspace.api_keys.iter() {
                ring.add(id, key);
            }
        }
        ring
    }

    /// Lets the key of an `APIKey` entity in.
    pub(crate) fn add(&mut self, workspace: &str, key: &Value) {
        let text = |name: &str| key.get(name).and_then(Value::as_str).unwrap_or_default();
        let scopes = key.get("scopes").and_then(Value::as_array);
        let facts = KeyFacts {
            id: text("id").to_owned(),
            workspace: workspace.to_owned(),
            scopes: scopes
                .into_iter()
                .flatten()
                .filter_map(|scope| scope.as_str().map(str::to_owned))
                .collect(),
            dead_at: None,
        };
        self.by_text.insert(text("key").to_owned(), Arc::new(facts));
    }

    /// Lets a key work no longer than until a time.
    pub(crate) fn end(&mut self, text: &str, at: Millis, now: Millis) {
        if at <= now {
            self.by_text.remove(text);
        } else if let Some(facts) = self.by_text.get_mut(text) {
            *facts = Arc::new(KeyFacts {
                id: facts.id.clone(),
                workspace: facts.workspace.clone(),
                scopes: facts.scopes.clone(),
                dead_at: Some(at),
            });
        }
    }

    /// Lets no key of a workspace work any longer.
    pub(crate) fn end_workspace(&mut self, workspace: &str) {
        self.by_text.retain(|_, facts| facts.workspace != workspace);
    }

    /// The key of that text, if it works.
    pub(crate) fn find(&mut self, text: &str, now: Millis) -> Option<Arc<KeyFacts>> {
        let facts = self.by_text.get(text)?;
        if facts.dead_at.is_some_and(|at| at <= now) {
            self.by_text.remove(text);
            return None;
        }
        Some(Arc::clone(facts))
    }
}
