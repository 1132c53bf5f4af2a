//! Subscriptions and the record of their deliveries.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Extra, SecretText};

/// A subscription. Its headers come in clear, so reading one is reading its secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Webhook {
    /// Uuid.
    pub id: String,
    /// The workspace's uuid.
    pub organization: String,
    /// Only this campaign's events, when set.
    #[serde(default)]
    pub campaign: Option<String>,
    /// Name.
    #[serde(default)]
    pub name: Option<String>,
    /// Where events are sent.
    pub target_hook_url: String,
    /// What is subscribed to; none for a custom label.
    #[serde(default)]
    pub event_type: Option<String>,
    /// The custom label's value.
    #[serde(default)]
    pub custom_interest_value: Option<f64>,
    /// Static headers sent with every event: its only authentication.
    #[serde(default)]
    pub headers: Option<BTreeMap<String, SecretText>>,
    /// RFC 3339.
    pub timestamp_created: String,
    /// 1 active, -1 switched off after failures.
    #[serde(default)]
    pub status: Option<i64>,
    /// When it was switched off, RFC 3339.
    #[serde(default)]
    pub timestamp_error: Option<String>,
    /// Fields not known here.
    #[serde(flatten)]
    pub extra: Extra,
}

impl Webhook {
    /// Whether Instantly has switched it off.
    pub fn is_disabled(&self) -> bool {
        self.status == Some(-1)
    }
}

/// One try of a delivery, as Instantly recorded it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WebhookEvent {
    /// Uuid.
    pub id: String,
    /// RFC 3339.
    pub timestamp_created: String,
    /// Day, `YYYY-MM-DD`.
    pub timestamp_created_date: String,
    /// The workspace's uuid.
    pub organization_id: String,
    /// What was sent.
    #[serde(default)]
    pub payload: Option<Extra>,
    /// Whether the receiver took it.
    pub success: bool,
    /// Tries before this one.
    pub retry_count: i64,
    /// Whether it will be tried again.
    pub will_retry: bool,
    /// Where it was sent.
    pub webhook_url: String,
    /// The receiver's HTTP status.
    #[serde(default)]
    pub status_code: Option<i64>,
    /// What went wrong.
    #[serde(default)]
    pub error_message: Option<String>,
    /// When it is tried next, RFC 3339.
    #[serde(default)]
    pub timestamp_next_retry: Option<String>,
    /// Uuid that the tries of one event share.
    #[serde(default)]
    pub retry_group_id: Option<String>,
    /// Whether a later try succeeded.
    #[serde(default)]
    pub retry_successful: Option<bool>,
    /// The lead it is about.
    #[serde(default)]
    pub lead_email: Option<String>,
    /// Milliseconds until the receiver answered.
    #[serde(default)]
    pub response_time_ms: Option<f64>,
    /// Fields not known here.
    #[serde(flatten)]
    pub extra: Extra,
}
