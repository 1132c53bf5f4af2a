//! HTTP/2: many requests at once on one connection, each bounded as it would be on its own.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::clients::remembered::Remembered;
use crate::gateway::Gateway;
use crate::request::limits::Limits;
use crate::wire::credit::Credit;
use crate::wire::crowd::{Occupying, Seat};
use crate::wire::frames::FrameGuard;
use crate::wire::http2_head;

/// Bytes that one request may have sent of its body before they are read.
const STREAM_WINDOW: u32 = 128 * 1024;
/// The same of all requests on a connection.
const CONNECTION_WINDOW: u32 = 256 * 1024;
/// Most bytes of one frame, either way. What a stream is sent is held in such pieces until the
/// caller takes it.
const PIECE: usize = 16 * 1024;
/// Bytes that wait to be sent on one stream.
const SEND_BUFFER: usize = 64 * 1024;
/// Streams that the caller reset and that were not looked at yet, before the connection is ended.
const PENDING_RESETS: usize = 20;
/// Streams that were reset for a fault of the caller's, before the connection is ended.
const FAULTY_STREAMS: usize = 64;
/// What a header costs in the library's counting, beside its bytes (RFC 9113, 6.5.2).
const HEADER_COST: usize = 32;
/// How long the caller has to answer a ping, and to take the word that the connection ends.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same when its place is wanted.
const HURRY: Duration = Duration::from_millis(200);

/// Serves the requests of one connection, many at once.
pub(crate) async fn serve<S>(
    stream: FrameGuard<S>,
    peer: SocketAddr,
    gateway: Gateway,
    mut drain: watch::Receiver<bool>,
    seat: Arc<Seat>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = gateway.limits().clone();
    let asking = Arc::clone(&seat);
    let remembered = Arc::<Remembered>::default();
    let service = service_fn(move |request: Request<Incoming>| {
        let gateway = gateway.clone();
        let under_way = asking.ask();
        let remembered = Arc::clone(&remembered);
        async move {
            let (mut parts, body) = request.into_parts();
            let answer = match http2_head::level(&mut parts, &gateway.limits()) {
                Ok(()) => {
                    let request = Request::from_parts(parts, body);
                    gateway.handle_on(request, peer, &remembered).await
                }
                Err(fault) => gateway.refuse_head(fault, peer),
            };
            Ok::<_, Infallible>(answer.map(|body| {
                let occupying = Occupying::new(body, under_way);
                Pieces::new(occupying)
            }))
        }
    });
    let mut serving = pin!(builder(&limits).serve_connection(TokioIo::new(stream), service));
    let draining = async {
        // Nobody left to say so means the same.
        let _ = drain.wait_for(|draining| *draining).await;
    };
    tokio::select! {
        // Whether it ended well is in the record of its calls.
        _ = serving.as_mut() => return,
        () = seat.left() => {
            serving.as_mut().graceful_shutdown();
            let _ = timeout(HURRY, serving).await;
            return;
        }
        () = seat.idle(limits.head_read) => {}
        () = draining => {}
    }
    serving.as_mut().graceful_shutdown();
    tokio::select! {
        _ = serving => {}
        // Calls under way finish; a request may have come before the caller knew.
        () = seat.idle(limits.head_read.min(PATIENCE)) => {}
    }
}

fn builder(limits: &Limits) -> http2::Builder<Streams> {
    let streams = Streams {
        patience: limits.response_idle,
    };
    // A little more than is allowed is taken in, so that it is refused in the usual words.
    let head = 2 * (limits.head_bytes + limits.headers * HEADER_COST);
    let mut builder = http2::Builder::new(streams);
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(u32::try_from(limits.streams).unwrap_or(u32::MAX))
        .max_header_list_size(u32::try_from(head).unwrap_or(u32::MAX))
        .max_pending_accept_reset_streams(PENDING_RESETS)
        .max_local_error_reset_streams(FAULTY_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(u32::try_from(PIECE).ok())
        .max_send_buf_size(SEND_BUFFER)
        .keep_alive_interval(limits.head_read)
        .keep_alive_timeout(PATIENCE);
    builder
}

tokio::task_local! {
    /// How far the answer of the stream's task is.
    static PROGRESS: Arc<Progress>;
}

/// Runs each stream, and gives up those whose caller takes nothing of its answer. Others on the same
/// connection go on.
#[derive(Debug, Clone)]
struct Streams {
    patience: Duration,
}

impl<F> Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, stream: F) {
        let patience = self.patience;
        tokio::spawn(async move {
            let progress = Arc::new(Progress::new(patience));
            let run = PROGRESS.scope(Arc::clone(&progress), stream);
            tokio::select! {
                _ = run => {}
                // Dropped, the stream is reset.
                () = progress.stalled() => {}
            }
        });
    }
}

/// Whether a piece of an answer waits for the caller to take it, since when, and how much longer it
/// may.
#[derive(Debug)]
struct Progress {
    state: Mutex<Waits>,
    waits: Notify,
}

#[derive(Debug, Clone, Copy)]
struct Waits {
    since: Option<Instant>,
    bytes: usize,
    credit: Credit,
}

impl Progress {
    fn new(patience: Duration) -> Self {
        Self {
            state: Mutex::new(Waits {
                since: None,
                bytes: 0,
                credit: Credit::new(patience),
            }),
            waits: Notify::new(),
        }
    }

    fn given(&self, bytes: usize) {
        let mut state = self.lock();
        (state.since, state.bytes) = (Some(Instant::now()), bytes);
        drop(state);
        self.waits.notify_one();
    }

    fn taken(&self) {
        let mut state = self.lock();
        if let Some(since) = state.since.take() {
            let bytes = state.bytes;
            state.credit.waited(since.elapsed());
            state.credit.moved(bytes);
        }
    }

    /// Done when pieces have waited for too long: one of them, or all together for what they hold.
    async fn stalled(&self) {
        loop {
            let Waits { since, credit, .. } = *self.lock();
            let Some(since) = since else {
                self.waits.notified().await;
                continue;
            };
            sleep_until(since + credit.left()).await;
            if self.lock().since == Some(since) {
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Waits> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A body in pieces of a bounded size, each asked for when the caller took the one before.
struct Pieces<B> {
    body: B,
    rest: Bytes,
    progress: Option<Arc<Progress>>,
}

impl<B> Pieces<B> {
    fn new(body: B) -> Self {
        Self {
            body,
            rest: Bytes::new(),
            progress: PROGRESS.try_with(Arc::clone).ok(),
        }
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Pieces<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = &mut *self;
        if let Some(progress) = &this.progress {
            progress.taken();
        }
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                end => return Poll::Ready(end),
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        if let Some(progress) = &this.progress {
            progress.given(piece.len());
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        // The upper bound first: a lower one may not exceed it.
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(inner.lower().saturating_add(rest));
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, Full};

    #[tokio::test]
    async fn a_body_comes_in_pieces_and_whole() {
        let bytes = Bytes::from(vec![7; 2 * PIECE + 1]);
        let mut body = Pieces::new(Full::new(bytes.clone()));
        let mut sizes = Vec::new();
        let mut whole = Vec::new();
        while let Some(frame) = body.frame().await {
            assert_eq!(
                body.size_hint().exact(),
                Some(
                    (bytes.len() - whole.len()) as u64
                        - frame.as_ref().unwrap().data_ref().unwrap().len() as u64
                )
            );
            let data = frame.unwrap().into_data().unwrap();
            sizes.push(data.len());
            whole.extend_from_slice(&data);
        }
        assert_eq!((sizes, whole), (vec![PIECE, PIECE, 1], bytes.to_vec()));
        assert!(body.is_end_stream());
    }

    #[tokio::test]
    async fn who_takes_nothing_is_given_up() {
        let patience = Duration::from_millis(20);
        let progress = Progress::new(patience);
        progress.given(PIECE);
        progress.taken();
        assert!(timeout(3 * patience, progress.stalled()).await.is_err());
        progress.given(PIECE);
        assert!(timeout(100 * patience, progress.stalled()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_takes_little_now_and_then_is_given_up() {
        let progress = Arc::new(Progress::new(Duration::from_secs(10)));
        let slow = Arc::clone(&progress);
        let taking = tokio::spawn(async move {
            for _ in 0..1_000 {
                slow.given(100);
                tokio::time::sleep(Duration::from_secs(2)).await;
                slow.taken();
            }
        });
        assert!(
            timeout(Duration::from_secs(15), progress.stalled())
                .await
                .is_ok()
        );
        taking.abort();
    }
}
