//! Accepting connections, and letting them go.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::clients::remembered::Remembered;
use crate::gateway::{Gateway, closing};
use crate::request::limits::USUAL_HEADERS;
use crate::wire::crowd::{Crowd, Occupying, Seat};
use crate::wire::frames::FrameGuard;
use crate::wire::head_guard::HeadGuard;
use crate::wire::http2;
use crate::wire::protocol::{self, Protocol};
use crate::wire::stall::Unstalled;
use crate::wire::tls::Tls;

/// Pause after the system refused a connection: out of file descriptors, say.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Pause before one more connection is asked to make place.
const ROOM_STEP: Duration = Duration::from_millis(20);
/// Pause between two looks at what is still under way.
const DRAIN_STEP: Duration = Duration::from_millis(10);
/// Bytes that are read at once before it is known what is spoken: most heads, whole.
const FIRST_READ: usize = 1024;

/// An address that connections come to.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    tls: Option<Tls>,
}

impl Listener {
    /// Without TLS: HTTP/1.1, and HTTP/2 by prior knowledge.
    pub fn plain(tcp: TcpListener) -> Self {
        Self { tcp, tls: None }
    }

    /// With TLS: HTTP/2 or HTTP/1.1, as the caller and ALPN have it.
    pub fn tls(tcp: TcpListener, tls: Tls) -> Self {
        Self {
            tcp,
            tls: Some(tls),
        }
    }
}

/// Serves connections of one listener without TLS, as [`serve_all`] does.
///
/// # Errors
/// When the listener has no address any more.
pub async fn serve(
    listener: TcpListener,
    gateway: Gateway,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_all(vec![Listener::plain(listener)], gateway, shutdown).await
}

/// Serves connections until `shutdown` is done, then takes no new ones, lets calls under way
/// finish for as long as [`Limits::drain`](crate::Limits) says, and returns. All listeners share
/// the room that there is for connections.
///
/// # Errors
/// When a listener has no address any more.
pub async fn serve_all(
    listeners: Vec<Listener>,
    gateway: Gateway,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    for listener in &listeners {
        listener.tcp.local_addr()?;
    }
    let room = Arc::new(Semaphore::new(
        gateway.limits().connections.min(Semaphore::MAX_PERMITS),
    ));
    let (draining, drain) = watch::channel(false);
    let mut connections = JoinSet::new();
    let crowd = Crowd::default();
    let mut guest = None;
    let mut turn = 0;
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
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
                    gateway: gateway.clone(),
                    drain: drain.clone(),
                    seat: crowd.enter(),
                };
                let counted = gateway.connection();
                connections.spawn(async move {
                    connection.run(stream, tls).await;
                    drop(counted);
                    drop(place);
                });
            }
            // One has come and there is no place for it.
            () = make_room(&crowd), if guest.is_some() => {}
        }
    }
    drop(listeners);
    let _ = draining.send(true);
    let drained = async {
        while connections.join_next().await.is_some() {}
        // Writes whose callers have gone have no connection.
        while gateway.writes_under_way() > 0 {
            tokio::time::sleep(DRAIN_STEP).await;
        }
    };
    if timeout(gateway.limits().drain, drained).await.is_err() {
        tracing::warn!("calls still under way were cut off");
        connections.shutdown().await;
    }
    Ok(())
}

/// The next connection of any listener. Each is asked first in its turn, so that a busy one keeps
/// no other waiting.
async fn accept(
    listeners: &[Listener],
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

/// One connection, whatever it speaks.
struct Connection {
    peer: SocketAddr,
    gateway: Gateway,
    drain: watch::Receiver<bool>,
    seat: Arc<Seat>,
}

impl Connection {
    async fn run(self, stream: TcpStream, tls: Option<Tls>) {
        // Answers are written in as few pieces as can be already.
        let _ = stream.set_nodelay(true);
        let stream = Unstalled::new(stream, self.gateway.limits().response_idle);
        let Some(tls) = tls else {
            return self.open(stream, None).await;
        };
        let shaken = self.until_told(TlsAcceptor::from(tls.config()).accept(stream));
        let Some(Ok(stream)) = shaken.await else {
            return;
        };
        let agreed = match stream.get_ref().1.alpn_protocol() {
            Some(b"h2") => Some(Protocol::Http2),
            Some(_) => Some(Protocol::Http1),
            None => None,
        };
        self.open(stream, agreed).await;
    }

    /// Serves what is spoken, by what was agreed or by its first bytes.
    async fn open<S>(self, mut stream: S, agreed: Option<Protocol>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut held = BytesMut::with_capacity(FIRST_READ);
        let protocol = match agreed {
            Some(protocol) => protocol,
            None => {
                let told = self.until_told(protocol::tell(&mut stream, &mut held));
                let Some(Ok(Some(protocol))) = told.await else {
                    return;
                };
                protocol
            }
        };
        match protocol {
            Protocol::Http1 => self.serve_http1(stream, held).await,
            Protocol::Http2 => {
                let guarded = FrameGuard::new(stream, held);
                http2::serve(guarded, self.peer, self.gateway, self.drain, self.seat).await;
            }
        }
    }

    /// What the caller does first, unless it takes too long or its place is wanted.
    async fn until_told<T>(&self, first: impl Future<Output = T>) -> Option<T> {
        let mut drain = self.drain.clone();
        tokio::select! {
            told = timeout(self.gateway.limits().head_read, first) => told.ok(),
            () = self.seat.left() => None,
            _ = drain.wait_for(|draining| *draining) => None,
        }
    }

    /// Serves the requests of one connection, one after the other.
    async fn serve_http1<S>(self, stream: S, held: BytesMut)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self {
            peer,
            gateway,
            mut drain,
            seat,
        } = self;
        let limits = gateway.limits().clone();
        let (guarded, verdict) = HeadGuard::new(stream, held, limits.head_bytes, limits.headers);
        let asking = Arc::clone(&seat);
        let remembered = Arc::<Remembered>::default();
        let service = service_fn(move |request| {
            // Now, not when the future is polled: then the verdict may be on the next request.
            let fault = verdict.fault();
            let gateway = gateway.clone();
            let under_way = asking.ask();
            let remembered = Arc::clone(&remembered);
            // Apart from the connection, which has room for it reserved else while it lies idle.
            Box::pin(async move {
                let answer = match fault {
                    Some(fault) => closing(gateway.refuse_head(fault, peer)),
                    None => gateway.handle_on(request, peer, &remembered).await,
                };
                Ok::<_, Infallible>(answer.map(|body| Occupying::new(body, under_way)))
            })
        });
        let mut builder = http1::Builder::new();
        builder
            .header_read_timeout(None)
            .max_buf_size((2 * limits.head_bytes).max(64 * 1024));
        // What the library has by itself costs less than the same when it is asked for.
        if limits.headers != USUAL_HEADERS {
            builder.max_headers(limits.headers);
        }
        let mut serving = pin!(builder.serve_connection(TokioIo::new(guarded), service));
        let draining = async {
            // Nobody left to say so means the same.
            let _ = drain.wait_for(|draining| *draining).await;
        };
        tokio::select! {
            biased;
            // Whether it ended well is in the record of its calls.
            _ = serving.as_mut() => {}
            () = seat.left() => {}
            // No whole head has come: one timer for all of them.
            () = seat.idle(limits.head_read) => {}
            () = draining => {
                serving.as_mut().graceful_shutdown();
                let _ = serving.await;
            }
        }
    }
}
