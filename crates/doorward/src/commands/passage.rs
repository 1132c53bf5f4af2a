//! The way through of one run: its proxy, what its command is told, and what is told of it.

use std::collections::HashSet;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use doorward_gateway::Tls;
use tokio::process::Command;
use tokio::sync::mpsc::Receiver;

use crate::admin::{Session, TunnelRefused, WorkspaceList, now};
use crate::ca::{Authority, INSTANTLY_HOST, Leaves};
use crate::caller::GatewayUrl;
use crate::cli::Run;
use crate::context::Context;
use crate::exit::Failure;
use crate::output::note;
use crate::through::{Allowed, Hosts, Proxy, Refused, Surroundings, Target, spoken_for};

/// Most hosts that are told of and recorded in one run.
const TOLD_MAX: usize = 100;

/// A proxy with all that leads to it. It ends when this is dropped.
pub(super) struct Passage {
    proxy: Proxy,
    refused: Receiver<Refused>,
    surroundings: Surroundings,
    told: HashSet<Refused>,
}

impl Passage {
    /// Opens one to the gateway.
    ///
    /// # Errors
    /// When the local authority, a port or a file can't be had.
    pub(super) async fn open(
        context: &Context,
        session: &Session,
        run: &Run,
        gateway: &GatewayUrl,
    ) -> Result<Self, Failure> {
        let workspaces = session.call(WorkspaceList {}).await?;
        let ours = spoken_for(
            workspaces
                .iter()
                .map(|workspace| workspace.base_url.as_str()),
        );
        let authority = Arc::new(Authority::open(&context.data_dir, &ours, now())?);
        let surroundings = Surroundings::prepare(&authority)?;
        let target = Target::new(gateway)?;
        let (host, port) = target.address();
        let mut allowed = run.allow.clone();
        // Programs that take the gateway's URL go to it by themselves.
        allowed.extend(Allowed::only(host, port));
        let leaves = Leaves::new(authority, ours.clone(), INSTANTLY_HOST);
        let tls = Tls::of_resolver(Arc::new(leaves)).map_err(Failure::failed)?;
        let hosts = Hosts {
            ours,
            allowed,
            all: run.allow_all,
        };
        let (proxy, refused) = Proxy::start(hosts, target, tls).await?;
        Ok(Self {
            proxy,
            refused,
            surroundings,
            told: HashSet::new(),
        })
    }

    /// Tells a command of it, by its environment.
    pub(super) fn surround(&self, command: &mut Command) {
        let options = std::env::var_os("NODE_OPTIONS");
        let url = self.proxy.url();
        for (name, value) in self.surroundings.variables(&url, options.as_deref()) {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
    }

    /// Waits for the command, and tells meanwhile where it may not go: on stderr and in the ledger,
    /// each host once.
    pub(super) async fn tell_while<T>(
        &mut self,
        session: &Session,
        client: &str,
        command: impl Future<Output = T>,
    ) -> T {
        let mut command = pin!(command);
        let ended = loop {
            tokio::select! {
                ended = &mut command => break ended,
                Some(refused) = self.refused.recv() => {
                    // The command is waited for all the while.
                    tokio::select! {
                        () = self.tell(session, client, refused) => {}
                        ended = &mut command => break ended,
                    }
                }
            }
        };
        while let Ok(refused) = self.refused.try_recv() {
            self.tell(session, client, refused).await;
        }
        ended
    }

    async fn tell(&mut self, session: &Session, client: &str, refused: Refused) {
        if self.told.len() >= TOLD_MAX || !self.told.insert(refused.clone()) {
            return;
        }
        let Refused { host, port } = refused;
        let allow = match port {
            443 => host.clone(),
            _ => format!("{host}:{port}"),
        };
        note(format_args!(
            "doorward: the command was kept from {host}:{port}; if it needs that, say --allow {allow}"
        ));
        let call = TunnelRefused {
            client: client.to_owned(),
            host,
            port,
        };
        if let Err(failure) = session.call(call).await {
            note(format_args!("doorward: that is not recorded: {failure}"));
        }
    }
}
