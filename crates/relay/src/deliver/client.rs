//! The HTTP client of one destination: pooled HTTP/1.1, no redirect followed, everything bounded.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use doorward_catalog::reach::literal;
use http::Request;
use http::uri::Scheme;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::answer::{Answer, Missing};
use super::destination::{Destination, DestinationFault};
use super::reach::{Names, Reach, Resolver};

/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(20);
/// Most bytes of an answer's head.
const HEAD_MAX: usize = 64 << 10;
/// Most bytes of an answer's body that are read, and for how long at the most.
const READ_MAX: usize = 256 << 10;
const READ_FOR: Duration = Duration::from_secs(5);
/// Bytes of it that are handed on: what is kept, and as much as a secret that begins in it may have.
const KEPT: usize = 8 << 10;

/// Sends to one destination.
pub(super) struct Client {
    pool: Pool<HttpsConnector<HttpConnector<Resolver>>, Full<Bytes>>,
    timeout: Duration,
}

impl Client {
    /// Connections to a destination, none of which is made yet.
    pub(super) fn new(
        destination: &Destination,
        names: Arc<dyn Names>,
    ) -> Result<Self, DestinationFault> {
        let url = &destination.url;
        let tls = url.scheme() == Some(&Scheme::HTTPS);
        let host = url.host().filter(|host| !host.is_empty());
        let host = host.ok_or(DestinationFault::Url)?;
        let plain = url.scheme() == Some(&Scheme::HTTP);
        if !(tls || plain) || url.authority().is_some_and(|to| to.as_str().contains('@')) {
            return Err(DestinationFault::Url);
        }
        let reach = Reach::new(destination.allow.clone(), tls);
        // An address that stands there itself is asked of nobody, and is judged here.
        let address = literal(host);
        if host.starts_with('[') && address.is_none() {
            return Err(DestinationFault::Url);
        }
        if address.is_some_and(|address| !reach.admits(address)) {
            return Err(DestinationFault::Private);
        }
        let mut http = HttpConnector::new_with_resolver(Resolver::new(names, reach));
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(destination.timeout));
        let config = super::tls::config(tls, &destination.trust, destination.identity.as_ref())?;
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let pool = Pool::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(destination.concurrency)
            .http1_max_buf_size(HEAD_MAX)
            // Of a request that a closing connection did not take nothing was sent.
            .retry_canceled_requests(true)
            .build(https);
        Ok(Self {
            pool,
            timeout: destination.timeout,
        })
    }

    /// Sends one request, once, and gives what came of it: within the time that an attempt has.
    pub(super) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Answer, Missing> {
        let by = tokio::time::Instant::now() + self.timeout;
        let answer = tokio::time::timeout_at(by, self.pool.request(request)).await;
        let answer = answer
            .map_err(|_| Missing::Late)?
            .map_err(|error| missing(&error))?;
        let (head, body) = answer.into_parts();
        // The status says what became of the event; a body that does not end, or breaks off, does
        // not change that.
        let read_by = by.min(tokio::time::Instant::now() + READ_FOR);
        let mut kept = BytesMut::new();
        let _ = tokio::time::timeout_at(read_by, read(body, &mut kept)).await;
        Ok(Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: kept.freeze(),
        })
    }
}

/// Reads a body to its end, if that is near, so that the connection is of use again.
async fn read(mut body: Incoming, kept: &mut BytesMut) {
    let mut read = 0;
    while let Some(Ok(frame)) = body.frame().await {
        let Some(data) = frame.data_ref() else {
            continue;
        };
        read += data.len();
        let wanted = KEPT.saturating_sub(kept.len()).min(data.len());
        kept.extend_from_slice(data.get(..wanted).unwrap_or_default());
        if read > READ_MAX {
            return;
        }
    }
}

fn missing(error: &hyper_util::client::legacy::Error) -> Missing {
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(io) = cause.downcast_ref::<io::Error>()
            && io.kind() == io::ErrorKind::PermissionDenied
        {
            return Missing::KeptOut;
        }
        next = cause.source();
    }
    match error.is_connect() {
        true => Missing::Connect,
        false => Missing::Broken,
    }
}
