//! The connections to one workspace's API that lie idle, and new ones where there is none.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use http::header::{HOST, HeaderValue};
use http::{Response, Uri};
use tokio::time::{Instant, sleep_until};
use tower_service::Service;

use crate::sending::connection::{Arriving, Connection, Outgoing};
use crate::sending::upstream::Connector;

/// Connections idle longer are closed, before the other side does so under a request.
const IDLE: Duration = Duration::from_secs(20);
/// Idle connections kept for a workspace: the calls of a second may well be at once.
const KEPT: usize = 100;

/// The connections to one base URL.
pub(crate) struct Pool {
    connector: Connector,
    base: Uri,
    host: HeaderValue,
    headers: usize,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// Those given back last come last, and are used first.
    connections: Vec<(Box<Connection>, Instant)>,
    /// Whether somebody closes those that lie too long.
    swept: bool,
}

/// Why a request was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// There is no connection.
    Unreachable,
    /// The connection broke before the answer's head.
    Broken,
}

impl Pool {
    /// Connections to `base` by `connector`; `host` is what requests are addressed to. An answer may
    /// have so many headers.
    pub(crate) fn new(connector: Connector, base: Uri, host: HeaderValue, headers: usize) -> Self {
        Self {
            connector,
            base,
            host,
            headers,
            idle: Mutex::default(),
        }
    }

    /// Sends a request, of which the URI is the target alone, and gives the answer once its head is
    /// there. A request that an idle connection did not bear, so that nothing of it was written, goes
    /// out on another.
    pub(crate) async fn send(
        self: &Arc<Self>,
        mut request: Outgoing,
    ) -> Result<Response<Arriving>, NoAnswer> {
        request.headers_mut().insert(HOST, self.host.clone());
        loop {
            let idle = self.take();
            let reused = idle.is_some();
            let mut connection = match idle {
                Some(connection) => connection,
                None => self.connect().await?,
            };
            let lost = match connection.exchange(request).await {
                Ok(answer) => {
                    let pool = Arc::clone(self);
                    return Ok(answer.map(|body| Arriving::new(body, connection, pool)));
                }
                Err(lost) => lost,
            };
            match lost.unsent {
                Some(unsent) if reused => request = *unsent,
                _ => return Err(NoAnswer::Broken),
            }
        }
    }

    async fn connect(&self) -> Result<Box<Connection>, NoAnswer> {
        let mut connector = self.connector.clone();
        let stream = connector.call(self.base.clone()).await;
        let stream = stream.map_err(|_| NoAnswer::Unreachable)?;
        let connection = Connection::begin(stream, self.headers).await;
        Ok(Box::new(connection.map_err(|_| NoAnswer::Unreachable)?))
    }

    /// An idle connection that bears another request.
    fn take(&self) -> Option<Box<Connection>> {
        loop {
            let (mut connection, since) = self.idle().connections.pop()?;
            if since.elapsed() < IDLE && connection.is_fit() {
                return Some(connection);
            }
        }
    }

    /// Takes a connection back whose answer has arrived.
    pub(crate) fn give_back(self: Arc<Self>, mut connection: Box<Connection>) {
        connection.rest();
        let mut idle = self.idle();
        if idle.connections.len() >= KEPT {
            return;
        }
        idle.connections.push((connection, Instant::now()));
        let swept = std::mem::replace(&mut idle.swept, true);
        drop(idle);
        if !swept {
            tokio::spawn(sweep(Arc::downgrade(&self)));
        }
    }

    /// Closes those that have been idle for too long. When to look again; `None` when none is left.
    fn close_old(&self, now: Instant) -> Option<Instant> {
        let mut idle = self.idle();
        let old = idle
            .connections
            .partition_point(|(_, since)| *since + IDLE <= now);
        let closed: Vec<_> = idle.connections.drain(..old).collect();
        let next = idle.connections.first().map(|(_, since)| *since + IDLE);
        idle.swept = next.is_some();
        drop(idle);
        drop(closed);
        next
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes connections that lie idle for too long, as long as there are any.
async fn sweep(pool: Weak<Pool>) {
    let mut next = Some(Instant::now() + IDLE);
    while let Some(at) = next {
        sleep_until(at).await;
        next = pool
            .upgrade()
            .and_then(|pool| pool.close_old(Instant::now()));
    }
}
