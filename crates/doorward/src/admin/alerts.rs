//! Requests about alerts.

use std::sync::Arc;

use axum::Router;
use doorward_alert::{Alert, AlertKind, RAISED, Told, Tried, told_by};
use doorward_audit::{Filter, find_last};
use doorward_catalog::Environment;
use doorward_ledger::{Event, ReadLeaf};
use doorward_policy::{Grant, Timestamp};
use doorward_store::{StoreError, Workspace};
use serde::{Deserialize, Serialize};

use super::deeds::{Acts, Deed};
use super::error::AdminError;
use super::server::on;
use super::service::{Admin, Handle};
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
    /// Raises an alert about what an administrator does, before it is done.
    ///
    /// # Errors
    /// When nobody can be told of it: then it must not be done.
    pub(super) fn alert(&self, alert: Alert) -> Result<(), AdminError> {
        let audit = || self.parts.audit.get().ok();
        self.parts.alerts.raise(alert, audit).map_err(|why| {
            AdminError::failed(format_args!(
                "nothing was done, since nobody can be told of it: {why}"
            ))
        })
    }

    /// Alerts that a client, of this name and environment, is about to be granted more than its
    /// ceiling.
    ///
    /// # Errors
    /// When the grant does not fit, or nobody can be told.
    pub(super) fn alert_break_glass(
        &self,
        (client, environment): (&str, Environment),
        workspace: &Workspace,
        grant: Option<&Grant>,
        now: Timestamp,
    ) -> Result<(), AdminError> {
        let Some((grant, glass)) =
            grant.and_then(|grant| Some((grant, grant.break_glass.as_ref()?)))
        else {
            return Ok(());
        };
        // What is refused is not told.
        let resolved = grant.resolve(environment, workspace.kind, now);
        let effective = resolved.map_err(StoreError::from)?;
        let title = format!("client {client} goes beyond its ceiling");
        let text = format!(
            "Said reason: {}. To end it now: doorward client disable {client}",
            glass.reason
        );
        self.alert(
            Alert::new(AlertKind::BreakGlass, title, now)
                .text(text)
                .fact("client", client)
                .fact("workspace", &workspace.name)
                .fact("environment", environment)
                .fact("until", glass.expires_at)
                .fact("granted", effective.scopes(now))
                // Each is told at once: none is the same as another, with the same end neither.
                .key(format_args!(
                    "{}/{client}/{}/{}",
                    workspace.id,
                    glass.expires_at,
                    now.millis()
                )),
        )
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
