//! HTTP to services that are few and never hurry: witnesses, a signing service, receivers of batches
//! and alerts.
//!
//! Every call is bounded in time, and its answer in size; redirects are not followed. Plain http goes
//! to this machine alone.

use std::time::Duration;

use bytes::Bytes;
use doorward_catalog::reach::is_this_machine;
use http::{HeaderMap, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::error::{AuditError, Result};

/// Longest URL that is taken.
const URL_MAX: usize = 1024;

/// Where a service is: scheme, host and the beginning of the path.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address(String);

impl Address {
    /// `https://host[:port][/path]`; `http://` for an address of this machine alone.
    pub(crate) fn parse(text: &str, what: &'static str) -> Result<Self> {
        let fault = |why| AuditError::Setting { what, why };
        let form = "its URL is not https://host[:port][/path]";
        if text.len() > URL_MAX {
            return Err(fault("its URL is too long"));
        }
        let uri: Uri = text.parse().map_err(|_| fault(form))?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(fault(form));
        };
        if authority.as_str().contains('@') || uri.query().is_some() || text.contains('#') {
            return Err(fault("its URL must not hold a user, a query or a fragment"));
        }
        match scheme {
            "https" => {}
            "http" if is_this_machine(authority.host()) => {}
            "http" => {
                return Err(fault("plain http is for this machine alone: use https"));
            }
            _ => return Err(fault(form)),
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }

    /// Scheme, host and path, as in messages.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of `path`, which begins with a slash.
    pub(crate) fn at(&self, path: &str) -> std::result::Result<Uri, WebError> {
        format!("{}{path}", self.0)
            .parse()
            .map_err(|_| WebError::Request)
    }
}

/// Why a call has no answer. Holds nothing of the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WebError {
    /// It can't be asked for.
    #[error("the request can't be made")]
    Request,
    /// It did not answer in time.
    #[error("no answer within {0} s")]
    Late(u64),
    /// It can't be reached, or broke off.
    #[error("{0}")]
    Failed(String),
    /// The answer is larger than any right one.
    #[error("its answer is larger than {0} bytes")]
    TooLarge(usize),
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, whole.
    pub body: Bytes,
}

/// Pooled HTTP/1.1 over TLS.
#[derive(Clone)]
pub struct Web {
    pool: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    within: Duration,
    most: usize,
}

impl Web {
    /// Trusts the certificates that this machine trusts, or, when they are given, those in `trust`
    /// (PEM) alone. A call takes at most `within`, its answer at most `most` bytes.
    ///
    /// # Errors
    /// When there are no certificates, or they can't be read.
    pub fn new(trust: Option<&[u8]>, within: Duration, most: usize) -> Result<Self> {
        let fault = |why| AuditError::Setting { what: "TLS", why };
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_nodelay(true);
        let provider = rustls::crypto::ring::default_provider();
        let https = match trust {
            None => HttpsConnectorBuilder::new()
                .with_provider_and_native_roots(provider)
                .map_err(|_| fault("this machine has no trusted root certificates"))?,
            Some(pem) => {
                let mut roots = rustls::RootCertStore::empty();
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    let certificate = certificate
                        .map_err(|_| fault("the file of trusted certificates is not PEM"))?;
                    roots
                        .add(certificate)
                        .map_err(|_| fault("a trusted certificate can't be read"))?;
                }
                if roots.is_empty() {
                    return Err(fault("the file of trusted certificates holds none"));
                }
                let config = rustls::ClientConfig::builder_with_provider(provider.into())
                    .with_safe_default_protocol_versions()
                    .map_err(|_| fault("no version of TLS can be used"))?
                    .with_root_certificates(roots)
                    .with_no_client_auth();
                HttpsConnectorBuilder::new().with_tls_config(config)
            }
        };
        let https = https.https_or_http().enable_http1().wrap_connector(http);
        Ok(Self {
            pool: Client::builder(TokioExecutor::new()).build(https),
            within,
            most,
        })
    }

    /// Sends one request, once.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> std::result::Result<Answer, WebError> {
        let answer = async {
            let response = self
                .pool
                .request(request)
                .await
                .map_err(|error| WebError::Failed(chain(&error)))?;
            let status = response.status();
            let headers = response.headers().clone();
            let body = Limited::new(response.into_body(), self.most)
                .collect()
                .await
                .map_err(|error| {
                    if error.is::<http_body_util::LengthLimitError>() {
                        WebError::TooLarge(self.most)
                    } else {
                        WebError::Failed(chain(&*error))
                    }
                })?
                .to_bytes();
            Ok(Answer {
                status,
                headers,
                body,
            })
        };
        tokio::time::timeout(self.within, answer)
            .await
            .unwrap_or_else(|_| Err(WebError::Late(self.within.as_secs())))
    }
}

/// Where things are sent to: https, or plain http to this machine alone. A URL may hold a token, so
/// nothing of it is in the fault.
///
/// # Errors
/// Why it does not fit.
pub fn target(url: &str) -> std::result::Result<Uri, &'static str> {
    let form = "its URL is not https://host[:port][/path]";
    let uri: Uri = url.parse().map_err(|_| form)?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(form);
    };
    if authority.as_str().contains('@') {
        return Err("its URL must not hold a user");
    }
    match scheme {
        "https" => Ok(uri),
        "http" if is_this_machine(authority.host()) => Ok(uri),
        "http" => Err("plain http is for this machine alone: use https"),
        _ => Err(form),
    }
}

/// An error and what is behind it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_goes_to_this_machine_alone() {
        for good in [
            "https://witness.example",
            "https://witness.example:8443/w1/",
            "http://127.0.0.1:80/x",
            "http://[::1]:7380",
            "http://localhost:8200",
        ] {
            assert!(Address::parse(good, "it").is_ok(), "{good}");
        }
        for bad in [
            "http://witness.example",
            "http://localhost.example",
            "http://127.0.0.1.example",
            "https://user@witness.example",
            "https://witness.example?x=1",
            "https://witness.example/#x",
            "ftp://witness.example",
            "witness.example",
            "",
        ] {
            assert!(Address::parse(bad, "it").is_err(), "{bad}");
        }
        let address = Address::parse("https://w.example/a/", "it").unwrap();
        assert_eq!(address.at("/b").unwrap(), "https://w.example/a/b");
    }

    #[test]
    fn an_endpoint_is_reached_safely_or_not_at_all() {
        for good in [
            "https://siem.example/in?channel=a",
            "http://127.0.0.1:8080/",
            "http://[::1]:8080",
        ] {
            assert!(target(good).is_ok(), "{good}");
        }
        for bad in [
            "http://siem.example/",
            "https://user:word@siem.example/",
            "ftp://siem.example/",
            "siem.example",
            "/in",
            "",
        ] {
            assert!(target(bad).is_err(), "{bad}");
        }
    }
}
