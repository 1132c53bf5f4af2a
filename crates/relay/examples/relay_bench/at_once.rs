//! A receiver that reads a delivery, stores nothing and answers 200: what HTTP costs.

use std::convert::Infallible;
use std::io::Write;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use crate::common::{Failure, runtime};

/// Says its port, and answers until it is ended.
pub(crate) fn serve(secret: String) -> Result<(), Failure> {
    runtime()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let said = serde_json::json!({ "port": listener.local_addr()?.port() });
        writeln!(std::io::stdout(), "{said}")?;
        std::io::stdout().flush()?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let secret = secret.clone();
            tokio::spawn(async move {
                let answer = service_fn(move |request| answer(secret.clone(), request));
                // A caller that goes away is its own affair.
                let _ = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), answer)
                    .await;
            });
        }
    })
}

async fn answer(
    secret: String,
    request: Request<Incoming>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let shown = request.headers().get("x-webhook-secret");
    let known = shown.is_some_and(|shown| shown.as_bytes() == secret.as_bytes());
    let mut response = Response::new(Empty::new());
    if !known || request.into_body().collect().await.is_err() {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
    }
    Ok(response)
}
