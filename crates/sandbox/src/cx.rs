//! What a handler works with: the state, the caller's workspace and the time.

use doorward_catalog::activity::Activity;
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::clock::{self, Millis};
use crate::world::{Event, Workspace, World};

/// The context of one call.
pub(crate) struct Cx<'w> {
    pub(crate) world: &'w mut World,
    /// Id of the workspace acted on; it is in `world.workspaces`.
    pub(crate) workspace: String,
    /// Id of the API key used; none when the control API acts.
    pub(crate) key_id: Option<String>,
    /// ms since 1970.
    pub(crate) now: Millis,
}

impl Cx<'_> {
    /// The workspace acted on.
    pub(crate) fn ws(&mut self) -> &mut Workspace {
        self.world
            .workspaces
            .entry(self.workspace.clone())
            .or_default()
    }

    /// A fresh uuid.
    pub(crate) fn uuid(&mut self) -> String {
        self.world.ids.uuid(self.now)
    }

    /// Now, as the API writes times.
    pub(crate) fn now_text(&self) -> String {
        clock::text(self.now)
    }

    /// The owner's user id.
    pub(crate) fn owner(&mut self) -> String {
        self.ws()
            .record
            .get("owner")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    }

    /// Tells webhooks of something that happened to a lead (or to none).
    pub(crate) fn emit(
        &mut self,
        event_type: &str,
        campaign: Option<&str>,
        lead_email: Option<&str>,
        fields: Map<String, Value>,
    ) {
        self.world.outbox.push(Event {
            workspace: self.workspace.clone(),
            event_type: event_type.to_owned(),
            custom_interest_value: None,
            campaign: campaign.map(str::to_owned),
            lead_email: lead_email.map(str::to_owned),
            fields,
            at: self.now,
        });
    }

    /// Writes an entry of Instantly's audit log. `about` holds the entry's optional fields
    /// (`campaign_id`, `webhook_id`, `affected_count`, `audit_metadata`, …).
    pub(crate) fn audit(&mut self, activity: Activity, call: &Call, about: Value) {
        let id = self.uuid();
        let mut entry = json!({
            "id": id,
            "timestamp": self.now_text(),
            "organization_id": self.workspace,
            "activity_type": i64::from(activity),
            "user_agent": call.user_agent,
            "user_id": null,
            "ip_address": call.address,
            "from_api": true,
            "api_key_id": self.key_id,
        });
        if let (Some(entry), Value::Object(about)) = (entry.as_object_mut(), about) {
            entry.extend(about);
        }
        self.ws().audit_logs.put(&id, entry);
    }
}

/// Merges the fields of a body into an entity, `null`s too; the entity's other fields stay.
pub(crate) fn merge(entity: &mut Value, body: &Value) {
    if let (Some(entity), Some(body)) = (entity.as_object_mut(), body.as_object()) {
        for (name, value) in body {
            entity.insert(name.clone(), value.clone());
        }
    }
}
