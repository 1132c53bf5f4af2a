//! What can be asked after a leak and what is answered.

use doorward_catalog::ScopeSet;
use doorward_catalog::wire::SecretText;
use doorward_ledger::{Change, Event, FindingState, Severity};
use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::admin::deeds::{Acts, Deed, may_be_secret};
use crate::admin::types::IssuedKey;
use crate::leak::{Found, Proof};

/// The key that leaked: its value, or an id of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Leaked {
    /// The value.
    pub(crate) value: Option<SecretText>,
    /// Else an id: of a client key, Doorward's or Instantly's of an upstream key, or its name.
    pub(crate) id: Option<String>,
    /// Instantly's id of it, as a person says, where that can't be told for certain.
    pub(crate) api_key_id: Option<String>,
    /// Name or id of the workspace, where it matters.
    pub(crate) workspace: Option<String>,
}

/// Which key is it?
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LeakFind {
    /// It.
    pub(crate) key: Leaked,
}

/// Stops a key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LeakStop {
    /// It.
    pub(crate) key: Leaked,
    /// Whether its client is issued another; of a client key.
    pub(crate) reissue: bool,
    /// Whether it is revoked with nothing in its place; of an upstream key in use.
    #[serde(default)]
    pub(crate) bare: bool,
    /// The scopes of the key that takes its place, if others than its own.
    #[serde(default)]
    pub(crate) scopes: Option<ScopeSet>,
    /// Where that one is kept, if not beside it.
    #[serde(default)]
    pub(crate) to: Option<String>,
}

/// What was done.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Stopped {
    /// The key, as it was found just before.
    pub(crate) found: Found,
    /// When it was revoked, if that was done here and now.
    pub(crate) revoked_at: Option<Timestamp>,
    /// The rotation that replaces and revokes it.
    pub(crate) rotation: Option<String>,
    /// The revocation of it with nothing in its place, which goes on by itself.
    #[serde(default)]
    pub(crate) revocation: Option<String>,
    /// Why nothing can take its place: it is not revoked then.
    #[serde(default)]
    pub(crate) not_replaced: Option<String>,
    /// The key that its client was issued.
    pub(crate) reissued: Option<IssuedKey>,
    /// What a person has to do.
    pub(crate) by_hand: Vec<String>,
}

/// Does Instantly take an upstream key? One harmless read.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LeakProbe {
    /// It.
    pub(crate) key: Leaked,
}

/// What came of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Probed {
    /// When.
    pub(crate) at: Timestamp,
    /// Whether it is taken; `None` when that can't be told.
    pub(crate) alive: Option<bool>,
    /// Why that can't be told.
    pub(crate) why: Option<String>,
}

/// What did it do?
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LeakDeeds {
    /// The key.
    pub(crate) found: Found,
    /// From then on.
    pub(crate) since: Timestamp,
}

/// The answer to a leak is over: for the record.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LeakClose {
    /// The incident's name.
    pub(crate) incident: String,
    /// The key.
    pub(crate) found: Found,
    /// Whether it is known to be dead.
    pub(crate) dead: bool,
    /// The refusals that prove it.
    pub(crate) proof: Option<Proof>,
    /// Milliseconds from its revocation to the first refusal.
    pub(crate) millis_to_401: Option<i64>,
    /// The rotation that replaced it.
    pub(crate) rotation: Option<String>,
}

/// It is recorded.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct LeakClosed {}

impl Leaked {
    /// The id as it may be recorded: people paste keys where ids belong.
    fn said(&self) -> Option<&str> {
        self.id.as_deref().filter(|id| !may_be_secret(id))
    }

    fn deed(&self, action: &str, event: Event) -> Deed {
        let deed = Deed::new(action, "key", event).with("by_value", &self.value.is_some());
        match self.said() {
            Some(id) => deed.id("said", id),
            None => deed,
        }
    }
}

/// Names the key in a deed.
fn name(deed: &mut Deed, found: &Found) {
    match found {
        Found::ClientKey(key) => Deed::of_key(deed, key),
        Found::UpstreamKey(key) => {
            if !key.workspace_id.is_empty() {
                deed.act.workspace = Some(key.workspace_id.clone());
            }
            deed.act.upstream_key.clone_from(&key.key_id);
            let ids = [
                ("api_key_id", &key.api_key_id),
                ("fingerprint", &key.fingerprint),
            ];
            for (name, id) in ids {
                if let Some(id) = id {
                    deed.set_id(name, id);
                }
            }
            let metadata = &mut deed.act.metadata;
            metadata.insert("alive".to_owned(), key.alive.into());
        }
    }
}

fn finding(state: FindingState) -> Event {
    Event::Finding {
        check: "leak.responded".to_owned(),
        severity: Severity::Critical,
        state,
    }
}

impl Acts for LeakFind {
    fn deed(&self) -> Option<Deed> {
        Some(self.key.deed("leak.find", finding(FindingState::Open)))
    }

    fn complete(deed: &mut Deed, answer: &Found) {
        name(deed, answer);
    }
}

impl Acts for LeakStop {
    fn deed(&self) -> Option<Deed> {
        let event = Event::Admin;
        Some(
            self.key
                .deed("leak.stop", event)
                .with("reissue", &self.reissue)
                .with("bare", &self.bare),
        )
    }

    fn complete(deed: &mut Deed, answer: &Stopped) {
        name(deed, &answer.found);
        let change = Change::Revoked;
        match (&answer.found, answer.revoked_at) {
            (Found::ClientKey(_), Some(_)) => deed.event = Event::ClientKey { change },
            (Found::UpstreamKey(_), Some(_)) => deed.event = Event::UpstreamKey { change },
            _ => {}
        }
        let metadata = &mut deed.act.metadata;
        if let Some(rotation) = &answer.rotation {
            metadata.insert("rotation".to_owned(), rotation.clone().into());
        }
        if let Some(revocation) = &answer.revocation {
            metadata.insert("revocation".to_owned(), revocation.clone().into());
        }
        if let Some(issued) = &answer.reissued {
            metadata.insert("reissued".to_owned(), issued.record.id.clone().into());
        }
        if answer.not_replaced.is_some() {
            metadata.insert("not_replaced".to_owned(), true.into());
        }
        if !answer.by_hand.is_empty() {
            metadata.insert("by_hand".to_owned(), true.into());
        }
    }
}

impl Acts for LeakProbe {}
impl Acts for LeakDeeds {}

impl Acts for LeakClose {
    fn deed(&self) -> Option<Deed> {
        let state = match self.dead {
            true => FindingState::Mended,
            false => FindingState::Open,
        };
        let mut deed = Deed::new("leak.close", "key", finding(state))
            .id("incident", &self.incident)
            .with("proof", &self.proof)
            .with("millis_to_401", &self.millis_to_401)
            .with("rotation", &self.rotation);
        name(&mut deed, &self.found);
        Some(deed)
    }
}
