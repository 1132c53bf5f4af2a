//! Instantly's own audit log.

use serde::{Deserialize, Serialize};

use super::Extra;
use crate::activity::Activity;

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditLog {
    /// Uuid.
    pub id: String,
    /// RFC 3339.
    pub timestamp: String,
    /// The workspace's uuid.
    pub organization_id: String,
    /// What happened.
    pub activity_type: Activity,
    /// The caller's user agent.
    #[serde(default)]
    pub user_agent: Option<String>,
    /// The user's uuid.
    #[serde(default)]
    pub user_id: Option<String>,
    /// The caller's address.
    pub ip_address: String,
    /// Whether it came through the API.
    pub from_api: bool,
    /// The API key's uuid.
    #[serde(default)]
    pub api_key_id: Option<String>,
    /// How many things it touched.
    #[serde(default)]
    pub affected_count: Option<f64>,
    /// The campaign touched.
    #[serde(default)]
    pub campaign_id: Option<String>,
    /// The subscription touched.
    #[serde(default)]
    pub webhook_id: Option<String>,
    /// The subsequence touched.
    #[serde(default)]
    pub subsequence_id: Option<String>,
    /// The list touched.
    #[serde(default)]
    pub list_id: Option<String>,
    /// The user's name.
    #[serde(default)]
    pub user_name: Option<String>,
    /// Fields not known here, `audit_metadata` among them.
    #[serde(flatten)]
    pub extra: Extra,
}
