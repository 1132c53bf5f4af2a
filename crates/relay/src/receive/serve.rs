//! Accepting connections, and letting them go.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use doorward_wire::crowd::{Crowd, Occupying, Seat};
use doorward_wire::head_guard::HeadGuard;
use doorward_wire::stall::Unstalled;
use doorward_wire::tls::Tls;
use http::header::{ALLOW, CONNECTION, HeaderValue, RETRY_AFTER, TRANSFER_ENCODING};
use http::{Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use ring::digest::{SHA256, digest};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_rustls::TlsAcceptor;

use super::door::{Answer, Door, Peer};

/// Pause after the system refused a connection: out of file descriptors, say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Pause before one more connection is asked to make place.
const ROOM_STEP: Duration = Duration::from_millis(20);
/// Headers that the library takes by itself.
const USUAL_HEADERS: usize = 100;
/// How often the observer is told what was counted.
const MINUTE: Duration = Duration::from_secs(60);

/// An address that deliveries come to: HTTP/1.1, with TLS or without.
#[derive(Debug)]
pub struct DoorListener {
    /// The socket.
    pub tcp: TcpListener,
    /// The certificate in force.
    pub tls: Option<Tls>,
}

/// Serves connections until `shutdown` is done, then takes no new ones, lets requests under way
/// finish for as long as the limits say, tells the observer the rest, and returns.
///
/// # Errors
/// When a listener has no address any more.
pub async fn serve_door(
    listeners: Vec<DoorListener>,
    door: Door,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    for listener in &listeners {
        listener.tcp.local_addr()?;
    }
    let most = door.limits().connections.min(Semaphore::MAX_PERMITS);
    let room = Arc::new(Semaphore::new(most));
    let (draining, drain) = watch::channel(false);
    let mut connections = JoinSet::new();
    let crowd = Crowd::default();
    let mut minutes = interval_at(Instant::now() + MINUTE, MINUTE);
    minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut guest = None;
    let mut turn = 0;
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            _ = minutes.tick() => door.tell_all(),
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = accept(&listeners, turn), if guest.is_none() => match accepted {
                Ok(accepted) => {
                    turn = turn.wrapping_add(1);
                    guest = Some(accepted);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            place = Arc::clone(&room).acquire_owned(), if guest.is_some() => {
                let Some((stream, peer, tls)) = guest.take() else { continue };
                let connection = Connection {
                    peer,
                    door: door.clone(),
                    drain: drain.clone(),
                    seat: crowd.enter(),
                };
                connections.spawn(async move {
                    connection.run(stream, tls).await;
                    drop(place);
                });
            }
            // One has come and there is no place for it.
            () = make_room(&crowd), if guest.is_some() => {}
        }
    }
    drop(listeners);
    let _ = draining.send(true);
    let drained = async { while connections.join_next().await.is_some() {} };
    if timeout(door.limits().drain, drained).await.is_err() {
        tracing::warn!("deliveries still under way were cut off");
        connections.shutdown().await;
    }
    door.tell_all();
    Ok(())
}

/// The next connection of any listener. Each is asked first in its turn.
async fn accept(
    listeners: &[DoorListener],
    turn: usize,
) -> io::Result<(TcpStream, SocketAddr, Option<Tls>)> {
    poll_fn(|cx| {
        for step in 0..listeners.len() {
            let at = turn.wrapping_add(step) % listeners.len();
            let Some(listener) = listeners.get(at) else {
                continue;
            };
            if let Poll::Ready(accepted) = listener.tcp.poll_accept(cx) {
                return Poll::Ready(
                    accepted.map(|(stream, peer)| (stream, peer, listener.tls.clone())),
                );
            }
        }
        Poll::Pending
    })
    .await
}

/// Asks the connection that has waited longest to go, and gives it the time to.
async fn make_room(crowd: &Crowd) {
    crowd.make_room();
    tokio::time::sleep(ROOM_STEP).await;
}

/// One connection.
struct Connection {
    peer: SocketAddr,
    door: Door,
    drain: watch::Receiver<bool>,
    seat: Arc<Seat>,
}

impl Connection {
    async fn run(self, stream: TcpStream, tls: Option<Tls>) {
        let _ = stream.set_nodelay(true);
        let stream = Unstalled::new(stream, self.door.limits().response_idle);
        let mut peer = Peer {
            address: self.peer.ip(),
            certificate: None,
        };
        let Some(tls) = tls else {
            return self.serve(stream, peer).await;
        };
        let shaken = {
            let mut drain = self.drain.clone();
            let shaking = TlsAcceptor::from(tls.config()).accept(stream);
            tokio::select! {
                shaken = timeout(self.door.limits().head_read, shaking) => shaken,
                () = self.seat.left() => return,
                _ = drain.wait_for(|draining| *draining) => return,
            }
        };
        let Ok(Ok(stream)) = shaken else { return };
        let certificates = stream.get_ref().1.peer_certificates();
        peer.certificate = certificates.and_then(<[_]>::first).and_then(|certificate| {
            let hash = digest(&SHA256, certificate);
            hash.as_ref().try_into().ok()
        });
        self.serve(stream, peer).await;
    }

    /// Serves the requests of one connection, one after the other.
    async fn serve<S>(self, stream: S, peer: Peer)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self {
            door,
            mut drain,
            seat,
            ..
        } = self;
        let limits = door.limits().clone();
        let held = BytesMut::new();
        let (guarded, verdict) = HeadGuard::new(stream, held, limits.head_bytes, limits.headers);
        let asking = Arc::clone(&seat);
        let service = service_fn(move |request: http::Request<hyper::body::Incoming>| {
            // Now, not when the future is polled: then the verdict may be on the next request.
            let fault = verdict.fault();
            let door = door.clone();
            let under_way = asking.ask();
            Box::pin(async move {
                let (head, body) = request.into_parts();
                // What follows a chunked body on the connection was not looked at.
                let last = head.headers.contains_key(TRANSFER_ENCODING);
                let answer = match fault {
                    Some(_) => Answer::Malformed,
                    None => door.answer(head, body, &peer).await,
                };
                let response = response(answer, last);
                Ok::<_, Infallible>(response.map(|body| Occupying::new(body, under_way)))
            })
        });
        let mut builder = http1::Builder::new();
        builder
            .header_read_timeout(None)
            .max_buf_size((2 * limits.head_bytes).max(64 * 1024));
        // What the library has by itself costs less, and the guard counted already.
        if limits.headers > USUAL_HEADERS {
            builder.max_headers(limits.headers);
        }
        let mut serving = pin!(builder.serve_connection(TokioIo::new(guarded), service));
        let draining = async {
            // Nobody left to say so means the same.
            let _ = drain.wait_for(|draining| *draining).await;
        };
        tokio::select! {
            biased;
            _ = serving.as_mut() => {}
            () = seat.left() => {}
            () = seat.idle(limits.head_read) => {}
            () = draining => {
                serving.as_mut().graceful_shutdown();
                let _ = serving.await;
            }
        }
    }
}

/// An answer as it is sent: a status, and nothing that says why. Whoever was refused is not listened
/// to any longer.
fn response(answer: Answer, last: bool) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = match answer {
        Answer::Taken => StatusCode::OK,
        Answer::Malformed => StatusCode::BAD_REQUEST,
        Answer::Unproved => StatusCode::UNAUTHORIZED,
        Answer::NotFound => StatusCode::NOT_FOUND,
        Answer::Method => StatusCode::METHOD_NOT_ALLOWED,
        Answer::Slow => StatusCode::REQUEST_TIMEOUT,
        Answer::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Answer::TooOften => StatusCode::TOO_MANY_REQUESTS,
        Answer::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let headers = response.headers_mut();
    match answer {
        Answer::Method => {
            headers.insert(ALLOW, HeaderValue::from_static("POST"));
        }
        Answer::Unavailable(seconds) => {
            headers.insert(RETRY_AFTER, HeaderValue::from(u16::from(seconds)));
        }
        Answer::TooOften => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("60"));
        }
        _ => {}
    }
    if last || answer != Answer::Taken {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}
