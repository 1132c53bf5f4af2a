//! The connections to one workspace's API that lie idle, and new ones where there is none.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use http::header::{HOST, HeaderValue};
use http::{Response, Uri};
use tokio::time::{Instant, sleep_until, timeout};
use tower_service::Service;

use crate::sending::connection::{Arriving, Connection, Lost, Outgoing};
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
    patience: Duration,
    idle: Mutex<Idle>,
}

#[derive(Default)]
struct Idle {
    /// Those given back last come last, and are used first.
    connections: Vec<(Box<Connection>, Instant)>,
    /// Whether somebody closes those that lie too long.
    swept: bool,
}

/// There is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreachable;

impl Pool {
    /// Connections to `base` by `connector`; `host` is what requests are addressed to. An answer may
    /// have so many headers; to connect, from the name to TLS, may take so long.
    pub(crate) fn new(
        connector: Connector,
        base: Uri,
        host: HeaderValue,
        headers: usize,
        patience: Duration,
    ) -> Self {
        Self {
            connector,
            base,
            host,
            headers,
            patience,
            idle: Mutex::default(),
        }
    }

    /// Sends a request, of which the URI is the target alone, and gives the answer once its head is
    /// there.
    pub(crate) async fn exchange(
        self: &Arc<Self>,
        mut connection: Box<Connection>,
        mut request: Outgoing,
    ) -> Result<Response<Arriving>, Lost> {
        request.headers_mut().insert(HOST, self.host.clone());
        let answer = connection.exchange(request).await?;
        let pool = Arc::clone(self);
        Ok(answer.map(|body| Arriving::new(body, connection, pool)))
    }

    /// A new connection.
    pub(crate) async fn connect(&self) -> Result<Box<Connection>, Unreachable> {
        let mut connector = self.connector.clone();
        let connecting = async {
            let stream = connector.call(self.base.clone()).await;
            let stream = stream.map_err(|_| Unreachable)?;
            let connection = Connection::begin(stream, self.headers).await;
            connection.map_err(|_| Unreachable)
        };
        let connection = timeout(self.patience, connecting).await;
        Ok(Box::new(connection.map_err(|_| Unreachable)??))
    }

    /// An idle connection that bears another request.
    pub(crate) fn take(&self) -> Option<Box<Connection>> {
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
