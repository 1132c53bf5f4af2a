//! Passing on what the proxy lets through: a request, or a connection whole.

use std::fmt::Display;
use std::sync::Arc;

use bytes::Bytes;
use http::header::HeaderValue;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1 as client;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use super::target::{AnyWire, PATIENCE, Reached};

/// Headers between two neighbours (RFC 9110, 7.6.1).
const OF_THE_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The body of an answer: the proxy's own, or a host's.
pub(super) type ProxyBody = BoxBody<Bytes, hyper::Error>;

/// Hands one request on in origin-form, and the answer back.
pub(super) async fn forward(mut request: Request<Incoming>, wire: AnyWire) -> Response<ProxyBody> {
    let broken = |error: hyper::Error| unreachable("the host", error);
    let Some(host) = request.uri().authority().map(ToString::to_string) else {
        return refusal(StatusCode::BAD_REQUEST, "that is no host");
    };
    let Ok(host) = HeaderValue::try_from(host) else {
        return refusal(StatusCode::BAD_REQUEST, "that is no host");
    };
    let target = request.uri().path_and_query().cloned();
    *request.uri_mut() = target.map_or_else(http::Uri::default, http::Uri::from);
    for name in OF_THE_HOP {
        request.headers_mut().remove(name);
    }
    request.headers_mut().insert(http::header::HOST, host);
    let (mut send, connection) = match client::handshake(TokioIo::new(wire)).await {
        Ok(open) => open,
        Err(error) => return broken(error),
    };
    tokio::spawn(connection);
    match send.send_request(request).await {
        Ok(mut response) => {
            for name in OF_THE_HOP {
                response.headers_mut().remove(name);
            }
            response.map(BodyExt::boxed)
        }
        Err(error) => broken(error),
    }
}

/// What goes on when the answer to a CONNECT was sent.
pub(super) type Tunnel = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

pub(super) fn open(tunnels: &mpsc::Sender<Tunnel>, tunnel: Tunnel) -> Response<ProxyBody> {
    if tunnels.try_send(tunnel).is_err() {
        return refusal(StatusCode::BAD_REQUEST, "one tunnel on a connection");
    }
    Response::new(whole(String::new()))
}

fn whole(text: String) -> ProxyBody {
    Full::new(Bytes::from(text))
        .map_err(|never| match never {})
        .boxed()
}

pub(super) fn unreachable(what: &str, error: impl Display) -> Response<ProxyBody> {
    refusal(
        StatusCode::BAD_GATEWAY,
        format!("{what} can't be reached: {error}"),
    )
}

pub(super) fn refusal(status: StatusCode, told: impl Into<String>) -> Response<ProxyBody> {
    let mut response = Response::new(whole(told.into() + "\n"));
    *response.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, text);
    response
}

/// Ends TLS here and hands what is within to the gateway.
pub(super) async fn to_gateway(
    request: Request<Incoming>,
    reached: Reached,
    tls: Arc<ServerConfig>,
) {
    let Reached { mut wire, agreed } = reached;
    let Ok(upgraded) = hyper::upgrade::on(request).await else {
        return;
    };
    let tls = match agreed {
        Some(agreed) => {
            let mut one = ServerConfig::clone(&tls);
            one.alpn_protocols = vec![agreed];
            Arc::new(one)
        }
        None => tls,
    };
    let accepted = TlsAcceptor::from(tls).accept(TokioIo::new(upgraded));
    match timeout(PATIENCE, accepted).await {
        Ok(Ok(mut child)) => {
            let _ = copy_bidirectional(&mut child, &mut wire).await;
        }
        Ok(Err(error)) => tracing::warn!(
            %error,
            "the command did not take the certificate for an Instantly host; it may keep roots of \
             its own"
        ),
        Err(_) => {}
    }
}

pub(super) async fn to_host(request: Request<Incoming>, mut stream: TcpStream) {
    if let Ok(upgraded) = hyper::upgrade::on(request).await {
        let _ = copy_bidirectional(&mut TokioIo::new(upgraded), &mut stream).await;
    }
}
