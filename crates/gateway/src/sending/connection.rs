//! One connection to the API, polled in place by the call that uses it.
//!
//! A connection with a task of its own costs two switches between tasks a call. Here the call polls
//! it, and while it lies idle nobody does: whether the other side has closed it meanwhile is looked
//! at before it is used again.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};

use crate::request::body::BoxError;
use crate::sending::pool::Pool;
use crate::sending::upstream::Stream;
use crate::sending::waking::Waking;

/// A request as it is sent.
pub(crate) type Outgoing = Request<Full<Bytes>>;

type Driver = http1::Connection<Stream, Full<Bytes>>;

/// One connection, which bears one request at a time.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// What reads and writes; `None` once that has ended.
    driver: Option<Driver>,
    waking: Arc<Waking>,
    waker: Waker,
}

/// Why there is no answer.
pub(crate) struct Lost {
    /// Whether nothing of the request was written.
    pub(crate) unsent: bool,
}

impl Connection {
    /// Speaks HTTP/1.1 on a stream. An answer may have so many headers.
    pub(crate) async fn begin(stream: Stream, headers: usize) -> Result<Self, hyper::Error> {
        let mut builder = http1::Builder::new();
        // What the library has by itself costs less than the same when it is asked for.
        if headers != crate::request::limits::USUAL_HEADERS {
            builder.max_headers(headers);
        }
        let (sender, driver) = builder.handshake(stream).await?;
        let waking = Arc::<Waking>::default();
        Ok(Self {
            sender,
            driver: Some(driver),
            waker: Waker::from(Arc::clone(&waking)),
            waking,
        })
    }

    /// Whether it bears another request, as far as is known here: what the other side has sent
    /// since is looked at.
    pub(crate) fn is_fit(&mut self) -> bool {
        drive(&mut self.driver, &mut Context::from_waker(&self.waker));
        self.driver.is_some() && self.sender.is_ready()
    }

    /// Nobody uses it from now on.
    pub(crate) fn rest(&mut self) {
        self.waking.rest();
    }

    /// Sends a request and waits for the head of its answer. Given up, nothing more can be sent.
    pub(crate) async fn exchange(&mut self, request: Outgoing) -> Result<Response<Incoming>, Lost> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let (driver, waking, waker) = (&mut self.driver, &self.waking, &self.waker);
        poll_fn(|cx| {
            waking.poll(cx, || {
                let mut cx = Context::from_waker(waker);
                drive(driver, &mut cx);
                match answer.as_mut().poll(&mut cx) {
                    Poll::Ready(answered) => Poll::Ready(answered.map_err(|mut lost| Lost {
                        unsent: lost.take_message().is_some(),
                    })),
                    Poll::Pending if driver.is_none() => Poll::Ready(Err(Lost { unsent: false })),
                    Poll::Pending => Poll::Pending,
                }
            })
        })
        .await
    }
}

/// Reads and writes what there is to read and write.
fn drive(driver: &mut Option<Driver>, cx: &mut Context<'_>) {
    if let Some(open) = driver
        && Pin::new(open).poll(cx).is_ready()
    {
        *driver = None;
    }
}

/// The body of an answer, with the connection that it arrives on. That is given back when all of it
/// has arrived, and closed if this is dropped before.
pub(crate) struct Arriving {
    body: Incoming,
    connection: Option<(Box<Connection>, Arc<Pool>)>,
}

impl Arriving {
    pub(crate) fn new(body: Incoming, connection: Box<Connection>, pool: Arc<Pool>) -> Self {
        let mut arriving = Self {
            body,
            connection: Some((connection, pool)),
        };
        if arriving.body.is_end_stream() {
            arriving.give_back();
        }
        arriving
    }

    fn give_back(&mut self) {
        if let Some((connection, pool)) = self.connection.take() {
            pool.give_back(connection);
        }
    }
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Self { body, connection } = &mut *self;
        let Some((connection, _)) = connection else {
            return Pin::new(body)
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(Into::into)));
        };
        let Connection {
            driver,
            waking,
            waker,
            ..
        } = &mut **connection;
        let frame = ready!(waking.poll(cx, || {
            let mut cx = Context::from_waker(waker);
            let arrived = Pin::new(&mut *body).poll_frame(&mut cx);
            if arrived.is_ready() {
                return arrived;
            }
            drive(driver, &mut cx);
            Pin::new(body).poll_frame(&mut cx)
        }));
        if frame.is_none() || self.body.is_end_stream() {
            self.give_back();
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
