//! A proxy of hyper's parts that checks nothing: what the libraries cost.
//!
//! `bare_proxy PORT UPSTREAM_PORT`, on one thread.

use std::convert::Infallible;

use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpListener;

type Forward = Client<HttpConnector, Incoming>;

async fn forward(
    client: Forward,
    upstream: u16,
    mut request: Request<Incoming>,
) -> Result<Response<Either<Incoming, Full<Bytes>>>, Infallible> {
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let uri: Result<Uri, _> = format!("http://127.0.0.1:{upstream}{path}").parse();
    let answer = match uri {
        Ok(uri) => {
            *request.uri_mut() = uri;
            client.request(request).await.ok()
        }
        Err(_) => None,
    };
    Ok(answer.map_or_else(
        || {
            let mut failed = Response::new(Either::Right(Full::default()));
            *failed.status_mut() = hyper::StatusCode::BAD_GATEWAY;
            failed
        },
        |answer| answer.map(Either::Left),
    ))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut ports = std::env::args().skip(1).map(|port| port.parse::<u16>());
    let (Some(Ok(port)), Some(Ok(upstream))) = (ports.next(), ports.next()) else {
        return Err("say PORT UPSTREAM_PORT".into());
    };
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    let client: Forward = Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(128)
        .build(connector);
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let client = client.clone();
        tokio::spawn(async move {
            let serve = service_fn(move |request| forward(client.clone(), upstream, request));
            let answered = http1::Builder::new().serve_connection(TokioIo::new(stream), serve);
            let _ = answered.await;
        });
    }
}
