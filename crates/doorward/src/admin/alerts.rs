//! Requests about alerts.

use std::sync::Arc;

use axum::Router;
use doorward_alert::{Alert, AlertKind, RAISED, Told, Tried, told_by};
use doorward_audit::{Filter, find_last};
use doorward_ledger::{Event, ReadLeaf};
use doorward_store::{Client, Workspace};
use serde::{Deserialize, Serialize};

use super::deeds::{Acts, Deed};
use super::error::AdminError;
use super::server::on;
use super::service::{Admin, Handle, now};
use super::types::Call;

/// Most alerts that are listed.
pub(crate) const LISTED_MAX: usize = 1_000;
/// Leaves that are looked through for them.
const BUDGET: u64 = 2_000_000;

/// Tries the channels.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AlertTest {
    /// The channel's name; all when none is said.
    pub(crate) channel: Option<String>,
}

/// The last alerts, the newest last.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AlertList {
    /// How many.
    pub(crate) count: usize,
}

/// An alert that was told, and where to.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ToldAlert {
    /// The alert.
    #[serde(flatten)]
    pub(crate) told: Told,
    /// The channels it was for.
    pub(crate) channels: Vec<String>,
}

impl Call for AlertTest {
    const NAME: &'static str = "alert/test";
    type Answer = Vec<Tried>;
}

impl Call for AlertList {
    const NAME: &'static str = "alert/list";
    type Answer = Vec<ToldAlert>;
}

impl Acts for AlertTest {
    fn deed(&self) -> Option<Deed> {
        let deed = Deed::new("alert.test", "alert_channel", Event::Admin);
        Some(match &self.channel {
            Some(channel) => deed.id("name", channel),
            None => deed,
        })
    }

    fn complete(deed: &mut Deed, answer: &Vec<Tried>) {
        let arrived = answer.iter().filter(|tried| tried.arrived).count();
        let metadata = &mut deed.act.metadata;
        metadata.insert("tried".to_owned(), answer.len().into());
        metadata.insert("arrived".to_owned(), arrived.into());
    }
}

impl Acts for AlertList {}

/// Takes the requests in.
pub(super) fn routes(router: Router<Arc<Admin>>) -> Router<Arc<Admin>> {
    on::<AlertList>(on::<AlertTest>(router))
}

impl Admin {
    /// Raises an alert about what an administrator did.
    pub(super) fn alert(&self, alert: Alert) {
        let audit = || self.parts.audit.get().ok();
        self.parts.alerts.raise(alert, audit);
    }

    /// Alerts when a client was just granted more than its environment's ceiling.
    pub(super) fn alert_break_glass(&self, client: &Client, workspace: &Workspace) {
        let Some(glass) = &client.grant.break_glass else {
            return;
        };
        let title = format!("client {} goes beyond its ceiling", client.name);
        let text = format!(
            "Said reason: {}. To end it now: doorward client disable {}",
            glass.reason, client.name
        );
        self.alert(
            Alert::new(AlertKind::BreakGlass, title, now())
                .text(text)
                .fact("client", &client.name)
                .fact("workspace", &workspace.name)
                .fact("environment", client.environment)
                .fact("until", glass.expires_at)
                .key(&client.id),
        );
    }
}

impl Handle<AlertTest> for Admin {
    fn handle(&self, call: AlertTest) -> Result<Vec<Tried>, AdminError> {
        self.parts.alerts.test(call.channel.as_deref())
    }
}

impl Handle<AlertList> for Admin {
    fn handle(&self, call: AlertList) -> Result<Vec<ToldAlert>, AdminError> {
        let audit = self.parts.audit.get()?;
        audit.flush();
        let filter = Filter {
            action: Some(RAISED.to_owned()),
            ..Filter::default()
        };
        let count = call.count.min(LISTED_MAX);
        let found = find_last(&audit.reader(), &filter, count, BUDGET);
        let records = found.map_err(AdminError::failed)?;
        let alerts = records.iter().filter_map(|record| {
            let Ok(ReadLeaf::Known(leaf)) = ReadLeaf::from_bytes(&record.leaf) else {
                return None;
            };
            let (told, channels) = told_by(&leaf)?;
            Some(ToldAlert { told, channels })
        });
        Ok(alerts.collect())
    }
}
