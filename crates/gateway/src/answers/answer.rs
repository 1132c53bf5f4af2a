//! Bodies of answers: the gateway's own, or the API's as it arrives.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Instant, Sleep, sleep};

use crate::answers::veil::Passing;
use crate::records::record::{Call, NotRecorded, Recording};
use crate::request::body::BoxError;
use crate::wire::source::Source;

/// A whole answer is passed on in pieces of so many bytes, so that who takes it slowly is seen to.
const PIECE: usize = 64 * 1024;

/// The body of an answer.
pub struct Answer(Kind);

enum Kind {
    Whole(Option<Bytes>),
    Short(Box<Short>),
    Stream(Box<Stream>),
}

/// An answer of the API's that is here whole. Its outcome is recorded when it is taken.
struct Short {
    bytes: Bytes,
    call: Call,
}

/// An answer of the API's, scrubbed and passed on piece by piece. What was passed is recorded when it
/// ends.
struct Stream {
    inner: Source,
    /// What each piece passes through; `None` once all has.
    passing: Option<Passing>,
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

    /// Passes on what was read of the API's. `call` has the outcome that is recorded if it is taken.
    pub(crate) fn short(bytes: Bytes, mut call: Call) -> Self {
        if bytes.is_empty() {
            call.settle();
            return Self::whole(bytes);
        }
        Self(Kind::Short(Box::new(Short { bytes, call })))
    }

    /// Passes on a body. `call` has the outcome that is recorded if it arrives whole.
    pub(crate) fn stream(inner: Source, passing: Passing, call: Call, patience: Duration) -> Self {
        let idle = Box::pin(sleep(patience));
        let end = if call.holds_answer() {
            End::Held(Bytes::new())
        } else {
            End::Free
        };
        Self(Kind::Stream(Box::new(Stream {
            inner,
            passing: Some(passing),
            idle,
            patience,
            call,
            end,
        })))
    }
}

impl Short {
    /// The next piece. All of it is taken when the last one is.
    fn take(&mut self) -> Option<Bytes> {
        if self.bytes.len() > PIECE {
            return Some(self.bytes.split_to(PIECE));
        }
        self.call.settle();
        Some(std::mem::take(&mut self.bytes)).filter(|bytes| !bytes.is_empty())
    }
}

impl Drop for Short {
    fn drop(&mut self) {
        if !self.bytes.is_empty() {
            fail(&mut self.call, "caller_gone");
        }
    }
}

/// Records that an answer did not get through.
fn fail(call: &mut Call, reason: &'static str) {
    if let Some(outcome) = call.outcome_mut() {
        outcome.reason = Some(reason);
        outcome.success = false;
    }
    call.settle();
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

    /// The next piece that may go on.
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, BoxError>>> {
        loop {
            let Some(passing) = &mut self.passing else {
                return Poll::Ready(None);
            };
            let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(cx) else {
                ready!(self.idle.as_mut().poll(cx));
                self.fail("response_timeout");
                return Poll::Ready(Some(Err("the API's answer stopped arriving".into())));
            };
            let passed = match frame.transpose() {
                Err(error) => {
                    self.fail("response_cut");
                    return Poll::Ready(Some(Err(error)));
                }
                // Trailers are of this connection's framing, which is made anew.
                Ok(Some(frame)) => frame.into_data().map_or(Ok(None), |data| {
                    self.idle.as_mut().reset(Instant::now() + self.patience);
                    passing.feed(&data).map(Some)
                }),
                Ok(None) => self.passing.take().map(Passing::finish).transpose(),
            };
            match passed {
                Ok(Some(data)) if !data.is_empty() => {
                    if let Some(outcome) = self.call.outcome_mut() {
                        outcome.bytes_out += data.len() as u64;
                    }
                    return Poll::Ready(Some(Ok(data)));
                }
                Ok(_) => {}
                Err(why) => {
                    self.fail("response_unreadable");
                    return Poll::Ready(Some(Err(why.into())));
                }
            }
        }
    }

    fn is_end(&self) -> bool {
        match self.end {
            End::Free => self.passing.is_none(),
            End::Held(_) | End::Waiting(..) => false,
            End::Passed => true,
        }
    }

    fn fail(&mut self, reason: &'static str) {
        fail(&mut self.call, reason);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.passing.is_some() {
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
            Kind::Short(short) => Poll::Ready(short.take().map(|bytes| Ok(Frame::data(bytes)))),
            Kind::Stream(stream) => stream.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Kind::Whole(bytes) => bytes.is_none(),
            Kind::Short(short) => short.bytes.is_empty(),
            Kind::Stream(stream) => stream.is_end(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64))
            }
            Kind::Short(short) => SizeHint::with_exact(short.bytes.len() as u64),
            // Scrubbing changes the length.
            Kind::Stream(_) => SizeHint::default(),
        }
    }
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Answer(…)")
    }
}
