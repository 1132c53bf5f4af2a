//! A leaf as it is shown and handed on: one flat record.

use std::borrow::Cow;
use std::collections::BTreeMap;

use doorward_ledger::log::Record;
use doorward_ledger::{ActorKind, Event, Leaf, LeafId, ReadLeaf, Sealed, Text, Verdict};
use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::audit::Audit;
use crate::error::Result;
use crate::people::Unsealed;

/// How people's sealed values are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Show {
    /// As the subject's id, `sub_…`: what leaves the house holds no people's data.
    Subjects,
    /// In clear, where they were not erased.
    People,
}

/// One entry: the members that are not known are left out. People's values are in clear or a
/// subject's id, by [`Show`]; an erased one is `sub_… (erased)`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(default)]
pub struct Entry {
    /// Place in the ledger, from zero.
    pub seq: u64,
    /// When.
    pub timestamp: String,
    /// The leaf's kind: `intent`, `outcome`, `decision`, …
    pub kind: String,
    /// What was done.
    pub action: String,
    /// `pending`, `success`, `failure`, `refused` or `unknown`.
    pub result: String,
    /// The leaf's own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<LeafId>,
    /// The acting person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// `client`, `admin`, `doorward`, `instantly` or `stranger`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_type: Option<String>,
    /// Whether the user is the client's word.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub user_claimed: bool,
    /// Name of the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Public id of the client key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key_id: Option<String>,
    /// Where the client runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Doorward's id of the workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The sub-workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_workspace: Option<String>,
    /// The operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The path's template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// What kind of thing was acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// Ids of what was acted on, by parameter.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub resource_ids: BTreeMap<String, String>,
    /// `allow`, `deny` or `needs_approval`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// Why it was refused or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The status that the caller got.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The call's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Where the call came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_ip: Option<String>,
    /// Doorward's id of the upstream key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_key: Option<String>,
    /// What else leaves of this kind say.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// The members of an event that have a place of their own in an entry.
const PLACED: [&str; 4] = ["kind", "operation", "status", "intent"];

impl Entry {
    /// The entry of a record. `open` gives what a sealed value says, by leaf and field.
    ///
    /// # Errors
    /// When the record is no leaf, or `open` fails.
    pub fn of(
        record: &Record,
        mut open: impl FnMut(LeafId, &str, &Sealed) -> Result<String>,
    ) -> Result<Self> {
        match ReadLeaf::from_bytes(&record.leaf)? {
            ReadLeaf::Known(leaf) => Self::of_leaf(record.sequence, &leaf, &mut open),
            ReadLeaf::Other(value) => Ok(Self::of_other(record.sequence, value)),
        }
    }

    fn of_leaf(
        seq: u64,
        leaf: &Leaf,
        open: &mut impl FnMut(LeafId, &str, &Sealed) -> Result<String>,
    ) -> Result<Self> {
        let Leaf {
            id, at, act, event, ..
        } = leaf;
        let mut shown = |field: &str, sealed: &Sealed| open(*id, field, sealed);
        let mut members = as_object(event);
        let kind = text_of(&members, "kind").unwrap_or_default();
        let operation = text_of(&members, "operation");
        let status = members
            .get("status")
            .and_then(Value::as_u64)
            .and_then(|status| u16::try_from(status).ok());
        let mut metadata = act.metadata.clone().into_iter().collect::<Map<_, _>>();
        if let Event::Outcome {
            intent: Some(intent),
            ..
        } = event
        {
            metadata.insert("intent".to_owned(), intent.to_string().into());
        }
        for (name, sealed) in sealed_members(event) {
            let value = shown(name, sealed)?;
            let value = serde_json::from_str(&value).unwrap_or(Value::String(value));
            members.insert(name.to_owned(), value);
        }
        members.retain(|name, _| !PLACED.contains(&name.as_str()));
        metadata.extend(members);
        let mut resource_ids = BTreeMap::new();
        for (name, text) in act.resource.iter().flat_map(|resource| &resource.ids) {
            let value = match text {
                Text::Clear(value) => value.clone(),
                Text::Sealed(sealed) => shown(&format!("resource.{name}"), sealed)?,
            };
            resource_ids.insert(name.clone(), value);
        }
        let actor = act.actor.as_ref();
        let user = match actor {
            Some(actor) => match &actor.person {
                Some(sealed) => Some(shown("actor.person", sealed)?),
                None => actor.name.clone(),
            },
            None => None,
        };
        Ok(Self {
            seq,
            timestamp: at.to_string(),
            kind,
            action: act.action.clone(),
            result: word(&act.result),
            id: Some(*id),
            user,
            user_type: actor.map(|actor| word(&actor.kind)),
            user_claimed: actor.is_some_and(|actor| actor.claimed),
            client: act.client.clone(),
            client_key_id: act.client_key.clone(),
            environment: act.environment.clone(),
            workspace: act.workspace.clone(),
            as_workspace: act.sub_workspace.clone(),
            operation,
            resource: act
                .resource
                .as_ref()
                .and_then(|resource| resource.path.clone()),
            resource_type: act
                .resource
                .as_ref()
                .map(|resource| resource.kind.clone())
                .filter(|kind| !kind.is_empty()),
            resource_ids,
            decision: act.decision.as_ref().map(word),
            reason: act.reason.clone(),
            status,
            request_id: act.request_id.clone(),
            source_ip: act
                .source
                .as_ref()
                .map(|sealed| shown("source", sealed))
                .transpose()?,
            upstream_key: act.upstream_key.clone(),
            metadata,
        })
    }

    /// What can be said of a leaf of a newer version.
    fn of_other(seq: u64, value: Value) -> Self {
        let Value::Object(members) = value else {
            return Self::default();
        };
        let text = |name: &str| text_of(&members, name);
        Self {
            seq,
            timestamp: text("at").unwrap_or_default(),
            kind: text("kind").unwrap_or_default(),
            action: text("action").unwrap_or_default(),
            result: text("result").unwrap_or_else(|| word(&Verdict::Unknown)),
            metadata: Map::from_iter([("leaf".to_owned(), Value::Object(members))]),
            ..Self::default()
        }
    }

    /// The action, marked where it is only what an application says of itself: a claim may have
    /// any name, those of Doorward's own acts too.
    pub fn named(&self) -> Cow<'_, str> {
        if self.kind == "claim" {
            format!("claim {}", self.action).into()
        } else {
            self.action.as_str().into()
        }
    }

    /// What was done and how it ended, in words.
    pub(crate) fn told(&self) -> String {
        format!("{}: {}", self.named(), self.result)
    }

    /// When it happened.
    pub fn at(&self) -> Option<Timestamp> {
        self.timestamp.parse().ok()
    }

    /// Whether somebody was kept from something.
    pub fn is_refused(&self) -> bool {
        self.result == word(&Verdict::Refused)
    }

    /// Whether the actor had no valid credential.
    pub fn is_strangers(&self) -> bool {
        self.user_type.as_deref() == Some(word(&ActorKind::Stranger).as_str())
    }
}

impl Audit {
    /// The entry of a record, people's values shown as asked. Blocks.
    ///
    /// # Errors
    /// When the record is no leaf, or the store can't be read.
    pub fn entry(&self, record: &Record, show: Show) -> Result<Entry> {
        Entry::of(record, |leaf, field, sealed| match show {
            Show::Subjects => Ok(sealed.subject.to_string()),
            Show::People => Ok(match self.unseal(leaf, field, sealed)? {
                Unsealed::Value(value) => String::from_utf8_lossy(&value).into_owned(),
                Unsealed::Erased => format!("{} (erased)", sealed.subject),
                Unsealed::Unreadable => format!("{} (unreadable)", sealed.subject),
            }),
        })
    }
}

fn sealed_members(event: &Event) -> Vec<(&'static str, &Sealed)> {
    match event {
        Event::Intent {
            inputs: Some(sealed),
            ..
        }
        | Event::Decision {
            inputs: Some(sealed),
            ..
        } => vec![("inputs", sealed)],
        Event::Claim {
            claim: Some(sealed),
        } => vec![("claim", sealed)],
        Event::Review {
            note: Some(sealed), ..
        } => vec![("note", sealed)],
        _ => Vec::new(),
    }
}

fn as_object(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}

fn text_of(members: &Map<String, Value>, name: &str) -> Option<String> {
    members.get(name)?.as_str().map(str::to_owned)
}

/// An enum's name, as in JSON.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => text,
        _ => String::new(),
    }
}
