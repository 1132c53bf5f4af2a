//! TLS at the door.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use doorward_gateway::{Limits, Tls};
use doorward_policy::Grant;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::door::{Door, Setup};
use crate::upstream::Upstream;

const LONG: Duration = Duration::from_secs(10);

struct Made {
    chain: String,
    key: String,
    der: CertificateDer<'static>,
}

fn make() -> Made {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["door".to_owned()]).unwrap();
    Made {
        chain: cert.pem(),
        key: signing_key.serialize_pem(),
        der: cert.der().clone(),
    }
}

impl Made {
    fn config(&self) -> Arc<rustls::ServerConfig> {
        Tls::of_pem(self.chain.as_bytes(), self.key.as_bytes()).unwrap()
    }
}

async fn open(tls: &Tls, limits: Limits) -> (Upstream, Door, String) {
    let upstream = Upstream::plain().await;
    let setup = Setup {
        limits,
        tls: Some(tls.clone()),
        ..Setup::default()
    };
    let mut door = Door::open_with(&upstream, setup).await;
    let key = door.client("reader", Grant::for_use_case("analytics-dashboard"));
    (upstream, door, key)
}

async fn connect(
    door: &Door,
    trusts: &Made,
    alpn: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(trusts.der.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(door.address).await.unwrap();
    let name = ServerName::try_from("door").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

fn asked(key: &str) -> http::Request<Empty<Bytes>> {
    http::Request::get("https://door/api/v2/campaigns")
        .header("authorization", format!("Bearer {key}"))
        .body(Empty::new())
        .unwrap()
}

#[tokio::test]
async fn both_protocols_are_spoken_within() {
    let made = make();
    let (upstream, door, key) = open(&Tls::new(made.config()), Limits::default()).await;
    let stream = connect(&door, &made, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut send, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    let answer = send.send_request(asked(&key)).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(
        !answer
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .is_empty()
    );

    for alpn in [&["http/1.1"][..], &[]] {
        let mut stream = connect(&door, &made, alpn).await.unwrap();
        let text =
            crate::door::request("GET", "/api/v2/campaigns", &key, &["Connection: close"], "");
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    assert_eq!(upstream.seen().len(), 3);
}

#[tokio::test]
async fn a_new_certificate_is_seen_by_new_connections() {
    let (old, new) = (make(), make());
    let tls = Tls::new(old.config());
    let (_upstream, door, key) = open(&tls, Limits::default()).await;
    let stream = connect(&door, &old, &["h2"]).await.unwrap();
    let (mut send, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream))
            .await
            .unwrap();
    tokio::spawn(connection);
    tls.swap(new.config());
    assert!(connect(&door, &old, &[]).await.is_err());
    assert!(connect(&door, &new, &[]).await.is_ok());
    let answer = send.send_request(asked(&key)).await.unwrap();
    assert_eq!(answer.status(), 200, "the open connection goes on");
}

#[tokio::test]
async fn who_never_shakes_hands_is_let_go() {
    let limits = Limits {
        head_read: Duration::from_millis(100),
        ..Limits::default()
    };
    let (_upstream, door, _) = open(&Tls::new(make().config()), limits).await;
    for begin in [
        &b""[..],
        b"\x16\x03\x01\x02",
        b"GET / HTTP/1.1\r\nHost: door\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(door.address).await.unwrap();
        stream.write_all(begin).await.unwrap();
        let mut sink = Vec::new();
        timeout(LONG, stream.read_to_end(&mut sink))
            .await
            .expect("it is kept")
            .ok();
        assert!(!sink.starts_with(b"HTTP"), "nothing is said in clear");
    }
}

#[test]
fn pairs_that_do_not_fit_are_told() {
    let (one, two) = (make(), make());
    let told = |chain: &str, key: &str| {
        Tls::of_pem(chain.as_bytes(), key.as_bytes())
            .unwrap_err()
            .to_string()
    };
    assert!(
        told(&one.chain, &two.key).contains("key"),
        "{}",
        told(&one.chain, &two.key)
    );
    assert!(told("", &one.key).contains("no certificate"));
    assert!(told(&one.key, &one.key).contains("no certificate"));
    assert!(told(&one.chain, &one.chain).contains("no private key"));
}
