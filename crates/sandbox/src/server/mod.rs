//! The sandbox on a socket.

mod outbound;
mod stream;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderValue, Request, Response, header};
use http_body_util::BodyExt;
use hyper::body::Incoming as HyperBody;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use crate::control;
use crate::delivery;
use crate::reply::Refusal;
use crate::request::{BODY_MAX, Ending, Incoming, Outgoing};
use crate::sandbox::{Sandbox, SandboxError};
use outbound::Outbound;
use stream::Resettable;

/// Connections at a time; more wait.
const CONNECTIONS_MAX: usize = 4_096;
/// How long the head of a request may take, and its body.
const HEAD_WAIT: Duration = Duration::from_secs(30);
const BODY_WAIT: Duration = Duration::from_secs(60);
/// Bytes of a head.
const HEAD_MAX: usize = 64 * 1024;
/// Bytes of an oversized body that are read and thrown away, so that the caller gets to read the
/// refusal instead of seeing its connection break.
const DISCARD_MAX: usize = 64 * 1024 * 1024;
/// Bytes of a dump that is loaded.
const DUMP_MAX: usize = 512 * 1024 * 1024;
/// How long open connections are waited for at the end.
const DRAIN: Duration = Duration::from_secs(5);
/// How often the state is written to its file, if it changed.
const SAVE_EVERY: Duration = Duration::from_secs(5);

/// A sandbox on a socket. Dropping it stops it, without waiting.
#[derive(Debug)]
pub struct Running {
    /// The API's base URL, `http://ADDRESS`.
    pub url: String,
    /// The control API's, `http://ADDRESS/_sandbox`.
    pub control_url: String,
    /// The sandbox itself.
    pub sandbox: Sandbox,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    /// Stops listening, lets open requests end, and writes the state file.
    ///
    /// # Errors
    /// When the state can't be written.
    pub async fn shutdown(self) -> Result<(), SandboxError> {
        // The task may have ended by itself; then there is nobody to tell.
        let _told = self.stop.send(true);
        let _ended = self.task.await;
        self.sandbox.save()
    }
}

impl Sandbox {
    /// Serves on an address, such as `127.0.0.1:0`, and delivers webhooks.
    ///
    /// # Errors
    /// When the address can't be listened on.
    pub async fn spawn(self, address: &str) -> Result<Running, SandboxError> {
        let failed = |source| SandboxError::Listen {
            address: address.to_owned(),
            source,
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(serve(listener, self.clone(), stopped));
        Ok(Running {
            url: format!("http://{bound}"),
            control_url: format!("http://{bound}{}", control::PREFIX),
            sandbox: self,
            stop,
            task,
        })
    }
}

/// Serves a sandbox on a listener until told to stop, or until the other end of `stop` is dropped.
pub async fn serve(listener: TcpListener, sandbox: Sandbox, mut stop: watch::Receiver<bool>) {
    let deliveries = tokio::spawn(delivery::run(Arc::clone(&sandbox.shared), stop.clone()));
    let saving = tokio::spawn(keep(sandbox.clone(), stop.clone()));
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    while !*stop.borrow() {
        let accepted = async {
            let place = Arc::clone(&places).acquire_owned().await;
            (place, listener.accept().await)
        };
        let (place, accepted) = tokio::select! {
            both = accepted => both,
            _ = stop.changed() => break,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of descriptors, or a peer that is gone already: neither lasts.
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (sandbox, stop) = (sandbox.clone(), stop.clone());
        tokio::spawn(async move {
            converse(stream, peer, sandbox, stop).await;
            drop(place);
        });
    }
    drop(listener);
    let all = u32::try_from(CONNECTIONS_MAX).unwrap_or(u32::MAX);
    if tokio::time::timeout(DRAIN, places.acquire_many(all))
        .await
        .is_err()
    {
        tracing::debug!("connections of the sandbox are open still");
    }
    deliveries.abort();
    saving.abort();
}

/// Writes the state to its file now and then, when it changed.
async fn keep(sandbox: Sandbox, mut stop: watch::Receiver<bool>) {
    if sandbox.shared.file.is_none() {
        return;
    }
    let mut saved = None;
    loop {
        tokio::select! {
            () = tokio::time::sleep(SAVE_EVERY) => {}
            _ = stop.changed() => return,
        }
        let changes = sandbox.shared.lock().changes;
        if saved == Some(changes) {
            continue;
        }
        let writer = sandbox.clone();
        match tokio::task::spawn_blocking(move || writer.save()).await {
            Ok(Ok(())) => saved = Some(changes),
            Ok(Err(error)) => tracing::warn!(%error, "the sandbox's state is not saved"),
            Err(_) => return,
        }
    }
}

async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    sandbox: Sandbox,
    mut stop: watch::Receiver<bool>,
) {
    // Small answers must not wait for more; that it can't be set is no reason to hang up.
    let _set = stream.set_nodelay(true);
    let reset = Arc::new(AtomicBool::new(false));
    let io = TokioIo::new(Resettable::new(stream, Arc::clone(&reset)));
    let address: Arc<str> = peer.ip().to_string().into();
    let service = service_fn(|request| {
        let (sandbox, address, reset) = (sandbox.clone(), Arc::clone(&address), Arc::clone(&reset));
        async move { respond(request, &sandbox, &address, &reset).await }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WAIT)
        .max_buf_size(HEAD_MAX)
        .serve_connection(io, service);
    let mut connection = std::pin::pin!(connection);
    let mut stopping = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection to the sandbox broke");
                }
                return;
            }
            _ = stop.changed(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the answer is lost")]
struct Lost;

async fn respond(
    request: Request<HyperBody>,
    sandbox: &Sandbox,
    address: &str,
    reset: &AtomicBool,
) -> Result<Response<Outbound>, Lost> {
    let (head, body) = request.into_parts();
    let target = head
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let of_control = target
        .strip_prefix(control::PREFIX)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    let most = if of_control { DUMP_MAX } else { BODY_MAX };
    let outgoing = match tokio::time::timeout(BODY_WAIT, collect(body, most)).await {
        Err(_) => Refusal::new(408, "The request's body took too long").into(),
        Ok(None) => return Err(Lost),
        Ok(Some((body, oversized))) if of_control => {
            control_answer(sandbox, &head, target, body, oversized)
        }
        Ok(Some((body, oversized))) => {
            let incoming = Incoming {
                method: head.method.as_str().to_owned(),
                target: target.to_owned(),
                headers: head.headers,
                body,
                oversized,
                address: address.to_owned(),
            };
            sandbox.handle(incoming).await
        }
    };
    if !outgoing.fate.delay.is_zero() {
        tokio::time::sleep(outgoing.fate.delay).await;
    }
    match outgoing.fate.ending {
        Ending::Lost => return Err(Lost),
        Ending::Reset { .. } => reset.store(true, Ordering::Relaxed),
        _ => {}
    }
    Ok(response(outgoing))
}

fn control_answer(
    sandbox: &Sandbox,
    head: &http::request::Parts,
    target: &str,
    body: Bytes,
    oversized: bool,
) -> Outgoing {
    // A web page must not steer a sandbox that runs on its reader's machine.
    if head.headers.contains_key(header::ORIGIN) {
        return Refusal::forbidden("The control API takes no requests from web pages").into();
    }
    if oversized {
        return Refusal::new(413, "The body is too large").into();
    }
    sandbox.control(head.method.as_str(), target, &body)
}

/// Reads a body. Of one that is longer than `most` the start comes back, and that it is oversized;
/// nothing of one that breaks off.
async fn collect(mut body: HyperBody, most: usize) -> Option<(Bytes, bool)> {
    let mut read = BytesMut::new();
    let mut discarded = 0;
    let mut oversized = false;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.ok()?.into_data() else {
            continue;
        };
        if oversized || read.len() + data.len() > most {
            oversized = true;
            read.clear();
            discarded += data.len();
            if discarded > DISCARD_MAX {
                break;
            }
        } else {
            read.extend_from_slice(&data);
        }
    }
    Some((read.freeze(), oversized))
}

fn response(outgoing: Outgoing) -> Response<Outbound> {
    let length = outgoing.body.len();
    let mut response = Response::new(Outbound::new(outgoing.body, &outgoing.fate.ending));
    // Every status here is one that was written as one.
    if let Ok(status) = http::StatusCode::from_u16(outgoing.status) {
        *response.status_mut() = status;
    }
    *response.headers_mut() = outgoing.headers;
    if outgoing.status != 204 {
        let length = HeaderValue::from(length);
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, length);
    }
    response
}
