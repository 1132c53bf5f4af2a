//! The entities that judgements are about, kept while a set of policies is in force.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cedar_policy::Entities;
use doorward_catalog::Op;

use crate::context::entities;
use crate::request::Asker;

/// Most clients' operations that are kept; beyond, they are made anew.
const KEPT: usize = 4_096;

/// Making the entities takes longer than evaluating a rule: those of a client and an operation are
/// made once.
#[derive(Debug, Default)]
pub(crate) struct Cast(Mutex<HashMap<Box<str>, Arc<Entities>>>);

impl Cast {
    /// The entities; `None` if they can't be made.
    pub(crate) fn of(&self, asker: &Asker<'_>, op: Op) -> Option<Arc<Entities>> {
        let key = key(asker, op);
        if let Some(known) = self.lock().get(key.as_str()) {
            return Some(Arc::clone(known));
        }
        let made = Arc::new(entities(asker, op)?);
        let mut kept = self.lock();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key.into(), Arc::clone(&made));
        Some(made)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Box<str>, Arc<Entities>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All that the entities are made of. Each part is preceded by its length: what an owner wrote can't
/// be taken for another part.
fn key(asker: &Asker<'_>, op: Op) -> String {
    let parts = [
        op.id(),
        asker.environment.as_str(),
        asker.name,
        asker.owner,
        asker.purpose,
        asker.workspace,
    ];
    let mut key = format!("{:?}", asker.workspace_kind);
    for part in parts {
        key.push_str(&part.len().to_string());
        key.push(':');
        key.push_str(part);
    }
    key
}
