//! The implementation over the store, and how a request reaches it.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use doorward_alert::{Alert, AlertKind};
use doorward_gateway::{ApprovalDesk, Pacing};
use doorward_policy::Timestamp;
use doorward_secrets::{SecretRef, Secrets};
use doorward_store::{Store, Workspace};
use futures_util::future::BoxFuture;

use super::check::Underway;
use super::error::AdminError;
use super::events::Followers;
use super::types::{AskReady, BackupTake, Call, Reload, Reloaded, ServerStatus, Status};
use crate::alerts::AlertDesk;
use crate::config::InstantlyConfig;
use crate::context::Context;
use crate::health::{HealthOf, Ready, ReadyOf};
use crate::record::{LateAudit, recorded_secrets};
use crate::relay::LateEvents;
use crate::relay::Relay;
use crate::rotation::Rotations;
use crate::secret_setup::SecretSetup;

/// Gives the approvals.
pub(crate) type OpenApprovals =
    Box<dyn Fn() -> Result<Arc<ApprovalDesk>, AdminError> + Send + Sync>;

/// Gives the rotations.
pub(crate) type OpenRotations = Box<dyn Fn() -> Result<Rotations, AdminError> + Send + Sync>;

/// Waits for the server's end.
pub(crate) type Ending = Box<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>;

/// What [`Admin`] works with.
pub(crate) struct AdminParts {
    /// Where what is done is recorded.
    pub(crate) audit: Arc<LateAudit>,
    /// Durable state.
    pub(crate) store: Arc<dyn Store>,
    /// Where the pepper and the keys of the ledger are read.
    pub(crate) own_secrets: Arc<Secrets>,
    /// Where all others are read and written, each reading recorded: the server's, by which its
    /// gateway goes, or made when it is needed first.
    pub(crate) secrets: OnceLock<Arc<Secrets>>,
    /// How they are read.
    pub(crate) secret_setup: SecretSetup,
    /// Where the pepper is.
    pub(crate) pepper: SecretRef,
    /// Where the keys are that sign the ledger; none when a service signs.
    pub(crate) ledger_key: Option<SecretRef>,
    /// How Instantly's own audit log is read and held against the ledger.
    pub(crate) instantly: InstantlyConfig,
    /// The data folder; `file:name` is relative to it.
    pub(crate) data_dir: PathBuf,
    /// Where the gateway is, when one runs in this process.
    pub(crate) gateway_url: Option<String>,
    /// The configuration in force.
    pub(crate) in_force: Box<dyn Fn() -> Context + Send + Sync>,
    /// Whether an emulated workspace may be called in plain text on other machines.
    pub(crate) plain_http: bool,
    /// Where approvals are decided.
    pub(crate) approvals: OpenApprovals,
    /// Where upstream keys are rotated.
    pub(crate) rotations: OpenRotations,
    /// The events that came in.
    pub(crate) events: LateEvents,
    /// Where alerts are raised.
    pub(crate) alerts: AlertDesk,
    /// Gives calls their turn, when a server runs in this process.
    pub(crate) pacing: Option<Pacing>,
    /// Tells how the server is doing, when one runs in this process.
    pub(crate) health: Option<HealthOf>,
    /// Tells whether calls can be taken, when a server runs in this process.
    pub(crate) ready: Option<ReadyOf>,
    /// Reads the configuration and the state again, when a server runs in this process.
    pub(crate) reload: Option<Box<dyn Fn() -> Result<Reloaded, AdminError> + Send + Sync>>,
    /// Done when whoever waits for something has to be answered: the server ends.
    pub(crate) ending: Ending,
    /// Where the relay is reached from outside, where that is configured.
    pub(crate) public_url: Option<String>,
    /// The relay, when one runs in this process.
    pub(crate) relay: Option<Arc<Relay>>,
    /// Told after each change, before it is answered: a server takes a new snapshot, so that what
    /// was answered holds from the next call on.
    pub(crate) changed: Box<dyn Fn() -> Result<(), AdminError> + Send + Sync>,
}

/// Carries administrative requests out.
pub(crate) struct Admin {
    pub(super) parts: AdminParts,
    /// Who is told of events as they come in.
    pub(super) followers: Followers,
    /// Runs of the checklist that are under way.
    pub(super) checks: Underway,
}

/// A request that can be carried out. Blocks: it is run where that does no harm.
pub(crate) trait Handle<C: Call> {
    /// Carries it out.
    ///
    /// # Errors
    /// Why not; nothing was changed then, unless it says so.
    fn handle(&self, call: C) -> Result<C::Answer, AdminError>;
}

impl Admin {
    /// An implementation over these parts.
    pub(crate) fn new(parts: AdminParts) -> Self {
        Self {
            parts,
            followers: Followers::default(),
            checks: Underway::default(),
        }
    }

    pub(super) fn store(&self) -> &dyn Store {
        self.parts.store.as_ref()
    }

    /// Where secrets are read and written, but for the pepper and the keys of the ledger.
    pub(super) fn secrets(&self) -> Result<Arc<Secrets>, AdminError> {
        if let Some(secrets) = self.parts.secrets.get() {
            return Ok(Arc::clone(secrets));
        }
        let audit = self.parts.audit.get()?;
        let made = Arc::new(recorded_secrets(&self.parts.secret_setup, &audit)?);
        Ok(Arc::clone(self.parts.secrets.get_or_init(|| made)))
    }

    pub(super) fn changed(&self) -> Result<(), AdminError> {
        (self.parts.changed)()
    }

    /// Has the relay take up sources and destinations as they are kept now.
    pub(super) fn relay_changed(&self) -> Result<(), AdminError> {
        match &self.parts.relay {
            Some(relay) => relay.load(),
            None => Ok(()),
        }
    }

    /// The relay that runs.
    pub(super) fn relay(&self) -> Result<&Arc<Relay>, AdminError> {
        self.parts.relay.as_ref().ok_or_else(|| {
            AdminError::usage(
                "no relay runs here: say where it listens as `listen` under [relay] in doorward.toml, and \
                 start the server",
            )
        })
    }

    /// The workspace that is named, or the only one there is.
    pub(super) fn workspace(&self, named: Option<&str>) -> Result<Workspace, AdminError> {
        if let Some(name) = named {
            return Ok(self.store().workspace(name)?);
        }
        let mut all = self.store().workspaces()?;
        match (all.pop(), all.len()) {
            (Some(only), 0) => Ok(only),
            (None, _) => Err(AdminError::failed(
                "there is no workspace yet; add one with `doorward workspace add NAME --key-from \
                 REF`",
            )),
            (Some(last), _) => {
                all.push(last);
                let names: Vec<&str> = all.iter().map(|each| each.name.as_str()).collect();
                Err(AdminError::usage(format_args!(
                    "there are several workspaces ({}); say which with --workspace",
                    names.join(", ")
                )))
            }
        }
    }

    /// The workspaces that are asked for.
    pub(super) fn workspaces(
        &self,
        of: &super::types::Scopeful,
    ) -> Result<Vec<Workspace>, AdminError> {
        if of.all {
            return Ok(self.store().workspaces()?);
        }
        match self.workspace(of.workspace.as_deref()) {
            Err(error) if error.usage && of.workspace.is_none() => Err(AdminError::usage(
                format_args!("{}, or take them all with --all-workspaces", error.message),
            )),
            found => Ok(vec![found?]),
        }
    }
}

/// The time now.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
}

impl Handle<AskReady> for Admin {
    fn handle(&self, _: AskReady) -> Result<Ready, AdminError> {
        match &self.parts.ready {
            Some(ready) => Ok(ready()),
            None => Err(AdminError::failed("no server runs that could be ready")),
        }
    }
}

impl Handle<BackupTake> for Admin {
    fn handle(&self, _: BackupTake) -> Result<(), AdminError> {
        Ok(())
    }
}

impl Handle<Reload> for Admin {
    fn handle(&self, _: Reload) -> Result<Reloaded, AdminError> {
        match &self.parts.reload {
            Some(reload) => {
                let reloaded = reload().inspect_err(|error| self.alert_refused(error))?;
                tracing::info!(
                    changed = ?reloaded.changed,
                    "the configuration, the state and the upstream keys were read again"
                );
                if !reloaded.restart_needed.is_empty() {
                    tracing::warn!(
                        settings = ?reloaded.restart_needed,
                        "these differ from what the server was started with, and need a restart"
                    );
                }
                Ok(reloaded)
            }
            None => Err(AdminError::failed("no server runs that could reload")),
        }
    }
}

impl Admin {
    /// Alerts that what is configured now is not in force.
    fn alert_refused(&self, error: &AdminError) {
        let lines = error.message.lines().take(3).map(str::trim);
        let why = lines.collect::<Vec<_>>().join(" ");
        let title = "a new configuration was refused";
        self.parts.alerts.tell(
            Alert::new(AlertKind::ConfigurationRefused, title, now())
                .text(
                    "What was in force stays, until the next start: that would fail. All faults: \
                     `doorward reload`, or the log.",
                )
                .fact("why", why),
        );
    }
}

impl Handle<Status> for Admin {
    fn handle(&self, _: Status) -> Result<ServerStatus, AdminError> {
        let workspaces = self.store().workspaces()?;
        let mut health = self.parts.health.as_ref().map(|health| health());
        if let Some(health) = &mut health {
            // Those that were removed have no pace to be told of.
            health.pace.workspaces.retain_mut(|pace| {
                let known = workspaces.iter().find(|known| known.id == pace.workspace);
                known.is_some_and(|known| {
                    pace.workspace.clone_from(&known.name);
                    true
                })
            });
            for owed in &mut health.owed {
                if let Some(known) = workspaces.iter().find(|known| known.id == owed.workspace) {
                    owed.workspace.clone_from(&known.name);
                }
            }
        }
        Ok(ServerStatus {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            gateway_url: self.parts.gateway_url.clone(),
            beyond: super::beyond::beyond(&self.store().clients(None)?, &workspaces, now()),
            health,
        })
    }
}
