//! Subscriptions: brought to what is declared, and ended where they lead elsewhere.

use doorward_catalog::Op;
use doorward_catalog::wire::Webhook;
use doorward_store::EndState;
use doorward_upstream::resources::{Change, WebhookChange};
use doorward_upstream::{Client, Error};
use tokio::runtime::Handle as Runtime;

use super::types::{WebhookAlign, WebhookEnd};
use super::{SourceView, Wanted};
use crate::admin::error::AdminError;
use crate::admin::reaching::not_done;
use crate::admin::service::{Admin, Handle, now};
use crate::admin::webhooks::{all_of, register_wanted};
use crate::relay::Source;

/// What a subscription is aligned with.
const ALIGNING: [Op; 6] = [
    Op::CreateWebhook,
    Op::ListWebhook,
    Op::GetWebhook,
    Op::PatchWebhook,
    Op::ResumeWebhook,
    Op::TestWebhook,
];

impl Handle<WebhookAlign> for Admin {
    fn handle(&self, call: WebhookAlign) -> Result<SourceView, AdminError> {
        let source = Source::find(self.store(), &call.source)?;
        let workspace = self.store().workspace(source.workspace_id())?;
        // What is registered is sent to at once.
        self.relay()?;
        let client = self.client_for(&workspace, &ALIGNING, "manage webhooks")?;
        let noted = source.settings.subscription.as_ref().map(|one| &one.id);
        let all = all_of(&client)?;
        let there = all
            .iter()
            .find(|hook| noted == Some(&hook.id))
            .or_else(|| all.iter().find(|hook| hook.target_hook_url == source.url()));
        let aligned = match there {
            Some(there) => align(&client, there, &source, &call.wanted)?,
            None => register_wanted(self, &client, &source, &call.wanted)?,
        };
        let mut source = self.note_subscription(source, &aligned)?;
        if !source.is_active() {
            source = source.save(self.store(), Some((EndState::Active, String::new())), now())?;
            self.relay_changed()?;
        }
        if aligned.is_disabled() {
            let resumed = Runtime::current().block_on(client.webhooks().resume(&aligned.id));
            resumed.map_err(|error| not_done("switch the subscription on", &error))?;
        }
        Ok(SourceView::of(&source, &workspace))
    }
}

/// Has a subscription that is there be of what is wanted, and lead to its source.
fn align(
    client: &Client,
    there: &Webhook,
    source: &Source,
    wanted: &Wanted,
) -> Result<Webhook, AdminError> {
    let (event, label, campaign) = match wanted {
        Wanted::Event { event, campaign } => (Some(event.clone()), None, campaign.clone()),
        Wanted::Label { value, campaign } => (None, Some(*value), campaign.clone()),
        Wanted::Nothing => return Ok(there.clone()),
    };
    let mut change = WebhookChange::default();
    if there.target_hook_url != source.url() {
        change.target_hook_url = Some(source.url());
    }
    if there.event_type != event {
        change.event_type = event.map_or(Change::Clear, Change::Set);
    }
    if there.custom_interest_value != label {
        change.custom_interest_value = label.map_or(Change::Clear, Change::Set);
    }
    if there.campaign != campaign {
        change.campaign = campaign.map_or(Change::Clear, Change::Set);
    }
    if change == WebhookChange::default() {
        return Ok(there.clone());
    }
    let changed = Runtime::current().block_on(client.webhooks().patch(&there.id, &change));
    changed.map_err(|error| not_done("change the subscription", &error))
}

impl Handle<WebhookEnd> for Admin {
    fn handle(&self, call: WebhookEnd) -> Result<(), AdminError> {
        let workspace = self.workspace(Some(&call.workspace))?;
        let mut known = Source::all(self.store())?.into_iter();
        let ours = known.find(|source| {
            let noted = source.settings.subscription.as_ref();
            noted.is_some_and(|noted| noted.id == call.subscription)
        });
        if let Some(ours) = ours {
            return Err(AdminError::usage(format_args!(
                "the subscription leads to source '{}'; `doorward webhook delete` ends it",
                ours.end.name
            )));
        }
        let client = self.client_for(&workspace, &[Op::DeleteWebhook], "end subscriptions")?;
        match Runtime::current().block_on(client.webhooks().delete(&call.subscription)) {
            Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(not_done("end the subscription", &error)),
        }
    }
}
