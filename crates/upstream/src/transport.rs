//! How one request gets there: hyper's pooled client over rustls, or whatever is put in its place.

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use http::{Request, Response, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tower_service::Service;

use crate::base::BaseUrl;
use crate::error::Error;
use crate::names::{Localhost, Public};

/// Any error.
type BoxError = Box<dyn StdError + Send + Sync>;
/// A response's body as it arrives.
pub type Body = UnsyncBoxBody<Bytes, BodyError>;

/// A response's body that broke off; why, without anything of the request.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct BodyError(pub String);

/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(60);

/// A request that got no response.
#[derive(Debug, Clone)]
pub struct Failure {
    /// Whether any of the request may have been sent. It decides whether a write's outcome is known.
    pub maybe_sent: bool,
    /// Why, without anything of the request.
    pub why: String,
}

/// Sends one request, once, and follows no redirect. The client's own sends over pooled HTTP/1.1
/// connections; another can be given to
/// [`ClientBuilder::transport`](crate::ClientBuilder::transport), such as an emulated API in the
/// same process. It sees the key in the `authorization` header.
pub trait Transport: Send + Sync {
    /// Sends the request; resolves when the response's head has arrived.
    fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> BoxFuture<'static, Result<Response<Body>, Failure>>;
}

/// The transport for a base URL.
///
/// # Errors
/// When no trusted root certificates can be read.
pub(crate) fn for_base(
    base: &BaseUrl,
    connect_timeout: Duration,
    public_only: bool,
) -> Result<Box<dyn Transport>, Error> {
    if base.is_plain() && !base.is_here() {
        return Ok(Box::new(HttpTransport::new(
            HttpConnector::new(),
            connect_timeout,
        )));
    }
    if base.is_plain() {
        let http = HttpConnector::new_with_resolver(Localhost);
        return Ok(Box::new(HttpTransport::new(http, connect_timeout)));
    }
    let mut http = HttpConnector::new_with_resolver(Public::when(public_only && !base.is_here()));
    http.enforce_http(false);
    http.set_nodelay(true);
    let https = HttpsConnectorBuilder::new()
        .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
        .map_err(|error| Error::Config {
            what: "TLS",
            why: format!("no trusted root certificates: {error}"),
        })?
        .https_only()
        .enable_http1()
        .wrap_connector(http);
    Ok(Box::new(HttpTransport::new(https, connect_timeout)))
}

/// Pooled HTTP/1.1 over a connector.
pub(crate) struct HttpTransport<C> {
    pool: Pool<Timed<C>, Full<Bytes>>,
}

impl<C> HttpTransport<C>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
    Timed<C>: Connect,
{
    pub(crate) fn new(connector: C, connect_timeout: Duration) -> HttpTransport<C> {
        let connector = Timed {
            inner: connector,
            limit: connect_timeout,
        };
        // A request that a closing connection did not take is sent on another: none of it was sent.
        HttpTransport {
            pool: Pool::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE)
                .retry_canceled_requests(true)
                .build(connector),
        }
    }
}

impl<C> Transport for HttpTransport<C>
where
    C: Clone + Send + Sync + 'static,
    Timed<C>: Connect + Clone + Send + Sync + 'static,
{
    fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> BoxFuture<'static, Result<Response<Body>, Failure>> {
        let answer = self.pool.request(request);
        async move {
            let response = answer.await.map_err(|error| Failure {
                maybe_sent: !(error.is_connect() || was_not_taken(&error)),
                why: chain(&error),
            })?;
            Ok(response.map(|body| body.map_err(|e| BodyError(chain(&e))).boxed_unsync()))
        }
        .boxed()
    }
}

/// hyper says `canceled` of a request that no connection took, and of no other.
fn was_not_taken(error: &(dyn StdError + 'static)) -> bool {
    error
        .source()
        .and_then(|source| source.downcast_ref::<hyper::Error>())
        .is_some_and(hyper::Error::is_canceled)
}

/// An error and what is behind it, in one line.
pub(crate) fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

/// A connector that gives up: name, TCP and TLS together are bounded.
#[derive(Clone)]
pub(crate) struct Timed<C> {
    inner: C,
    limit: Duration,
}

impl<C> Service<Uri> for Timed<C>
where
    C: Service<Uri>,
    C::Error: Into<BoxError>,
    C::Future: Send + 'static,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<C::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connecting = self.inner.call(to);
        let limit = self.limit;
        Box::pin(async move {
            match tokio::time::timeout(limit, connecting).await {
                Ok(connected) => connected.map_err(Into::into),
                Err(_) => Err(format!("no connection within {} s", limit.as_secs_f64()).into()),
            }
        })
    }
}
