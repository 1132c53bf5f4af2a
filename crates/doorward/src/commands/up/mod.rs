//! `doorward up`: everything at once, against an emulated Instantly, kept in the data folder.

mod inbox;
mod provision;
mod show;
mod webhooks;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use self::inbox::Inbox;
use doorward_sandbox::{Running, Sandbox, SandboxError};
use ipnet::IpNet;
use tokio::net::TcpListener;

use super::sandbox::sandbox_failure;
use crate::admin::{Session, Status};
use crate::cli::Up;
use crate::config::LogConfig;
use crate::context::Context;
use crate::demo::Demo;
use crate::exit::{Exit, Failure, Outcome};
use crate::record::make_ledger_key;
use crate::secret::make_secret;
use crate::server::{Doors, Server, listen, open_store, relay_listener};
use crate::signals::Endings;

/// What the demo's sandbox is made from.
const SEED: u64 = 1;

/// Runs `doorward up`.
pub(crate) async fn run(context: &Context, up: &Up) -> Outcome {
    crate::log::begin(&LogConfig::quiet());
    let endings = Endings::listen()?;
    let data = &context.data_dir;
    data.make()?;
    data.make_secrets()?;
    refuse_second(context).await?;
    let context = &demo_context(context);
    let data = &context.data_dir;
    let had_store = data.store().exists();
    let store = open_store(context)?;
    // Under the store's lock, so that of two that begin at once one alone writes them.
    let mut demo = notes(context, had_store)?;

    let sandbox = sandbox(context, up, &demo).await?;
    let gateway = match gateway_listener(up, &demo).await {
        Ok(listener) => listener,
        Err(failure) => {
            stop(sandbox).await;
            return Err(failure);
        }
    };
    let started = start(context, &mut demo, store, &sandbox, gateway).await;
    let server = match started {
        Ok(server) => server,
        Err(failure) => {
            stop(sandbox).await;
            return Err(failure);
        }
    };
    let inbox = match port_or_free(demo.inbox_port).await.and_then(Inbox::start) {
        Ok(inbox) => inbox,
        Err(failure) => {
            stop(sandbox).await;
            return server.end().await.and(Err(failure));
        }
    };
    let shown = shown(context, &server, &sandbox, &mut demo, &inbox).await;
    // Nobody could read it: then nobody can use it either.
    let ran = match shown {
        Ok(()) => server.run(endings).await,
        Err(failure) => server.end().await.and(Err(failure)),
    };
    sandbox.shutdown().await.map_err(Failure::failed)?;
    ran?;
    Ok(Exit::Done)
}

/// Provisions the webhooks, and shows where everything is.
async fn shown(
    context: &Context,
    server: &Server,
    sandbox: &Running,
    demo: &mut Demo,
    inbox: &Inbox,
) -> Result<(), Failure> {
    let session = Session::open(context).await?;
    let relay_url = server.relay_url.as_deref().unwrap_or_default();
    let source_url = webhooks::provision(context, &session, relay_url, inbox).await?;
    demo.relay_port = port_of(relay_url);
    demo.inbox_port = port_of(inbox.url.trim_end_matches('/'));
    demo.write(&context.data_dir)?;
    let places = show::Places {
        gateway: &server.gateway_url,
        source: &source_url,
        inbox: &inbox.url,
    };
    show::show(context, &session, places, sandbox, demo).await
}

/// The demo's destination is on this machine, and its relay's address is a free one's.
fn demo_context(context: &Context) -> Context {
    let mut context = context.clone();
    let relay = &mut context.config.relay;
    relay.listen = None;
    relay.tls = None;
    let own = IpNet::from(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST));
    relay.allow_private.push(own);
    context
}

fn port_of(url: &str) -> Option<u16> {
    url.rsplit(':').next().and_then(|port| port.parse().ok())
}

/// A listener on the port of the last time, or on a free one.
async fn port_or_free(last: Option<u16>) -> Result<TcpListener, Failure> {
    if let Some(port) = last
        && let Ok(listener) = TcpListener::bind(here(port)).await
    {
        return Ok(listener);
    }
    listen(here(0)).await
}

async fn start(
    context: &Context,
    demo: &mut Demo,
    store: Arc<doorward_store::SqliteStore>,
    sandbox: &Running,
    gateway: TcpListener,
) -> Result<Server, Failure> {
    let secrets = context.secrets.open()?;
    make_secret(&secrets, &context.pepper()?)?;
    make_secret(&secrets, &context.audit_key()?)?;
    make_ledger_key(&secrets, &context.ledger_key()?)?;
    provision::provision(context, demo, &store, &sandbox.sandbox, &sandbox.url).await?;
    demo.gateway_port = gateway.local_addr().ok().map(|address| address.port());
    demo.sandbox_port = port_of(&sandbox.url);
    demo.write(&context.data_dir)?;
    let mut doors = Doors::open(context, store.as_ref()).await?;
    let relay = port_or_free(demo.relay_port).await?;
    doors.relay = Some(relay_listener(context, relay)?);
    doors.renew_relay(context)?;
    Server::start_with(context, store, gateway, doors)
}

/// Tells where it runs already; whoever comes at the very same moment meets the store's lock.
async fn refuse_second(context: &Context) -> Result<(), Failure> {
    let Some(running) = Session::running(context).await? else {
        return Ok(());
    };
    let status = running.call(Status {}).await?;
    Err(Failure::usage(format_args!(
        "Doorward runs on {} already (process {}), with its gateway at {}; use it, stop it, or \
         choose another folder with --data-dir",
        context.data_dir.path().display(),
        status.pid,
        status
            .gateway_url
            .as_deref()
            .unwrap_or("an unknown address"),
    )))
}

/// The demo's notes, made if there are none. A server's own data folder is not made a demo of.
fn notes(context: &Context, had_store: bool) -> Result<Demo, Failure> {
    let data = &context.data_dir;
    if let Some(demo) = Demo::read(data)? {
        return Ok(demo);
    }
    if had_store {
        return Err(Failure::usage(format_args!(
            "{} holds the state of `doorward serve`, which the demo must not touch; choose \
             another folder with --data-dir",
            data.path().display()
        )));
    }
    let demo = Demo::default();
    demo.write(data)?;
    Ok(demo)
}

async fn sandbox(context: &Context, up: &Up, demo: &Demo) -> Result<Running, Failure> {
    let state = context.data_dir.make_sandbox()?.join("state.json");
    let builder = Sandbox::builder().seed(SEED).state(state);
    let sandbox = builder.build().map_err(sandbox_failure)?;
    if let Some(address) = up.sandbox_listen {
        return sandbox
            .spawn(&address.to_string())
            .await
            .map_err(sandbox_failure);
    }
    let last = here(demo.sandbox_port.unwrap_or_default());
    match sandbox.clone().spawn(&last.to_string()).await {
        // The port of the last time is taken now.
        Err(SandboxError::Listen { .. }) if demo.sandbox_port.is_some() => sandbox
            .spawn(&here(0).to_string())
            .await
            .map_err(sandbox_failure),
        spawned => spawned.map_err(sandbox_failure),
    }
}

async fn gateway_listener(up: &Up, demo: &Demo) -> Result<TcpListener, Failure> {
    if let Some(address) = up.listen {
        return listen(address).await;
    }
    port_or_free(demo.gateway_port).await
}

fn here(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

async fn stop(sandbox: Running) {
    if let Err(error) = sandbox.shutdown().await {
        tracing::warn!(%error, "the sandbox's state could not be written");
    }
}
