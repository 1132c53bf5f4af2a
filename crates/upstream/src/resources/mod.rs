//! Typed calls for the resources that security is about. Every other operation goes through
//! [`Client::request`](crate::Client::request).

mod api_keys;
mod audit_logs;
mod block_list;
mod group_members;
mod members;
mod webhook_events;
mod webhooks;
mod workspace;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use api_keys::{ApiKeys, NewApiKey};
pub use audit_logs::{AuditLogFilter, AuditLogs};
pub use block_list::{BlockList, BlockListFilter, BulkBlocked};
pub use group_members::{AdminWorkspace, GroupMembers};
pub use members::{MemberChange, MemberFilter, Members, NewMember};
pub use webhook_events::{DayCount, EventCounts, WebhookEventFilter, WebhookEvents};
pub use webhooks::{
    EventTypeInfo, NewWebhook, WebhookChange, WebhookFilter, WebhookTest, Webhooks,
};
pub use workspace::Workspaces;

use crate::call::Call;
use crate::client::Client;
use crate::error::Error;

impl Client {
    /// Sends a call and reads its answer.
    pub(crate) async fn fetch<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        self.send(&call).await?.json()
    }
}

/// A field of a change: left as it is, emptied, or set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Change<T> {
    /// Leave it.
    #[default]
    Keep,
    /// Set it to null.
    Clear,
    /// Set it to this.
    Set(T),
}

impl<T> Change<T> {
    /// Whether it is left as it is, and so left out of the body.
    pub fn is_keep(&self) -> bool {
        matches!(self, Change::Keep)
    }
}

impl<T: Serialize> Serialize for Change<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Change::Set(value) => serializer.serialize_some(value),
            Change::Keep | Change::Clear => serializer.serialize_none(),
        }
    }
}

/// A count: the API's schema says `number`, so `3.0` is read like `3`.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = f64::deserialize(deserializer)?;
    if (0.0..=9_007_199_254_740_992.0).contains(&number) {
        Ok(number as u64)
    } else {
        Err(serde::de::Error::custom("not a count"))
    }
}
