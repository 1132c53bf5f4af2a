//! What an entry is in the words create, read, update and delete.

use doorward_catalog::{Action, Method, Op};

use super::said;
use crate::entry::Entry;

/// An activity of the class API Activity.
pub(super) struct Activity {
    /// 0 unknown, 1 create, 2 read, 3 update, 4 delete, 99 other.
    pub(super) id: u8,
    /// The id's caption; for another, its own name.
    pub(super) name: String,
}

impl Activity {
    fn known(id: u8) -> Self {
        let mut activity = Self {
            id,
            name: String::new(),
        };
        activity.name = activity.caption().to_owned();
        activity
    }

    pub(super) fn other(name: &str) -> Self {
        Self {
            id: 99,
            name: name.to_owned(),
        }
    }

    /// The id's caption in the schema.
    pub(super) const fn caption(&self) -> &'static str {
        match self.id {
            1 => "Create",
            2 => "Read",
            3 => "Update",
            4 => "Delete",
            99 => "Other",
            _ => "Unknown",
        }
    }
}

const UNKNOWN: u8 = 0;
const CREATE: u8 = 1;
const READ: u8 = 2;
const UPDATE: u8 = 3;
const DELETE: u8 = 4;

/// Of a call, by the action of the operation's scope, since many reads are `POST`s; of all else, by
/// the kind of leaf and what happened to the thing.
pub(super) fn of(entry: &Entry, op: Option<Op>) -> Activity {
    match entry.kind.as_str() {
        "intent" | "outcome" | "decision" => Activity::known(op.map_or(UNKNOWN, called)),
        "client" | "client_key" | "upstream_key" | "ledger_key" | "approval" => {
            Activity::known(changed(said(entry, "change").unwrap_or_default()))
        }
        "rotation" | "configuration" | "policy" => Activity::known(UPDATE),
        "webhook_received" | "webhooks_received" | "webhook_quarantined" => Activity::known(CREATE),
        "secret_read" | "review" => Activity::known(READ),
        "erasure" => Activity::known(DELETE),
        "admin" => by_verb(&entry.action),
        kind @ ("webhook_delivered" | "webhook_given_up" | "refusals" | "claim" | "state") => {
            Activity::other(kind)
        }
        _ => Activity::known(UNKNOWN),
    }
}

fn called(op: Op) -> u8 {
    let facts = op.facts();
    match (facts.scope.action, facts.method) {
        (Action::Create, _) | (Action::All, Method::Post) => CREATE,
        (Action::Read, _) | (Action::All, Method::Get) => READ,
        (Action::Update, _) | (Action::All, Method::Patch) => UPDATE,
        (Action::Delete, _) | (Action::All, Method::Delete) => DELETE,
    }
}

fn changed(change: &str) -> u8 {
    match change {
        "created" | "requested" => CREATE,
        "updated" | "enabled" | "disabled" | "misused" | "granted" | "denied" => UPDATE,
        "revoked" | "expired" | "deleted" => DELETE,
        _ => UNKNOWN,
    }
}

/// Of an act of administration, by the verb at its action's end.
fn by_verb(action: &str) -> Activity {
    let verb = action.rsplit('.').next().unwrap_or_default();
    match verb {
        "create" | "add" | "init" | "import" => Activity::known(CREATE),
        "read" | "show" | "list" | "export" | "pull" | "reconcile" | "search" => {
            Activity::known(READ)
        }
        "update" | "set" | "enable" | "disable" | "renew" => Activity::known(UPDATE),
        "delete" | "remove" | "revoke" | "erase" | "prune" => Activity::known(DELETE),
        "" => Activity::known(UNKNOWN),
        verb => Activity::other(verb),
    }
}
