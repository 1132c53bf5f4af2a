//! Webhook subscriptions.

use std::collections::BTreeMap;

use doorward_catalog::Op;
use doorward_catalog::wire::{SecretText, Webhook};
use serde::{Deserialize, Serialize};

use super::Change;
use crate::call::Call;
use crate::client::Client;
use crate::error::Error;
use crate::pages::Items;

/// Which subscriptions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebhookFilter {
    /// Only this campaign's, uuid.
    pub campaign: Option<String>,
    /// Only those to this event type.
    pub event_type: Option<String>,
}

/// What a new subscription is to be.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct NewWebhook {
    /// Where events are sent, `http` or `https`.
    pub target_hook_url: String,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only this campaign's events, uuid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub campaign: Option<String>,
    /// What to subscribe to; none for a custom label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// The custom label's value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_interest_value: Option<f64>,
    /// Static headers sent with every event: all the authentication there is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, SecretText>>,
}

/// What to change of a subscription.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct WebhookChange {
    /// Where events are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_hook_url: Option<String>,
    /// Name.
    #[serde(skip_serializing_if = "Change::is_keep")]
    pub name: Change<String>,
    /// Only this campaign's events, uuid.
    #[serde(skip_serializing_if = "Change::is_keep")]
    pub campaign: Change<String>,
    /// What is subscribed to.
    #[serde(skip_serializing_if = "Change::is_keep")]
    pub event_type: Change<String>,
    /// The custom label's value.
    #[serde(skip_serializing_if = "Change::is_keep")]
    pub custom_interest_value: Change<f64>,
    /// Static headers, all of them.
    #[serde(skip_serializing_if = "Change::is_keep")]
    pub headers: Change<BTreeMap<String, SecretText>>,
}

/// What came of a test delivery. That the receiver failed is no error of the call.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct WebhookTest {
    /// Whether the receiver took it.
    pub success: bool,
    /// In words.
    #[serde(default)]
    pub message: Option<String>,
    /// Milliseconds until the receiver answered.
    #[serde(default)]
    pub response_time_ms: Option<f64>,
    /// The receiver's HTTP status.
    #[serde(default)]
    pub status_code: Option<f64>,
    /// What went wrong.
    #[serde(default)]
    pub error: Option<String>,
}

/// An event type as the API lists it, custom labels among them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct EventTypeInfo {
    /// The name a subscription carries.
    pub id: String,
    /// In words.
    #[serde(default)]
    pub label: Option<String>,
    /// `standard` or `custom`.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
}

/// Calls on the workspace's subscriptions.
#[derive(Debug, Clone, Copy)]
pub struct Webhooks<'a> {
    client: &'a Client,
}

impl Client {
    /// The workspace's webhook subscriptions.
    pub fn webhooks(&self) -> Webhooks<'_> {
        Webhooks { client: self }
    }
}

impl Webhooks<'_> {
    /// Subscriptions. Their header values come in clear.
    pub fn list(&self, filter: &WebhookFilter) -> Items<Webhook> {
        let call = Call::new(Op::ListWebhook)
            .maybe_query("campaign", filter.campaign.as_ref())
            .maybe_query("event_type", filter.event_type.as_ref());
        self.client.items(call)
    }

    /// One subscription.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn get(&self, id: &str) -> Result<Webhook, Error> {
        self.client.fetch(Call::new(Op::GetWebhook).param(id)).await
    }

    /// Subscribes.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn create(&self, new: &NewWebhook) -> Result<Webhook, Error> {
        self.client
            .fetch(Call::new(Op::CreateWebhook).json(new)?)
            .await
    }

    /// Changes a subscription.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn patch(&self, id: &str, change: &WebhookChange) -> Result<Webhook, Error> {
        let call = Call::new(Op::PatchWebhook).param(id).json(change)?;
        self.client.fetch(call).await
    }

    /// Ends a subscription.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn delete(&self, id: &str) -> Result<Webhook, Error> {
        let call = Call::new(Op::DeleteWebhook).param(id);
        self.client.fetch(call).await
    }

    /// Has Instantly send a test event to the receiver.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn test(&self, id: &str) -> Result<WebhookTest, Error> {
        let call = Call::new(Op::TestWebhook).param(id);
        self.client.fetch(call).await
    }

    /// Switches a subscription on again that Instantly has switched off after failures.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn resume(&self, id: &str) -> Result<Webhook, Error> {
        let call = Call::new(Op::ResumeWebhook).param(id);
        self.client.fetch(call).await
    }

    /// What can be subscribed to.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub async fn event_types(&self) -> Result<Vec<EventTypeInfo>, Error> {
        #[derive(Deserialize)]
        struct EventTypes {
            event_types: Vec<EventTypeInfo>,
        }
        let call = Call::new(Op::ListWebhookEventTypes);
        let types: EventTypes = self.client.fetch(call).await?;
        Ok(types.event_types)
    }
}
