//! What the tests of the sandbox share: requests in process, and a receiver of webhooks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use doorward_sandbox::{Builder, Clock, Incoming, Outgoing, Sandbox, Settings};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// 2026-03-02T10:00:00Z.
pub(crate) const NOW: i64 = 1_772_445_600_000;

/// A builder whose clock stands still at [`NOW`].
pub(crate) fn builder() -> Builder {
    Sandbox::builder().seed(7).clock(Clock::frozen(NOW))
}

/// Its sandbox.
pub(crate) fn sandbox() -> Sandbox {
    builder().build().unwrap()
}

/// Its sandbox with other settings.
pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Sandbox {
    let mut settings = Settings::default();
    change(&mut settings);
    builder().settings(settings).build().unwrap()
}

/// The key of that name.
pub(crate) fn key(sandbox: &Sandbox, name: &str) -> String {
    let summary = sandbox.summary("");
    let mut keys = summary
        .workspaces
        .iter()
        .flat_map(|workspace| &workspace.keys);
    keys.find(|key| key.name == name).unwrap().key.clone()
}

/// The id of the workspace at a place.
pub(crate) fn workspace(sandbox: &Sandbox, place: usize) -> String {
    sandbox.summary("").workspaces[place].id.clone()
}

/// A request to be made.
pub(crate) struct Ask {
    incoming: Incoming,
}

/// A request with the widest key of the first workspace.
pub(crate) fn ask(sandbox: &Sandbox, method: &str, target: &str) -> Ask {
    bare(method, target).key(&key(sandbox, "full-automation"))
}

/// A request with no header at all.
pub(crate) fn bare(method: &str, target: &str) -> Ask {
    Ask {
        incoming: Incoming {
            method: method.to_owned(),
            target: target.to_owned(),
            address: "127.0.0.1".to_owned(),
            ..Incoming::default()
        },
    }
}

impl Ask {
    pub(crate) fn key(self, key: &str) -> Ask {
        self.header("authorization", &format!("Bearer {key}"))
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Ask {
        let name: HeaderName = name.parse().unwrap();
        let value = HeaderValue::from_str(value).unwrap();
        self.incoming.headers.insert(name, value);
        self
    }

    pub(crate) fn bytes(mut self, body: impl Into<Bytes>) -> Ask {
        self.incoming.body = body.into();
        self
    }

    pub(crate) fn json(self, body: &Value) -> Ask {
        self.header("content-type", "application/json")
            .bytes(body.to_string())
    }

    pub(crate) async fn send(self, sandbox: &Sandbox) -> Outgoing {
        sandbox.handle(self.incoming).await
    }
}

/// A GET with the widest key: status and body.
pub(crate) async fn get(sandbox: &Sandbox, target: &str) -> (u16, Value) {
    let answer = ask(sandbox, "GET", target).send(sandbox).await;
    (answer.status, answer.value())
}

/// Another method with the widest key, and a body unless it is null: status and body.
pub(crate) async fn call(
    sandbox: &Sandbox,
    method: &str,
    target: &str,
    body: Value,
) -> (u16, Value) {
    let mut asked = ask(sandbox, method, target);
    if !body.is_null() {
        asked = asked.json(&body);
    }
    let answer = asked.send(sandbox).await;
    (answer.status, answer.value())
}

/// A delivery as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Arrived {
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Value,
}

/// A receiver of webhooks.
pub(crate) struct Receiver {
    pub(crate) url: String,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    /// The status it answers with.
    pub(crate) status: Arc<Mutex<u16>>,
}

impl Receiver {
    pub(crate) async fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        Receiver::accepting(listener, url, None)
    }

    /// One that speaks TLS, and its certificate.
    pub(crate) async fn start_tls() -> (Receiver, CertificateDer<'static>) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!(
            "https://localhost:{}/hook",
            listener.local_addr().unwrap().port()
        );
        let tls = TlsAcceptor::from(Arc::new(config));
        (Receiver::accepting(listener, url, Some(tls)), certificate)
    }

    fn accepting(listener: TcpListener, url: String, tls: Option<TlsAcceptor>) -> Receiver {
        let arrived: Arc<Mutex<Vec<Arrived>>> = Arc::default();
        let status = Arc::new(Mutex::new(200));
        let (keep, answer) = (Arc::clone(&arrived), Arc::clone(&status));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (keep, answer, tls) = (Arc::clone(&keep), Arc::clone(&answer), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => receive(stream, keep, answer).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                receive(stream, keep, answer).await;
                            }
                        }
                    }
                });
            }
        });
        Receiver {
            url,
            arrived,
            status,
        }
    }

    pub(crate) fn answer(&self, status: u16) {
        *self.status.lock().unwrap() = status;
    }

    pub(crate) fn count(&self) -> usize {
        self.arrived.lock().unwrap().len()
    }

    pub(crate) fn take(&self) -> Vec<Arrived> {
        std::mem::take(&mut *self.arrived.lock().unwrap())
    }

    /// Waits until so many deliveries have arrived, and takes them.
    pub(crate) async fn wait(&self, count: usize) -> Vec<Arrived> {
        until(|| self.count() >= count).await;
        self.take()
    }
}

/// Takes what comes on a connection.
async fn receive(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    keep: Arc<Mutex<Vec<Arrived>>>,
    answer: Arc<Mutex<u16>>,
) {
    let service = service_fn(|request: http::Request<hyper::body::Incoming>| {
        let (keep, answer) = (Arc::clone(&keep), Arc::clone(&answer));
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            keep.lock().unwrap().push(Arrived {
                headers: head.headers,
                payload: serde_json::from_slice(&body).unwrap(),
            });
            let mut response = http::Response::new(Full::new(Bytes::new()));
            *response.status_mut() = StatusCode::from_u16(*answer.lock().unwrap()).unwrap();
            Ok::<_, hyper::Error>(response)
        }
    });
    // How a sender ends a connection is its own affair.
    let _ended = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// The items of a page.
pub(crate) fn items(page: &Value) -> &Vec<Value> {
    page["items"].as_array().unwrap()
}

/// Waits for what other tasks bring about; panics when it does not come.
pub(crate) async fn until(mut done: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it did not come about");
}

/// Waits until no delivery waits or is under way.
pub(crate) async fn delivered(sandbox: &Sandbox) {
    until(|| sandbox.control("GET", "/_sandbox/deliveries", b"").value()["pending"] == 0).await;
}

/// The content type of an answer.
pub(crate) fn content_type(answer: &Outgoing) -> &str {
    answer.headers[header::CONTENT_TYPE].to_str().unwrap()
}
