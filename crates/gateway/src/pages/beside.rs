//! What the gateway serves beside the API: read-only pages on paths of their own.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

use bytes::Bytes;
use http::header::{ALLOW, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Response, StatusCode};

use crate::answers::answer::Answer;

/// What [`Beside::answer`] gives.
pub type BesideAnswer<'a> = Pin<Box<dyn Future<Output = Response<Bytes>> + Send + 'a>>;

/// Serves paths beside the API. Requests for them come through the same connections and bounds as
/// calls do, and are neither decided on nor recorded as such: who may see what is for the
/// implementation to say.
pub trait Beside: Send + Sync {
    /// Whether a path is served here. Asked for every request: to be answered at once.
    fn serves(&self, path: &str) -> bool;

    /// Answers a `GET` or `HEAD` for such a path; of a `HEAD` the body is left out by the caller.
    fn answer<'a>(&'a self, request: BesideRequest<'a>) -> BesideAnswer<'a>;
}

/// A request for a page, without a body.
#[derive(Debug, Clone, Copy)]
pub struct BesideRequest<'a> {
    /// `GET` or `HEAD`.
    pub method: &'a Method,
    /// The path as it was sent.
    pub path: &'a str,
    /// The query as it was sent.
    pub query: Option<&'a str>,
    /// All headers.
    pub headers: &'a HeaderMap,
    /// The other end of the connection.
    pub peer: SocketAddr,
}

/// Has a request for a page answered.
pub(crate) async fn answer(
    beside: &dyn Beside,
    parts: &Parts,
    peer: SocketAddr,
) -> Response<Answer> {
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        let mut response = Response::new(Answer::whole(Bytes::new()));
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        let methods = HeaderValue::from_static("GET, HEAD");
        response.headers_mut().insert(ALLOW, methods);
        return response;
    }
    let request = BesideRequest {
        method: &parts.method,
        path: parts.uri.path(),
        query: parts.uri.query(),
        headers: &parts.headers,
        peer,
    };
    beside.answer(request).await.map(Answer::whole)
}
