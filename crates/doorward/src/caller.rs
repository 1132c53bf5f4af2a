//! Calls through the gateway, as any client makes them.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use doorward_catalog::reach::is_this_machine;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, USER_AGENT};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::builderstates::WantsSchemes;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use crate::exit::Failure;

/// Most bytes of an answer.
const ANSWER_MAX: usize = 256 * 1024 * 1024;
/// Time for an answer.
const PATIENCE: Duration = Duration::from_secs(300);
/// Time to connect.
const CONNECT: Duration = Duration::from_secs(10);

/// Where a gateway is: scheme, host and port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GatewayUrl(Uri);

impl GatewayUrl {
    /// Reads a gateway's URL. `/api/v2` at its end is let pass, since that is how a base URL of the
    /// Instantly API is often written.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = |why: &str| {
            Failure::usage(format_args!(
                "the gateway's URL {why}; write it like http://127.0.0.1:4180"
            ))
        };
        let bare = text.trim_end_matches('/');
        let bare = bare.strip_suffix("/api/v2").unwrap_or(bare);
        let uri: Uri = bare.parse().map_err(|_| wrong("is no URL"))?;
        match uri.scheme_str() {
            Some("http" | "https") => {}
            _ => return Err(wrong("must start with http:// or https://")),
        }
        let plain = matches!(uri.path(), "" | "/") && uri.query().is_none();
        match uri.authority() {
            Some(authority) if plain && !authority.as_str().contains('@') => Ok(Self(uri)),
            _ => Err(wrong("must be scheme, host and port alone")),
        }
    }

    /// Its host, without brackets.
    pub(crate) fn host(&self) -> &str {
        self.0.host().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// Its port, when it is written.
    pub(crate) fn port(&self) -> Option<u16> {
        self.0.port_u16()
    }

    /// Whether it is reached by TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.0.scheme() == Some(&Scheme::HTTPS)
    }

    /// Whether only this machine reaches it.
    pub(crate) fn is_loopback(&self) -> bool {
        is_this_machine(self.host())
    }
}

impl std::fmt::Display for GatewayUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.to_string().trim_end_matches('/'))
    }
}

/// A call to make.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path_and_query: String,
    /// A body of JSON.
    pub(crate) body: Option<Bytes>,
    pub(crate) as_workspace: Option<String>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Calls a gateway with a client key.
pub(crate) struct Caller {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    url: GatewayUrl,
    authorization: HeaderValue,
}

impl Caller {
    /// A caller of the gateway at `url`.
    ///
    /// # Errors
    /// When the key can't be sent, or the system's certificates can't be read.
    pub(crate) fn new(url: GatewayUrl, key: &SecretString) -> Result<Self, Failure> {
        let mut authorization = HeaderValue::try_from(format!("Bearer {}", key.expose_secret()))
            .map_err(|_| Failure::usage("the client key has characters that no key has"))?;
        authorization.set_sensitive(true);
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(CONNECT));
        let connector = schemes(url.0.scheme() == Some(&Scheme::HTTPS))?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self {
            client,
            url,
            authorization,
        })
    }

    /// Makes a call.
    ///
    /// # Errors
    /// When it can't be made, or no answer comes.
    pub(crate) async fn call(&self, call: &Call) -> Result<Answer, Failure> {
        let request = self.request(call)?;
        let failed = |why: &dyn std::fmt::Display| {
            Failure::failed(format_args!(
                "the gateway at {} gave no answer: {why}; is it running?",
                self.url
            ))
        };
        let answered = timeout(PATIENCE, self.answer(request)).await;
        answered
            .map_err(|_| failed(&"it took longer than 300 s"))?
            .map_err(|error| failed(&chain(&*error)))
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> anyhow::Result<Answer, BoxError> {
        let (head, body) = self.client.request(request).await?.into_parts();
        let body = Limited::new(body, ANSWER_MAX).collect().await?.to_bytes();
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
        })
    }

    fn request(&self, call: &Call) -> Result<Request<Full<Bytes>>, Failure> {
        let wrong = |error: http::Error| {
            Failure::usage(format_args!(
                "this can't be sent: {error}; check path and query"
            ))
        };
        let path: PathAndQuery = call
            .path_and_query
            .parse()
            .map_err(|error: http::uri::InvalidUri| wrong(error.into()))?;
        let mut parts = self.url.0.clone().into_parts();
        parts.path_and_query = Some(path);
        let uri = Uri::from_parts(parts).map_err(|error| wrong(error.into()))?;
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(uri)
            .header(AUTHORIZATION, self.authorization.clone())
            .header(USER_AGENT, doorward_upstream::USER_AGENT);
        if let Some(id) = &call.as_workspace {
            request = request.header("x-as-workspace", id);
        }
        if call.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        request
            .body(Full::new(call.body.clone().unwrap_or_default()))
            .map_err(wrong)
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// TLS by the system's certificate authorities, which are read only when they are needed.
pub(crate) fn schemes(tls: bool) -> Result<HttpsConnectorBuilder<WantsSchemes>, Failure> {
    let provider = rustls::crypto::ring::default_provider();
    let builder = HttpsConnectorBuilder::new();
    if tls {
        return builder
            .with_provider_and_native_roots(provider)
            .map_err(|error| {
                Failure::failed(format_args!(
                    "the system's certificate authorities can't be read: {error}; install \
                 ca-certificates"
                ))
            });
    }
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .map_err(Failure::failed)?
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Ok(builder.with_tls_config(config))
}

/// An error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_url_is_an_origin() {
        for (text, shown) in [
            ("http://127.0.0.1:4180", "http://127.0.0.1:4180"),
            ("http://127.0.0.1:4180/", "http://127.0.0.1:4180"),
            (
                "https://doorward.example/api/v2",
                "https://doorward.example",
            ),
            (
                "https://doorward.example/api/v2/",
                "https://doorward.example",
            ),
            ("http://[::1]:9", "http://[::1]:9"),
        ] {
            assert_eq!(GatewayUrl::parse(text).unwrap().to_string(), shown);
        }
        for text in [
            "",
            "127.0.0.1:4180",
            "ftp://x",
            "http://a@b",
            "http://x/y",
            "http://x?y",
        ] {
            assert!(GatewayUrl::parse(text).is_err(), "{text}");
        }
        assert!(GatewayUrl::parse("http://[::1]:9").unwrap().is_loopback());
        assert!(
            !GatewayUrl::parse("http://doorward:9")
                .unwrap()
                .is_loopback()
        );
    }
}
