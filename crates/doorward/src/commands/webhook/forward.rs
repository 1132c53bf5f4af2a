//! Posting events to a program on this machine.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use doorward_catalog::reach::is_public;
use doorward_webhook::{Signer, WebhookSecret};
use http::header::{CONTENT_TYPE, HOST, LOCATION, USER_AGENT};
use http::{HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use secrecy::SecretString;
use serde::Serialize;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use crate::exit::Failure;
use crate::secret::random;

/// Most bytes of an answer that are looked at.
const ANSWER_MAX: usize = 4_096;
/// Most characters of an answer that are shown.
const SHOWN_MAX: usize = 200;

/// Where events are posted to, and what they are signed with.
pub(super) struct Forward {
    url: Uri,
    /// Found once: who answers for the name later is somebody else.
    addresses: Vec<SocketAddr>,
    signer: Signer,
    timeout: Duration,
}

/// What came of a post.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Posted {
    /// The status that was answered.
    pub(super) status: Option<u16>,
    /// Milliseconds until then.
    pub(super) millis: f64,
    /// What went wrong, or the beginning of an answer that was no success.
    pub(super) note: Option<String>,
}

impl Posted {
    /// Whether it was taken.
    pub(super) fn is_taken(&self) -> bool {
        self.status
            .is_some_and(|status| (200..300).contains(&status))
    }
}

impl Forward {
    /// To an address, signed with a new secret, which is given too.
    ///
    /// # Errors
    /// When the address is none, or not of this machine or a private network.
    pub(super) async fn to(text: &str, timeout: Duration) -> Result<(Self, SecretString), Failure> {
        let wrong = |why: &str| Failure::usage(format_args!("--forward-to: {why}"));
        let url: Uri = text
            .parse()
            .map_err(|_| wrong("it is no address; write one like http://localhost:3000/hooks"))?;
        let host = match (url.scheme_str(), url.authority(), url.host()) {
            (_, Some(authority), _) if authority.as_str().contains('@') => {
                return Err(wrong("it has a user in it"));
            }
            (Some("http"), Some(_), Some(host)) => host.trim_matches(['[', ']']),
            (Some("https"), ..) => {
                return Err(wrong(
                    "write http://: what listens on this machine is reached without TLS",
                ));
            }
            _ => return Err(wrong("write one like http://localhost:3000/hooks")),
        };
        let port = url.port_u16().unwrap_or(80);
        let found = lookup_host((host, port)).await.map_err(|error| {
            Failure::usage(format_args!("--forward-to: {host} is not found: {error}"))
        })?;
        let addresses: Vec<SocketAddr> = found.collect();
        if addresses.is_empty() || addresses.iter().any(|one| is_public(one.ip())) {
            return Err(wrong(
                "it is not of this machine or a private network; what is elsewhere is a destination: \
                 `doorward destination add`",
            ));
        }
        let secret = WebhookSecret::symmetric(&*random::<32>()?);
        let parsed = WebhookSecret::parse(&secret).map_err(Failure::failed)?;
        let forward = Self {
            url,
            addresses,
            signer: Signer::new(vec![parsed]).map_err(Failure::failed)?,
            timeout,
        };
        Ok((forward, secret))
    }

    /// Posts an event. What goes wrong is told in what comes of it.
    pub(super) async fn post(&self, id: &str, body: &str) -> Posted {
        let began = Instant::now();
        let posted = timeout(self.timeout, self.try_to(id, body)).await;
        let (status, note) = match posted {
            Ok(Ok((status, note))) => (Some(status), note),
            Ok(Err(error)) => (None, Some(error.to_string())),
            Err(_) => (
                None,
                Some(format!("no answer within {} s", self.timeout.as_secs())),
            ),
        };
        Posted {
            status,
            millis: began.elapsed().as_secs_f64() * 1_000.0,
            note,
        }
    }

    async fn try_to(&self, id: &str, body: &str) -> anyhow::Result<(u16, Option<String>)> {
        let mut connected = Err(std::io::Error::other("it has no address"));
        for address in &self.addresses {
            connected = TcpStream::connect(address).await;
            if connected.is_ok() {
                break;
            }
        }
        let stream =
            connected.map_err(|error| anyhow::anyhow!("nothing listens there: {error}"))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // Ends with the sender.
        let connection = tokio::spawn(connection);
        let path = self.url.path_and_query().map_or("/", |path| path.as_str());
        let authority = self.url.authority().map_or("", |host| host.as_str());
        let mut request = Request::post(path)
            .header(HOST, authority)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(
                USER_AGENT,
                concat!("doorward-listen/", env!("CARGO_PKG_VERSION")),
            );
        let seconds = crate::admin::now().millis().div_euclid(1_000);
        for (name, value) in self.signer.headers(id, seconds, body.as_bytes()) {
            request = request.header(name, value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body.as_bytes())))?;
        let response = sender.send_request(request).await?;
        let status = response.status();
        let to = response.headers().get(LOCATION).cloned();
        let note = if status.is_success() {
            None
        } else if status.is_redirection() && to.is_some() {
            Some("redirects are not followed".to_owned())
        } else {
            let body = Limited::new(response.into_body(), ANSWER_MAX).collect();
            let text = body.await.map(|body| body.to_bytes()).unwrap_or_default();
            let text = String::from_utf8_lossy(&text);
            Some(text.trim().chars().take(SHOWN_MAX).collect())
        };
        connection.abort();
        Ok((status.as_u16(), note.filter(|text| !text.is_empty())))
    }
}
