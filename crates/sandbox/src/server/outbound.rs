//! The body of an answer, as it is to be sent: whole, bit by bit, or not to its end.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::request::Ending;

/// How long a body that will break off waits before it does, so that what came before is sent.
const FLUSH: Duration = Duration::from_millis(20);

/// A body to send.
#[derive(Debug)]
pub(super) enum Outbound {
    Whole(Full<Bytes>),
    Bits(Bits),
}

/// A body in pieces.
#[derive(Debug)]
pub(super) struct Bits {
    rest: Bytes,
    /// Bytes of a piece, at least 1.
    size: usize,
    /// Between two pieces, and before the end.
    pause: Duration,
    pausing: Option<Pin<Box<Sleep>>>,
    /// Whether it breaks off at the end.
    breaks: bool,
}

impl Outbound {
    pub(super) fn new(body: Bytes, ending: &Ending) -> Outbound {
        let cut = |at: usize| body.slice(..at.min(body.len()));
        let (rest, size, pause, breaks) = match ending {
            Ending::Whole | Ending::Lost => return Outbound::Whole(Full::new(body)),
            Ending::Reset { after } => (cut(*after), usize::MAX, FLUSH, true),
            Ending::Short { missing } => (
                cut(body.len().saturating_sub(*missing)),
                usize::MAX,
                FLUSH,
                true,
            ),
            Ending::Slow { bytes, pause } => (body, *bytes, *pause, false),
        };
        Outbound::Bits(Bits {
            rest,
            size: size.max(1),
            pause,
            pausing: breaks.then(|| Box::pin(tokio::time::sleep(pause))),
            breaks,
        })
    }
}

impl Body for Outbound {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Outbound::Whole(body) => Pin::new(body)
                .poll_frame(cx)
                .map_err(|never| match never {}),
            Outbound::Bits(bits) => bits.poll(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Outbound::Whole(body) => body.is_end_stream(),
            Outbound::Bits(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Outbound::Whole(body) => body.size_hint(),
            Outbound::Bits(_) => SizeHint::default(),
        }
    }
}

impl Bits {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(pausing) = &mut self.pausing {
            if pausing.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.pausing = None;
        }
        if !self.rest.is_empty() {
            let piece = self.rest.split_to(self.size.min(self.rest.len()));
            self.pausing = Some(Box::pin(tokio::time::sleep(self.pause)));
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        if self.breaks {
            let error = io::Error::other("the answer breaks off, as it was asked to");
            return Poll::Ready(Some(Err(error)));
        }
        Poll::Ready(None)
    }
}
