//! Who is granted more than usual for a limited time, and until when.

use doorward_policy::Timestamp;
use doorward_store::{Client, Workspace};
use serde::{Deserialize, Serialize};

/// A client that is granted more for a limited time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Beyond {
    /// Name of the client.
    pub(crate) client: String,
    /// Name of its workspace.
    pub(crate) workspace: String,
    /// Where it runs.
    pub(crate) environment: String,
    /// `break_glass` or `learning`.
    pub(crate) why: String,
    /// When it ends.
    pub(crate) until: Timestamp,
    /// The reason that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// Those at `now`, the first to end first. One that is learning by a break-glass is told as that.
pub(super) fn beyond(clients: &[Client], workspaces: &[Workspace], now: Timestamp) -> Vec<Beyond> {
    let of = |client: &Client| {
        let grant = &client.grant;
        let glass = grant.break_glass.as_ref();
        let glass = glass.map(|glass| ("break_glass", glass.expires_at, Some(&glass.reason)));
        let learning = grant.learning.as_ref();
        let learning = learning.map(|learning| ("learning", learning.until, None));
        let (why, until, reason) = [glass, learning]
            .into_iter()
            .flatten()
            .find(|(_, until, _)| now < *until)?;
        let workspace = workspaces
            .iter()
            .find(|workspace| workspace.id == client.workspace_id)?;
        Some(Beyond {
            client: client.name.clone(),
            workspace: workspace.name.clone(),
            environment: client.environment.as_str().to_owned(),
            why: why.to_owned(),
            until,
            reason: reason.cloned(),
        })
    };
    let mut found: Vec<Beyond> = clients.iter().filter_map(of).collect();
    found.sort_by(|a, b| (a.until, &a.client).cmp(&(b.until, &b.client)));
    found
}
