//! Bodies of answers: the gateway's own, or the API's as it arrives.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep};

use crate::body::BoxError;
use crate::record::{Call, NotRecorded, Recording};

/// The body of an answer.
pub struct Answer(Kind);

enum Kind {
    Whole(Option<Bytes>),
    Stream(Box<Stream>),
}

/// An answer of the API's, passed on piece by piece. What was passed is recorded when it ends.
struct Stream {
    inner: Incoming,
    idle: Pin<Box<Sleep>>,
    patience: Duration,
    call: Call,
    end: End,
}

/// What becomes of the end of an answer.
enum End {
    /// It is passed on as it comes.
    Free,
    /// The last piece that came is held until there is another, or until the outcome is recorded.
    Held(Bytes),
    /// It waits for the record.
    Waiting(Bytes, Recording<'static, ()>),
    /// All was passed on, or broken off.
    Passed,
}

impl Answer {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self(Kind::Whole(Some(bytes).filter(|bytes| !bytes.is_empty())))
    }

    /// Passes on a body. `call` has the outcome that is recorded if it arrives whole.
    pub(crate) fn stream(inner: Incoming, call: Call, patience: Duration) -> Self {
        let idle = Box::pin(sleep(patience));
        let end = if call.holds_answer() {
            End::Held(Bytes::new())
        } else {
            End::Free
        };
        Self(Kind::Stream(Box::new(Stream {
            inner,
            idle,
            patience,
            call,
            end,
        })))
    }
}

impl Stream {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            if let End::Waiting(last, recording) = &mut self.end {
                let recorded = ready!(recording.as_mut().poll(cx));
                let last = std::mem::take(last);
                self.end = End::Passed;
                return Poll::Ready(match recorded {
                    Ok(()) if last.is_empty() => None,
                    Ok(()) => Some(Ok(Frame::data(last))),
                    Err(NotRecorded) => Some(Err(NotRecorded.into())),
                });
            }
            if matches!(self.end, End::Passed) {
                return Poll::Ready(None);
            }
            let data = match ready!(self.poll_data(cx)) {
                Some(data) => data?,
                None => match std::mem::replace(&mut self.end, End::Passed) {
                    End::Held(last) => {
                        self.end = End::Waiting(last, self.call.settle_held());
                        continue;
                    }
                    _ => return Poll::Ready(None),
                },
            };
            match &mut self.end {
                // The piece before this one was not the last.
                End::Held(held) if held.is_empty() => *held = data,
                End::Held(held) => {
                    return Poll::Ready(Some(Ok(Frame::data(std::mem::replace(held, data)))));
                }
                _ => return Poll::Ready(Some(Ok(Frame::data(data)))),
            }
        }
    }

    /// The next piece of the API's answer.
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) else {
                ready!(self.idle.as_mut().poll(cx));
                self.fail("response_timeout");
                return Poll::Ready(Some(Err("the API's answer stopped arriving".into())));
            };
            let Some(frame) = frame else {
                return Poll::Ready(None);
            };
            let frame = frame.inspect_err(|_| self.fail("response_cut"))?;
            // Trailers are of this connection's framing, which is made anew.
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if let Some(outcome) = self.call.outcome_mut() {
                outcome.bytes_out += data.len() as u64;
            }
            self.idle.as_mut().reset(Instant::now() + self.patience);
            return Poll::Ready(Some(Ok(data)));
        }
    }

    /// Bytes that came and were not passed on yet.
    fn held(&self) -> u64 {
        match &self.end {
            End::Held(bytes) | End::Waiting(bytes, _) => bytes.len() as u64,
            End::Free | End::Passed => 0,
        }
    }

    fn is_end(&self) -> bool {
        match self.end {
            End::Free => self.inner.is_end_stream(),
            End::Held(_) | End::Waiting(..) => false,
            End::Passed => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, held) = (self.inner.size_hint(), self.held());
        let mut hint = SizeHint::new();
        // The upper bound first: a lower one may not exceed it.
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(held));
        }
        hint.set_lower(inner.lower().saturating_add(held));
        hint
    }

    fn fail(&mut self, reason: &'static str) {
        if let Some(outcome) = self.call.outcome_mut() {
            outcome.reason = Some(reason);
            outcome.success = false;
        }
        self.call.settle();
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if !self.inner.is_end_stream() {
            self.fail("caller_gone");
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Kind::Whole(bytes) => Poll::Ready(
                bytes
                    .take()
                    .map(|bytes| Ok::<_, Infallible>(Frame::data(bytes)).map_err(Into::into)),
            ),
            Kind::Stream(stream) => stream.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(bytes) => bytes.is_none(),
            Kind::Stream(stream) => stream.is_end(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64))
            }
            Kind::Stream(stream) => stream.size_hint(),
        }
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Answer(…)")
    }
}
