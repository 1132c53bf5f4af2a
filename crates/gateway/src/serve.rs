//! Accepting connections, and letting them go.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::gateway::Gateway;
use crate::head_guard::HeadGuard;

/// Pause after the system refused a connection: out of file descriptors, say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Pause between two looks at what is still under way.
const DRAIN_STEP: Duration = Duration::from_millis(10);

/// Serves connections until `shutdown` is done, then takes no new ones, lets calls under way
/// finish for as long as [`Limits::drain`](crate::Limits) says, and returns.
///
/// # Errors
/// When the listener has no address any more.
pub async fn serve(
    listener: TcpListener,
    gateway: Gateway,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    listener.local_addr()?;
    let room = Arc::new(Semaphore::new(
        gateway.limits().connections.min(Semaphore::MAX_PERMITS),
    ));
    let (draining, drain) = watch::channel(false);
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = async {
            // A place first: whoever finds none waits in the listener's queue.
            let place = Arc::clone(&room).acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            (place, accepted) = accepted => match accepted {
                Ok((stream, peer)) => {
                    let connection = connection(stream, peer, gateway.clone(), drain.clone());
                    connections.spawn(async move {
                        connection.await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    let _ = draining.send(true);
    let drained = async {
        while connections.join_next().await.is_some() {}
        // Writes whose callers have gone have no connection.
        while gateway.writes_under_way() > 0 {
            tokio::time::sleep(DRAIN_STEP).await;
        }
    };
    if tokio::time::timeout(gateway.limits().drain, drained)
        .await
        .is_err()
    {
        tracing::warn!("calls still under way were cut off");
        connections.shutdown().await;
    }
    Ok(())
}

/// Serves the requests of one connection, one after the other.
async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    gateway: Gateway,
    mut drain: watch::Receiver<bool>,
) {
    // Answers are written in as few pieces as can be already.
    let _ = stream.set_nodelay(true);
    let limits = gateway.limits().clone();
    let (guarded, verdict) = HeadGuard::new(stream, limits.head_bytes, limits.headers);
    let service = service_fn(move |request| {
        // Now, not when the future is polled: then the verdict may be on the next request.
        let fault = verdict.fault();
        let gateway = gateway.clone();
        async move {
            Ok::<_, Infallible>(match fault {
                Some(fault) => gateway.refuse_head(fault, peer),
                None => gateway.handle(request, peer).await,
            })
        }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_read)
        .max_headers(limits.headers)
        .max_buf_size((2 * limits.head_bytes).max(64 * 1024));
    let mut serving = pin!(builder.serve_connection(TokioIo::new(guarded), service));
    let draining = async {
        // Nobody left to say so means the same.
        let _ = drain.wait_for(|draining| *draining).await;
    };
    tokio::select! {
        // Whether it ended well is in the record of its calls.
        _ = serving.as_mut() => {}
        () = draining => {
            serving.as_mut().graceful_shutdown();
            let _ = serving.await;
        }
    }
}
