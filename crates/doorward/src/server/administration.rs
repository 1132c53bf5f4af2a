//! How the running server is administered: what requests are carried out with, and SIGHUP.

use std::sync::{Arc, OnceLock};

use doorward_gateway::ApprovalDesk;
use doorward_secrets::Secrets;
use doorward_store::Store;
use tokio::sync::watch;

use super::pages::Pages;
use super::relaying::Relaying;
use super::reload::Reloader;
use super::settings::Settings;
use super::{Stage, reached};
use crate::admin::{Admin, AdminError, AdminParts, Reload, Reloaded, Who};
use crate::alerts::AlertDesk;
use crate::context::Context;
use crate::exit::Failure;
use crate::record::LateAudit;
use crate::relay::LateEvents;
use crate::rotation::Rotations;
use crate::signals::hang_ups;

/// Administration of the running server.
///
/// # Errors
/// When the configuration has a reference that is none.
pub(super) fn admin(
    context: &Context,
    pages: &Pages,
    store: &Arc<dyn Store>,
    (reloader, settings, stage): (&Arc<Reloader>, Arc<Settings>, watch::Receiver<Stage>),
    gateway_url: &str,
    (alerts, approvals, rotations): (AlertDesk, Arc<ApprovalDesk>, Rotations),
    (own_secrets, secrets, relaying): (Arc<Secrets>, Arc<Secrets>, Option<&Relaying>),
) -> Result<Arc<Admin>, Failure> {
    let reloader = Arc::clone(reloader);
    let again = Arc::clone(&reloader);
    let in_force = Arc::clone(&settings);
    let readiness = Arc::clone(&pages.readiness);
    Ok(Arc::new(Admin::new(AdminParts {
        audit: Arc::new(LateAudit::opened(Arc::clone(&pages.record))),
        store: Arc::clone(store),
        own_secrets,
        secrets: OnceLock::from(secrets),
        secret_setup: context.secrets.clone(),
        pepper: context.pepper()?,
        ledger_key: context.own_ledger_key()?,
        instantly: context.config.instantly.clone(),
        data_dir: context.data_dir.path().to_owned(),
        in_force: Box::new(move || in_force.in_force(Context::clone)),
        plain_http: context.config.gateway.plain_http,
        gateway_url: Some(gateway_url.to_owned()),
        alerts,
        approvals: Box::new(move || Ok(Arc::clone(&approvals))),
        rotations: Box::new(move || Ok(rotations.clone())),
        events: match relaying {
            Some(relaying) => {
                let events = relaying.events();
                LateEvents::of(move || Ok(Some(Arc::clone(&events))))
            }
            None => LateEvents::later(context),
        },
        ending: Box::new(move || Box::pin(reached(stage.clone(), Stage::Ending))),
        pacing: Some(pages.pacing.clone()),
        health: Some(Arc::clone(&pages.health)),
        ready: Some(Arc::new(move || readiness.now())),
        reload: Some(Box::new(move || {
            let mut unread = Vec::new();
            let reloaded = settings.reload(|| {
                unread = again.read_again()?;
                Ok::<(), AdminError>(())
            })?;
            Ok(Reloaded { unread, ..reloaded })
        })),
        public_url: context.config.relay.public_url.clone(),
        relay: relaying.map(|relaying| Arc::clone(&relaying.relay)),
        changed: Box::new(move || {
            reloader.reload().map_err(|failure| {
                AdminError::failed(format_args!(
                    "it was done, but the server goes on with the state before it: {failure}; \
                     restart it"
                ))
            })
        }),
    })))
}

/// Reads configuration and state again on SIGHUP, as `doorward reload` does.
///
/// # Errors
/// When the system lets nobody listen.
pub(super) fn reload_on_hang_up(
    admin: Arc<Admin>,
) -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let mut hang_ups = hang_ups()?;
    Ok(async move {
        while hang_ups.recv().await.is_some() {
            let admin = Arc::clone(&admin);
            let reload = move || admin.carry_out(Reload {}, &Who::here());
            match tokio::task::spawn_blocking(reload).await {
                Ok(Ok(_)) => {}
                Ok(Err(error)) => tracing::error!(%error, "what was in force stays"),
                Err(error) => tracing::error!(%error, "reading the configuration again failed"),
            }
        }
    })
}
