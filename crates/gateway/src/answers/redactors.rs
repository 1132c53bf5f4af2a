//! What redacts the answers to each client.

use std::collections::HashMap;
use std::sync::Arc;

use doorward_keys::Pepper;
use doorward_store::SnapshotClient;
use doorward_veil::{Action, Redactor};

use crate::error::Error;

/// What a client's key for hashes is derived for.
const HASH_KEY: &str = "redaction hashes";

/// The redactors of all clients, made with the snapshot.
pub(crate) struct Redactors {
    /// For the many without rules: it hides what is hidden from everybody.
    plain: Option<Arc<Redactor>>,
    /// By the client's id; `None` where the rules can't be followed.
    own: HashMap<String, Option<Arc<Redactor>>>,
}

impl Redactors {
    pub(crate) fn new(
        clients: &[SnapshotClient],
        pepper: &Pepper,
        faults: &mut Vec<Error>,
    ) -> Self {
        let mut own = HashMap::new();
        let mut shared: Vec<(&[_], Arc<Redactor>)> = Vec::new();
        for client in clients {
            let (record, rules) = (&client.record, client.record.controls.redact.as_slice());
            if rules.is_empty() {
                continue;
            }
            // Hashes are each client's own. Without them, like rules make like redactors.
            let hashes = rules.iter().any(|rule| rule.action == Action::Hash);
            let same = shared.iter().find(|(known, _)| !hashes && *known == rules);
            let redactor = match same {
                Some((_, same)) => Some(Arc::clone(same)),
                None => match Redactor::new(rules, &pepper.derive(HASH_KEY, &record.id)) {
                    Ok(made) => Some(Arc::new(made)),
                    Err(why) => {
                        let client = record.name.clone();
                        faults.push(Error::Redaction { client, why });
                        None
                    }
                },
            };
            // A few sets of rules are used by many; looking through more would cost too much.
            if let (Some(made), None, true) = (&redactor, same, shared.len() < 16 && !hashes) {
                shared.push((rules, Arc::clone(made)));
            }
            own.insert(record.id.clone(), redactor);
        }
        let plain = Redactor::new(&[], &pepper.derive(HASH_KEY, ""))
            .ok()
            .map(Arc::new);
        Self { plain, own }
    }

    /// A client's redactor; `None` if its rules can't be followed, and nothing may go to it.
    pub(crate) fn of(&self, client_id: &str) -> Option<&Arc<Redactor>> {
        match self.own.get(client_id) {
            Some(own) => own.as_ref(),
            None => self.plain.as_ref(),
        }
    }
}
