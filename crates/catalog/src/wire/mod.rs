//! Wire types of the security-relevant resources. Unknown fields are kept in `extra`; enumerations
//! keep unknown values; times are RFC 3339 texts as sent.

mod audit;
mod envelope;
mod key;
mod page;
mod webhook;
mod workspace;

pub use audit::AuditLog;
pub use envelope::ErrorBody;
pub use key::{ApiKey, SecretText};
pub use page::Page;
pub use webhook::{Webhook, WebhookEvent};
pub use workspace::{
    BlockListEntry, GroupStatus, Workspace, WorkspaceGroupMember, WorkspaceMember,
};

/// Fields that are not known here.
pub type Extra = serde_json::Map<String, serde_json::Value>;
