//! What is asked about sources, and answered.

use doorward_policy::Timestamp;
use doorward_relay::reconcile::Reconciled;
use serde::{Deserialize, Serialize};

use crate::admin::types::Scopeful;

/// Makes a source, and its subscription at Instantly.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WebhookCreate {
    /// Name or id of the workspace; the only one when none is said.
    pub(crate) workspace: Option<String>,
    /// Name of the source.
    pub(crate) name: String,
    /// What is subscribed to.
    pub(crate) wanted: Wanted,
    /// How it is reached and protected.
    pub(crate) door: DoorAsked,
}

/// What is subscribed to.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(crate) enum Wanted {
    /// An event type, or `all_events`.
    Event {
        /// Its name.
        event: String,
        /// Only this campaign's, by uuid.
        campaign: Option<String>,
    },
    /// A custom label.
    Label {
        /// Its value, as `webhooks/event-types` lists it.
        value: f64,
        /// Only this campaign's, by uuid.
        campaign: Option<String>,
    },
    /// Nothing: something else sends here.
    Nothing,
}

/// How a source is reached and protected.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DoorAsked {
    /// Where Doorward is reached from outside; what is configured when none is said.
    pub(crate) public_url: Option<String>,
    /// How a delivery proves itself: every one must hold.
    pub(crate) proofs: Vec<String>,
    /// The networks that deliveries may come from.
    pub(crate) allow: Vec<String>,
    /// Reference that the secret of the first is kept at.
    pub(crate) to: Option<String>,
}

/// Takes a subscription that is there over: it is sent here from now on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WebhookAdopt {
    /// Name or id of the workspace; the only one when none is said.
    pub(crate) workspace: Option<String>,
    /// Instantly's id of the subscription.
    pub(crate) subscription: String,
    /// Name of the source.
    pub(crate) name: String,
    /// How it is reached and protected.
    pub(crate) door: DoorAsked,
}

/// Every source, and every subscription that leads elsewhere.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WebhookList {
    /// Of which workspaces.
    pub(crate) of: Scopeful,
    /// Whether Instantly is asked.
    pub(crate) fetch: bool,
}

/// One source.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WebhookShow {
    /// Its id or name.
    pub(crate) source: String,
    /// Whether Instantly is asked.
    pub(crate) fetch: bool,
}

/// Gives a source another secret.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WebhookRotate {
    /// Its id or name.
    pub(crate) source: String,
    /// Which of its proofs; the first when none is said.
    pub(crate) proof: Option<String>,
    /// How long the old one is still taken, in milliseconds.
    pub(crate) overlap_ms: i64,
    /// Reference that the new one is kept at.
    pub(crate) to: Option<String>,
}

/// Has Instantly send a test event.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WebhookTest {
    /// The source's id or name.
    pub(crate) source: String,
}

/// Switches a subscription on again.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WebhookResume {
    /// The source's id or name.
    pub(crate) source: String,
}

/// Changes from where, and by what proof, a source takes deliveries.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WebhookSet {
    /// Its id or name.
    pub(crate) source: String,
    /// The networks that deliveries may come from; all of them, when it is said.
    pub(crate) allow: Option<Vec<String>>,
    /// How a delivery proves itself: all of them, when it is said.
    pub(crate) proofs: Option<Vec<String>>,
}

/// Fetches back what was missed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WebhookReconcile {
    /// The source's id or name; every source with a subscription when none is said.
    pub(crate) source: Option<String>,
    /// Since when; since the last good point when it is not said.
    pub(crate) since: Option<Timestamp>,
}

/// What was fetched back for a source.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WebhookReconciled {
    /// Name of the source.
    pub(crate) source: String,
    /// What was found; none when it could not be looked.
    pub(crate) found: Option<Reconciled>,
    /// Why it could not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failed: Option<String>,
}

/// Ends the subscription and removes the source. Its events stay.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WebhookDelete {
    /// Its id or name.
    pub(crate) source: String,
    /// Whether the subscription is left as it is.
    pub(crate) keep_subscription: bool,
}

/// A source.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SourceView {
    /// Doorward's id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// Name of the workspace.
    pub(crate) workspace: String,
    /// Doorward's id of the workspace.
    pub(crate) workspace_id: String,
    /// Where deliveries come in.
    pub(crate) url: String,
    /// `active`, `paused` or `disabled`.
    pub(crate) state: String,
    /// Why it is not active.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) why: String,
    /// How a delivery proves itself.
    pub(crate) proof: String,
    /// Its secrets, the newest first.
    pub(crate) secrets: Vec<SecretView>,
    /// Proofs beside that one: every one must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) also: Vec<ProofView>,
    /// The networks that deliveries may come from; any when there are none.
    pub(crate) allow: Vec<String>,
    /// Instantly's id of the subscription.
    pub(crate) subscription: Option<String>,
    /// What is subscribed to.
    pub(crate) event: Option<String>,
    /// Only this campaign's.
    pub(crate) campaign: Option<String>,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// What Instantly says of the subscription, when it was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) there: Option<There>,
    /// Why Instantly could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_asked: Option<String>,
}

/// A proof of a source.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ProofView {
    /// How a delivery proves itself.
    pub(crate) proof: String,
    /// Its secrets, the newest first; none of one that says itself what it is held against.
    pub(crate) secrets: Vec<SecretView>,
}

/// A secret of a source, without its value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SecretView {
    /// Where it is kept.
    pub(crate) reference: String,
    /// When it was made.
    pub(crate) made_at: Timestamp,
    /// Until when it is taken; none for the one in force.
    pub(crate) until: Option<Timestamp>,
    /// When a delivery proved itself with it last, since the server began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_used: Option<Timestamp>,
}

/// What Instantly says of a subscription.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct There {
    /// Instantly's id of it.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: Option<String>,
    /// What is subscribed to; none for a custom label.
    pub(crate) event: Option<String>,
    /// Where it leads.
    pub(crate) url: String,
    /// Whether it leads to the source.
    pub(crate) leads_here: bool,
    /// Whether Instantly has switched it off.
    pub(crate) disabled: bool,
    /// Since when.
    pub(crate) disabled_at: Option<String>,
    /// Whether it proves itself with the secret in force; not known where nothing is to compare.
    pub(crate) secret_fits: Option<bool>,
    /// Whether it has any secret header.
    pub(crate) has_headers: bool,
}

/// A workspace's sources, and the subscriptions that lead elsewhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WebhooksOf {
    /// Name of the workspace.
    pub(crate) workspace: String,
    /// Its sources.
    pub(crate) sources: Vec<SourceView>,
    /// Subscriptions that lead elsewhere.
    pub(crate) elsewhere: Vec<There>,
    /// Why Instantly could not be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_asked: Option<String>,
}

/// What came of a test.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Tested {
    /// Whether the delivery was taken.
    pub(crate) success: bool,
    /// The status that Doorward, or what stands before it, answered.
    pub(crate) status: Option<u16>,
    /// Milliseconds until then.
    pub(crate) millis: Option<f64>,
    /// What went wrong.
    pub(crate) error: Option<String>,
}

/// A source that was made or changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WebhookDone {
    /// The source as it is now.
    pub(crate) source: SourceView,
    /// What came of the test; none when none was made.
    pub(crate) tested: Option<Tested>,
}
