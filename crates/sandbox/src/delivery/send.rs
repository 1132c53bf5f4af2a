//! One try of a delivery, over HTTP or HTTPS.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Uri, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

use super::plan::Outcome;

/// Bytes of a receiver's answer that are read, so that its connection can be used again.
const ANSWER_MAX: usize = 64 * 1024;
/// Headers a subscription can't set: they belong to the connection or the body.
const OWN_HEADERS: [HeaderName; 5] = [
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::CONNECTION,
    header::UPGRADE,
];

type HttpsClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Makes tries.
#[derive(Debug, Default)]
pub(crate) struct Sender {
    client: OnceLock<Result<HttpsClient, String>>,
    /// Whom to trust instead of the machine's roots.
    roots: Vec<CertificateDer<'static>>,
}

/// Hosts that names are reserved for (RFC 2606): they take every delivery, or none, without a
/// network.
fn reserved(host: &str) -> Option<Result<u16, String>> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let within = |domain: &str| {
        host.strip_suffix(domain)
            .is_some_and(|before| before.is_empty() || before.ends_with('.'))
    };
    if ["example", "example.com", "example.org", "example.net"]
        .into_iter()
        .any(within)
    {
        return Some(Ok(200));
    }
    within("invalid").then(|| Err(format!("getaddrinfo ENOTFOUND {host}")))
}

impl Sender {
    pub(crate) fn trusting(roots: Vec<CertificateDer<'static>>) -> Sender {
        Sender {
            client: OnceLock::new(),
            roots,
        }
    }

    /// Sends a payload. No redirect is followed.
    pub(crate) async fn send(
        &self,
        url: &str,
        headers: &[(String, String)],
        payload: &Value,
        timeout: Duration,
    ) -> Outcome {
        let start = Instant::now();
        let answered = tokio::time::timeout(timeout, self.exchange(url, headers, payload));
        let answered = match answered.await {
            Ok(answered) => answered,
            Err(_) => Err(format!("timeout of {}ms exceeded", timeout.as_millis())),
        };
        let (status, error) = match answered {
            Ok(status) => (Some(status), None),
            Err(error) => (None, Some(error)),
        };
        Outcome {
            status,
            error,
            took_ms: u32::try_from(start.elapsed().as_millis()).unwrap_or(u32::MAX),
        }
    }

    async fn exchange(
        &self,
        url: &str,
        headers: &[(String, String)],
        payload: &Value,
    ) -> Result<u16, String> {
        let uri: Uri = url.parse().map_err(|_| "Invalid URL".to_owned())?;
        let host = uri.host().ok_or("Invalid URL")?;
        if let Some(known) = reserved(host) {
            return known;
        }
        let mut request = http::Request::new(Full::from(payload.to_string()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        let own = request.headers_mut();
        own.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        own.insert(
            header::USER_AGENT,
            HeaderValue::from_static("instantly-webhooks"),
        );
        for (name, value) in headers {
            // What is no header can't be sent; the API takes it all the same.
            let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value))
            else {
                continue;
            };
            if !OWN_HEADERS.contains(&name) {
                own.insert(name, value);
            }
        }
        let client = self.client.get_or_init(|| self.connect()).as_ref();
        let answer = client.map_err(Clone::clone)?.request(request).await;
        let answer = answer.map_err(|error| root_cause(&error))?;
        let status = answer.status().as_u16();
        // The status is the answer; what the body holds, or that it breaks off, changes nothing.
        let _read = Limited::new(answer.into_body(), ANSWER_MAX).collect().await;
        Ok(status)
    }

    fn connect(&self) -> Result<HttpsClient, String> {
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let config = if self.roots.is_empty() {
            // A machine without roots can still deliver over plain HTTP.
            match config.clone().with_native_roots() {
                Ok(config) => config.with_no_client_auth(),
                Err(_) => config
                    .with_root_certificates(RootCertStore::empty())
                    .with_no_client_auth(),
            }
        } else {
            let mut store = RootCertStore::empty();
            store.add_parsable_certificates(self.roots.iter().cloned());
            config.with_root_certificates(store).with_no_client_auth()
        };
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_or_http()
            .enable_http1()
            .build();
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_max_idle_per_host(8);
        Ok(client.build(connector))
    }
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_names_need_no_network() {
        for host in [
            "example.com",
            "a.b.example",
            "EXAMPLE.org.",
            "x.example.net",
        ] {
            assert_eq!(reserved(host), Some(Ok(200)), "{host}");
        }
        assert!(matches!(reserved("a.invalid"), Some(Err(_))));
        for host in [
            "127.0.0.1",
            "notexample.com",
            "example.com.evil.test",
            "localhost",
        ] {
            assert_eq!(reserved(host), None, "{host}");
        }
    }
}
