//! Over real sockets of this machine: the transport the client has of its own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use doorward_upstream::{Client, Error, Op, Outcome};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

/// A server that answers every request with its own path, and how many connections it took.
async fn server() -> std::io::Result<(SocketAddr, Arc<AtomicUsize>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = connections.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let echo = service_fn(|request: Request<hyper::body::Incoming>| async move {
                let body = json!({ "path": request.uri().path() }).to_string();
                let response = Response::builder().header("content-type", "application/json");
                response.body(Full::new(Bytes::from(body)))
            });
            let connection = hyper::server::conn::http1::Builder::new();
            tokio::spawn(connection.serve_connection(TokioIo::new(stream), echo));
        }
    });
    Ok((address, connections))
}

fn client(base: String) -> Result<Client, Error> {
    let client = Client::builder().base_url(base).key("some-key".into());
    client.build()
}

#[tokio::test]
async fn calls_share_a_connection() {
    let (address, connections) = server().await.unwrap();
    let client = client(format!("http://{address}")).unwrap();
    for _ in 0..3 {
        let answer = client
            .request(Op::GetWorkspace, None, &[], None)
            .await
            .unwrap();
        let body: serde_json::Value = answer.json().unwrap();
        assert_eq!(body["path"], "/api/v2/workspaces/current");
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn localhost_is_this_machine() {
    let (address, _) = server().await.unwrap();
    let client = client(format!("http://localhost:{}", address.port())).unwrap();
    assert!(
        client
            .request(Op::GetWorkspace, None, &[], None)
            .await
            .is_ok()
    );
}

#[test]
fn a_private_address_is_refused_where_only_public_ones_are_wanted() {
    let build = |url: &str, only| {
        let key: secrecy::SecretString = "0123456789abcdef".into();
        let client = Client::builder().base_url(url).key(key);
        client.public_only(only).build().is_ok()
    };
    for private in [
        "https://10.0.0.1",
        "https://[fd00::1]",
        "https://169.254.169.254",
    ] {
        assert!(build(private, false) && !build(private, true), "{private}");
    }
    for fine in [
        "https://104.18.0.1",
        "http://127.0.0.1:1",
        "https://api.instantly.ai",
    ] {
        assert!(build(fine, true), "{fine}");
    }
}

#[tokio::test]
async fn a_refused_connection_is_a_call_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = client(format!("http://{address}")).unwrap();
    let body = json!({});
    let error = client
        .request(Op::CreateLead, None, &[], Some(&body))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotSent { .. }), "{error:?}");
    assert_eq!(error.outcome(), Outcome::NotDone);
}

#[tokio::test]
async fn over_https_nothing_is_sent_to_a_server_that_can_not_prove_itself() {
    let (address, connections) = server().await.unwrap();
    let built = Client::builder()
        .base_url(format!("https://{address}"))
        .key("some-key".into())
        .build();
    let client = match built {
        Ok(client) => client,
        // A machine without root certificates gets no client at all.
        Err(error) => return assert!(matches!(error, Error::Config { what: "TLS", .. })),
    };
    let body = json!({});
    let error = client
        .request(Op::CreateLead, None, &[], Some(&body))
        .await
        .unwrap_err();
    assert!(matches!(error, Error::NotSent { .. }), "{error:?}");
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}
