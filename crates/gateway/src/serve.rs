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

use crate::crowd::{Crowd, Occupying, Seat};
use crate::gateway::Gateway;
use crate::head_guard::HeadGuard;
use crate::stall::Unstalled;

/// Pause after the system refused a connection: out of file descriptors, say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Pause before one more connection is asked to make place.
const ROOM_STEP: Duration = Duration::from_millis(20);
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
    let crowd = Crowd::default();
    let mut guest = None;
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if guest.is_none() => match accepted {
                Ok(accepted) => guest = Some(accepted),
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            place = Arc::clone(&room).acquire_owned(), if guest.is_some() => {
                let Some((stream, peer)) = guest.take() else { continue };
                let seat = crowd.enter();
                let connection = connection(stream, peer, gateway.clone(), drain.clone(), seat);
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            // One has come and there is no place for it.
            () = make_room(&crowd), if guest.is_some() => {}
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

/// Asks the connection that has waited longest to go, and gives it the time to.
async fn make_room(crowd: &Crowd) {
    crowd.make_room();
    tokio::time::sleep(ROOM_STEP).await;
}

/// Serves the requests of one connection, one after the other.
async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    gateway: Gateway,
    mut drain: watch::Receiver<bool>,
    seat: Arc<Seat>,
) {
    // Answers are written in as few pieces as can be already.
    let _ = stream.set_nodelay(true);
    let limits = gateway.limits().clone();
    let stream = Unstalled::new(stream, limits.response_idle);
    let (guarded, verdict) = HeadGuard::new(stream, limits.head_bytes, limits.headers);
    let asking = Arc::clone(&seat);
    let service = service_fn(move |request| {
        // Now, not when the future is polled: then the verdict may be on the next request.
        let fault = verdict.fault();
        let gateway = gateway.clone();
        let under_way = asking.ask();
        async move {
            let answer = match fault {
                Some(fault) => gateway.refuse_head(fault, peer),
                None => gateway.handle(request, peer).await,
            };
            Ok::<_, Infallible>(answer.map(|body| Occupying {
                body,
                _under_way: under_way,
            }))
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
        () = seat.left() => {}
        () = draining => {
            serving.as_mut().graceful_shutdown();
            let _ = serving.await;
        }
    }
}
