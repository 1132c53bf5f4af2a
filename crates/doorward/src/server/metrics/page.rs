//! `/metrics` at the gateway's address, for Prometheus.

use bytes::Bytes;
use doorward_gateway::{Beside, BesideAnswer, BesideRequest, LedgerAccess, bearer};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use ring::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use crate::prometheus::Text;
use crate::server::pages::Pages;

const PATH: &str = "/metrics";

/// Serves the metrics.
pub(in crate::server) struct MetricsPage {
    access: LedgerAccess,
    /// SHA-256 of the token.
    token: Option<Vec<u8>>,
    of: Pages,
}

impl MetricsPage {
    pub(in crate::server) fn new(
        access: LedgerAccess,
        token: Option<&SecretString>,
        of: Pages,
    ) -> Self {
        let hash = |token: &SecretString| sha256(token.expose_secret());
        Self {
            access,
            token: token.map(hash),
            of,
        }
    }

    fn page(&self, request: BesideRequest<'_>) -> Response<Bytes> {
        let presented = sha256(bearer(request.headers).unwrap_or_default());
        let known = self
            .token
            .as_ref()
            .is_some_and(|token| bool::from(token.ct_eq(&presented)));
        if self.access != LedgerAccess::Open && !known {
            let mut response = Response::new(Bytes::new());
            *response.status_mut() = StatusCode::UNAUTHORIZED;
            let bearer = HeaderValue::from_static("Bearer");
            response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
            return response;
        }
        let mut text = Text::default();
        (self.of.health)().metrics(&mut text);
        self.of.metrics.show(self.of.figures.now(), &mut text);
        let mut response = Response::new(Bytes::from(text.page()));
        let headers = response.headers_mut();
        let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
        headers.insert(CONTENT_TYPE, kind);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl Beside for MetricsPage {
    fn serves(&self, path: &str) -> bool {
        self.access != LedgerAccess::Off && path == PATH
    }

    fn answer<'a>(&'a self, request: BesideRequest<'a>) -> BesideAnswer<'a> {
        Box::pin(std::future::ready(self.page(request)))
    }
}

fn sha256(text: &str) -> Vec<u8> {
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}
