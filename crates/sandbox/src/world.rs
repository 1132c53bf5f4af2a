//! The emulated state: workspaces and all that is in them.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::{self, Clock, Millis};
use crate::ids::Ids;
use crate::keyring::Keyring;
use crate::ops::leads::LeadTable;
use crate::settings::Settings;
use crate::table::Table;

/// Everything the sandbox knows. It can be dumped and loaded whole.
#[derive(Clone, Serialize, Deserialize)]
pub struct World {
    pub(crate) clock: Clock,
    pub(crate) ids: Ids,
    /// By workspace id, in the order they were made.
    pub(crate) workspaces: IndexMap<String, Workspace>,
    /// What webhooks still have to be told; taken away by the sender.
    #[serde(default)]
    pub(crate) outbox: Vec<Event>,
    #[serde(default)]
    pub(crate) settings: Settings,
    /// Ids of what the sender of webhooks records: a stream of its own, so that the ids calls get
    /// do not depend on when deliveries end.
    #[serde(default)]
    pub(crate) delivery_ids: Ids,
    /// The keys that work; see [`World::index`].
    #[serde(skip)]
    pub(crate) keys: Keyring,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

impl World {
    /// A world without workspaces.
    pub(crate) fn empty(seed: u64, clock: Clock, settings: Settings) -> World {
        World {
            clock,
            ids: Ids::new(seed),
            workspaces: IndexMap::new(),
            outbox: Vec::new(),
            settings,
            delivery_ids: Ids::new(seed ^ 0x5eed_de11),
            keys: Keyring::default(),
        }
    }

    /// The time the API writes, ms since 1970: the clock's, skewed if so set.
    pub(crate) fn now(&self) -> Millis {
        let skew = self.settings.clock_skew_ms;
        clock::bounded(self.clock.now().saturating_add(skew))
    }

    /// Builds the index of keys anew, from the tables.
    pub(crate) fn index(&mut self) {
        self.keys = Keyring::of(self.workspaces.iter());
    }

    /// Removes a workspace whose time has come, with its keys and group memberships; whether it is
    /// there still.
    pub(crate) fn still_there(&mut self, id: &str, now: Millis) -> bool {
        let Some(workspace) = self.workspaces.get(id) else {
            return false;
        };
        let due = workspace.record.get("scheduled_for_removal_at");
        let due = due.and_then(Value::as_str).and_then(clock::parse);
        if due.is_none_or(|due| due > now) {
            return true;
        }
        self.workspaces.shift_remove(id);
        self.keys.end_workspace(id);
        for other in self.workspaces.values_mut() {
            other
                .group_members
                .remove_where(|member| member.get("sub_workspace_id") == Some(&Value::from(id)));
        }
        false
    }
}

/// One workspace.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Workspace {
    /// The `Workspace` entity.
    pub(crate) record: Value,
    pub(crate) api_keys: Table,
    pub(crate) webhooks: Table,
    pub(crate) webhook_events: Table,
    /// Failed events in a row, by webhook id.
    pub(crate) webhook_failures: IndexMap<String, u32>,
    pub(crate) audit_logs: Table,
    pub(crate) members: Table,
    /// Group memberships with this workspace as admin.
    pub(crate) group_members: Table,
    pub(crate) block_list: Table,
    pub(crate) jobs: Table,
    pub(crate) campaigns: Table,
    pub(crate) subsequences: Table,
    pub(crate) leads: LeadTable,
    pub(crate) lead_lists: Table,
    pub(crate) lead_labels: Table,
    pub(crate) tags: Table,
    pub(crate) tag_mappings: Table,
    /// By address.
    pub(crate) accounts: Table,
    pub(crate) emails: Table,
    pub(crate) verifications: Table,
    pub(crate) placement_tests: Table,
    pub(crate) placement_analytics: Table,
    pub(crate) placement_reports: Table,
    pub(crate) orders: Table,
    /// The mailboxes of the orders.
    pub(crate) order_accounts: Table,
    pub(crate) enrichments: Table,
    /// Each time an enrichment ran.
    pub(crate) enrichment_runs: Table,
    pub(crate) oauth_sessions: Table,
    pub(crate) phone_numbers: Table,
    /// What happened to leads by day and campaign, for analytics.
    pub(crate) sends: Vec<Send>,
    /// When something of the workspace is due that no call has to bring about (ms since 1970).
    pub(crate) due: Option<i64>,
    /// Whatever else an operation has to remember, by a name of its own.
    pub(crate) notes: IndexMap<String, Value>,
}

/// One thing that happened to a lead in a campaign; analytics are computed from these.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Send {
    /// ms since 1970.
    pub(crate) at: i64,
    pub(crate) kind: SendKind,
    pub(crate) campaign: String,
    pub(crate) subsequence: Option<String>,
    /// From 0.
    pub(crate) step: u32,
    /// From 0.
    pub(crate) variant: u32,
    /// The sending account.
    pub(crate) account: String,
    /// The lead's id.
    pub(crate) lead: String,
    /// For an opportunity: the interest value the lead was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) interest: Option<i16>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SendKind {
    Sent,
    Opened,
    Clicked,
    Replied,
    AutoReplied,
    Bounced,
    Unsubscribed,
    Opportunity,
    Completed,
}

/// Something webhooks are told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) workspace: String,
    /// The name as delivered (`event_type` of the payload): `link_clicked`, or a label's raw text.
    pub(crate) event_type: String,
    /// For a custom label: its interest value.
    pub(crate) custom_interest_value: Option<f64>,
    pub(crate) campaign: Option<String>,
    /// The lead's address.
    pub(crate) lead_email: Option<String>,
    /// More top-level fields of the payload.
    pub(crate) fields: serde_json::Map<String, Value>,
    /// ms since 1970.
    pub(crate) at: i64,
}
