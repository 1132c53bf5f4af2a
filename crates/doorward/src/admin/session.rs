//! How a command reaches the state: through a running server, or by itself.

use std::sync::{Arc, OnceLock};

use doorward_store::{SqliteStore, Store, StoreError};
use tokio::task::spawn_blocking;

use super::carry::{self, Who};
use super::deeds::Acts;
use super::error::AdminError;
use super::service::{Admin, AdminParts, Handle};
use super::socket::SocketClient;
use crate::alerts::AlertDesk;
use crate::consumers::{Consumers, Outsiders};
use crate::context::Context;
use crate::exit::Failure;
use crate::record::{LateAudit, Take, open_record};
use crate::relay::LateEvents;
use crate::rotation::{NoGate, Parts, Rotations};

/// Who carries requests out.
pub(crate) enum Session {
    /// A server that runs on the data folder.
    Server(SocketClient),
    /// This process, with the store open under its lock.
    Local(Arc<Admin>),
}

impl Session {
    /// Asks the server that runs on the data folder, or opens the store when there is none.
    ///
    /// # Errors
    /// When there is no data folder, or the store is held by a process that answers on no socket.
    pub(crate) async fn open(context: &Context) -> Result<Self, Failure> {
        let data = &context.data_dir;
        if !data.exists() {
            return Err(Failure::usage(format_args!(
                "there is no data folder {}; make one with `doorward init` or try `doorward up`, \
                 or say where it is with --data-dir",
                data.path().display()
            )));
        }
        if let Some(server) = Self::running(context).await? {
            return Ok(server);
        }
        data.check_own()?;
        let store = SqliteStore::open(&data.store()).map_err(|error| match error {
            StoreError::Locked { pid, .. } => Failure::usage(format_args!(
                "{} is in use by {}, which has no admin socket; wait until it is ready or has \
                 ended, or stop it",
                data.path().display(),
                pid.map_or_else(
                    || "another process".to_owned(),
                    |pid| format!("process {pid}")
                )
            )),
            error => AdminError::from(error).into(),
        })?;
        let store: Arc<dyn Store> = Arc::new(store);
        let audit = {
            let (context, store) = (context.clone(), Arc::clone(&store));
            Arc::new(LateAudit::later(move || {
                let audit = open_record(&context, Arc::clone(&store), Take::Own);
                audit
                    .map(|(audit, _)| Arc::new(audit))
                    .map_err(AdminError::from)
            }))
        };
        let secrets = Arc::new(context.secrets.open()?);
        let rotations = Rotations::new(Parts {
            store: Arc::clone(&store),
            secrets: Arc::clone(&secrets),
            audit: {
                let audit = Arc::clone(&audit);
                Box::new(move || audit.get())
            },
            alerts: AlertDesk::alone(context),
            pacing: None,
            plain_http: context.config.gateway.plain_http,
            seconds: context.config.rotation.seconds,
            overlap: context.config.rotation.overlap.into(),
            gate: Arc::new(NoGate),
            outside: Arc::new(Outsiders::new(
                Consumers::new(context, Arc::clone(&secrets)),
                Arc::clone(&store),
                AlertDesk::alone(context),
                {
                    let audit = Arc::clone(&audit);
                    Arc::new(move || audit.get())
                },
            )),
        });
        let approvals = {
            let (context, store) = (context.clone(), Arc::clone(&store));
            Box::new(move || {
                let desk = crate::approvals::open(&context, Arc::clone(&store));
                desk.map(Arc::new).map_err(AdminError::from)
            })
        };
        Ok(Self::Local(Arc::new(Admin::new(AdminParts {
            audit,
            store,
            own_secrets: secrets,
            secrets: OnceLock::new(),
            secret_setup: context.secrets.clone(),
            pepper: context.pepper()?,
            ledger_key: context.own_ledger_key()?,
            instantly: context.config.instantly.clone(),
            data_dir: data.path().to_owned(),
            in_force: {
                let context = context.clone();
                Box::new(move || context.clone())
            },
            plain_http: context.config.gateway.plain_http,
            gateway_url: None,
            alerts: AlertDesk::alone(context),
            approvals,
            rotations: Box::new(move || Ok(rotations.clone())),
            events: LateEvents::later(context),
            ending: Box::new(|| Box::pin(std::future::pending())),
            pacing: None,
            health: None,
            ready: None,
            reload: None,
            public_url: context.config.relay.public_url.clone(),
            relay: None,
            changed: Box::new(|| Ok(())),
        }))))
    }

    /// The server that runs on the data folder, if one does.
    ///
    /// # Errors
    /// When there is one and it may not be asked, or the folder is another user's; when there is
    /// none, and the configuration is faulty.
    pub(crate) async fn running(context: &Context) -> Result<Option<Self>, Failure> {
        context.data_dir.check()?;
        let socket = context.data_dir.admin_socket()?;
        let found = SocketClient::find(&socket).await?;
        match &found {
            Some(_) => context.warn_of_fault(),
            None => context.sound()?,
        }
        Ok(found.map(Self::Server))
    }

    /// Whether a server carries requests out.
    pub(crate) fn is_server(&self) -> bool {
        matches!(self, Self::Server(_))
    }

    /// Carries a request out.
    ///
    /// # Errors
    /// As the request says.
    pub(crate) async fn call<C: Acts>(&self, call: C) -> Result<C::Answer, Failure>
    where
        Admin: Handle<C>,
    {
        let outcome = match self {
            Self::Server(server) => server.call(&call).await,
            Self::Local(admin) => {
                let admin = Arc::clone(admin);
                let token = carry::token().map_err(AdminError::usage)?;
                let done =
                    spawn_blocking(move || admin.carry_out(call, &Who::here().presenting(token)))
                        .await;
                done.map_err(|_| AdminError::lost("this is a fault of Doorward; please report it"))
                    .flatten()
            }
        };
        Ok(outcome?)
    }
}
