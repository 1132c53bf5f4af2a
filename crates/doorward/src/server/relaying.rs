//! The relay within the server: its listener, its tasks, its end.

use std::path::Path;
use std::sync::Arc;

use doorward_gateway::Tls;
use doorward_relay::EventStore;
use doorward_relay::receive::{DoorListener, serve_door};
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::address::{listen, url_of};
use super::alive::Alive;
use super::doors::read;
use super::{Stage, reached};
use crate::config::RelayTls;
use crate::context::Context;
use crate::exit::Failure;
use crate::relay::{Relay, RelayParts, tend, watch_subscriptions};

/// The relay of a server.
pub(super) struct Relaying {
    /// Where it is.
    pub(super) url: String,
    /// It.
    pub(super) relay: Arc<Relay>,
    serving: JoinHandle<()>,
    tasks: Vec<JoinHandle<()>>,
}

/// The relay's listener, where one is configured.
///
/// # Errors
/// When the address is not to be had, or a certificate is of no use.
pub(crate) async fn listener(context: &Context) -> Result<Option<DoorListener>, Failure> {
    let config = &context.config.relay;
    let Some(address) = config.listen else {
        return Ok(None);
    };
    let tcp = listen(address).await?;
    listener_on(context, tcp).map(Some)
}

/// The relay's listener on a socket.
///
/// # Errors
/// When a certificate is of no use.
pub(crate) fn listener_on(context: &Context, tcp: TcpListener) -> Result<DoorListener, Failure> {
    let tls = context.config.relay.tls.as_ref().map(certificate);
    Ok(DoorListener {
        tcp,
        tls: tls.transpose()?.map(Tls::new),
    })
}

pub(super) fn certificate(config: &RelayTls) -> Result<Arc<ServerConfig>, Failure> {
    let read = |path: &Path, secret| {
        read(path, secret)
            .map_err(|error| Failure::usage(format_args!("relay.tls: {}: {error}", path.display())))
    };
    let (chain, key) = (read(&config.cert, false)?, read(&config.key, true)?);
    let senders = config.client_ca.as_deref().map(|path| read(path, false));
    let senders = senders.transpose()?;
    let senders = senders.as_ref().map(|pem| pem.as_slice());
    Tls::of_pem_http1(&chain, &key, senders)
        .map_err(|error| Failure::usage(format_args!("relay.tls: {error}")))
}

impl Relaying {
    /// Starts it on a listener.
    ///
    /// # Errors
    /// When what is kept of sources and destinations can't be read.
    pub(super) fn start(
        parts: RelayParts,
        listener: DoorListener,
        stage: &watch::Receiver<Stage>,
        alive: &Alive,
    ) -> Result<Self, Failure> {
        let url = url_of(&listener.tcp)?;
        let url = match listener.tls {
            Some(_) => url.replacen("http://", "https://", 1),
            None => url,
        };
        let relay = Relay::new(parts)?;
        let door = relay.door();
        let shutdown = reached(stage.clone(), Stage::Draining);
        let serving = alive.spawn("the relay's door", async move {
            if let Err(error) = serve_door(vec![listener], door, shutdown).await {
                tracing::error!(%error, "the relay's door failed");
            }
        });
        let tasks = vec![
            alive.spawn("the relay", tend(Arc::clone(&relay))),
            alive.spawn("subscriptions", watch_subscriptions(Arc::clone(&relay))),
        ];
        Ok(Self {
            url,
            relay,
            serving,
            tasks,
        })
    }

    /// The events.
    pub(super) fn events(&self) -> Arc<EventStore> {
        Arc::clone(self.relay.events())
    }

    /// Waits until deliveries under way were taken in, and attempts under way have ended.
    pub(super) async fn end(self) {
        let _ = self.serving.await;
        for task in &self.tasks {
            task.abort();
        }
        for task in self.tasks {
            let _ = task.await;
        }
        self.relay.end().await;
    }
}
