//! A look at the frames of an HTTP/2 connection as they are on the wire.
//!
//! A caller can keep a server busy with frames that ask for nothing: pings, settings, empty data,
//! streams that are opened and reset at once. The library answers each; the guard sits under its
//! reader, counts them by kind, and ends a connection that sends more than it has use for.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::wire::protocol::PREFACE;

/// Bytes of a frame's head (RFC 9113, 4.1).
const FRAME_HEAD: usize = 9;
/// Data frames shorter than this are counted: many of them cost more than they bring.
const SMALL_DATA: usize = 64;
/// So many bytes sent to the caller earn it one frame by which it says that it took them.
const BYTES_A_WINDOW: u64 = 64;

/// Frames that ask for nothing, by how many of them a caller may have use for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A stream given up: RST_STREAM.
    Reset,
    /// PING, SETTINGS, CONTINUATION, empty data, and what is unknown.
    Control,
    /// WINDOW_UPDATE, PRIORITY, and data in crumbs.
    Window,
}

/// So many at once, and so many a second on top.
#[derive(Debug)]
struct Bucket {
    left: f64,
    burst: f64,
    a_second: f64,
}

impl Bucket {
    fn new(burst: u32, a_second: u32) -> Self {
        Self {
            left: burst.into(),
            burst: burst.into(),
            a_second: a_second.into(),
        }
    }

    fn take(&mut self, since: Duration) -> bool {
        self.left = (self.left + since.as_secs_f64() * self.a_second).min(self.burst);
        self.left -= 1.0;
        self.left >= 0.0
    }
}

/// What a connection may still send.
#[derive(Debug)]
struct Budget {
    resets: (Bucket, Instant),
    controls: (Bucket, Instant),
    windows: (Bucket, Instant),
}

impl Budget {
    fn new(now: Instant) -> Self {
        Self {
            resets: (Bucket::new(200, 20), now),
            controls: (Bucket::new(500, 50), now),
            windows: (Bucket::new(10_000, 1_000), now),
        }
    }

    fn take(&mut self, kind: Kind, now: Instant) -> bool {
        let (bucket, last) = match kind {
            Kind::Reset => &mut self.resets,
            Kind::Control => &mut self.controls,
            Kind::Window => &mut self.windows,
        };
        let since = now.saturating_duration_since(*last);
        *last = now;
        bucket.take(since)
    }

    /// The caller was sent so many bytes.
    fn earn(&mut self, bytes: u64) {
        // A whole answer never counts for more than one burst.
        let earned = u32::try_from(bytes / BYTES_A_WINDOW).unwrap_or(u32::MAX);
        let windows = &mut self.windows.0;
        windows.left = (windows.left + f64::from(earned)).min(windows.burst);
    }
}

/// Where in the stream of bytes the connection is.
#[derive(Debug)]
struct Walk {
    /// Bytes to come that are no frame's head.
    skip: usize,
    head: [u8; FRAME_HEAD],
    have: usize,
}

impl Walk {
    fn new() -> Self {
        Self {
            skip: PREFACE.len(),
            head: [0; FRAME_HEAD],
            have: 0,
        }
    }

    /// Walks over bytes, and tells of each frame that is to be counted. False when `count` says
    /// that it is too many.
    fn over(&mut self, mut bytes: &[u8], mut count: impl FnMut(Kind) -> bool) -> bool {
        while !bytes.is_empty() {
            if self.skip > 0 {
                let step = self.skip.min(bytes.len());
                self.skip -= step;
                bytes = bytes.get(step..).unwrap_or_default();
                continue;
            }
            let step = (FRAME_HEAD - self.have).min(bytes.len());
            let (now, rest) = bytes.split_at_checked(step).unwrap_or_default();
            for (to, from) in self.head.iter_mut().skip(self.have).zip(now) {
                *to = *from;
            }
            self.have += step;
            bytes = rest;
            if self.have == FRAME_HEAD {
                self.have = 0;
                let [a, b, c, kind, flags, ..] = self.head;
                self.skip = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                if kind_of(kind, flags, self.skip).is_some_and(|kind| !count(kind)) {
                    return false;
                }
            }
        }
        true
    }
}

/// The kind of a frame by its head (RFC 9113, 6), if it is one of those that are counted.
fn kind_of(kind: u8, flags: u8, length: usize) -> Option<Kind> {
    const END_STREAM: u8 = 1;
    match kind {
        // Data.
        0 if flags & END_STREAM != 0 || length >= SMALL_DATA => None,
        0 if length == 0 => Some(Kind::Control),
        // Crumbs of data, priority and window update.
        0 | 2 | 8 => Some(Kind::Window),
        // Headers: a request, which is counted as such.
        1 => None,
        3 => Some(Kind::Reset),
        _ => Some(Kind::Control),
    }
}

/// Reads through, frame by frame.
#[derive(Debug)]
pub(crate) struct FrameGuard<S> {
    inner: S,
    /// Read before it was known which protocol is spoken.
    held: BytesMut,
    walk: Walk,
    budget: Budget,
}

impl<S> FrameGuard<S> {
    /// Guards a connection of which `held` was read already.
    pub(crate) fn new(inner: S, held: BytesMut) -> Self {
        Self {
            inner,
            held,
            walk: Walk::new(),
            budget: Budget::new(Instant::now()),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for FrameGuard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        if this.held.is_empty() {
            ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
        } else {
            let take = this.held.len().min(buf.remaining());
            buf.put_slice(this.held.get(..take).unwrap_or_default());
            this.held.advance(take);
        }
        let new = buf.filled().get(before..).unwrap_or_default();
        let budget = &mut this.budget;
        let now = Instant::now();
        if this.walk.over(new, |kind| budget.take(kind, now)) {
            return Poll::Ready(Ok(()));
        }
        buf.set_filled(before);
        tracing::info!("a connection was ended: it sent too many frames that ask for nothing");
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }
}

impl<S: AsyncWrite + Unpin> FrameGuard<S> {
    fn sent(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            self.budget.earn(*bytes as u64);
        }
        written
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for FrameGuard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.sent(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, pieces);
        self.sent(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn frame(kind: u8, flags: u8, length: usize) -> Vec<u8> {
        let size = u32::try_from(length).unwrap().to_be_bytes();
        let mut frame = vec![size[1], size[2], size[3], kind, flags, 0, 0, 0, 1];
        // A payload that would be pings, were it read as frames.
        frame.extend([0, 0, 0, 6].iter().cycle().take(length));
        frame
    }

    fn kinds(pieces: &[&[u8]]) -> Vec<Kind> {
        let (mut walk, mut kinds) = (Walk::new(), Vec::new());
        for piece in pieces {
            assert!(walk.over(piece, |kind| {
                kinds.push(kind);
                true
            }));
        }
        kinds
    }

    #[test]
    fn frames_are_told_by_their_heads_alone() {
        let bytes = [
            PREFACE.to_vec(),
            frame(4, 0, 18),
            frame(1, 5, 300),
            frame(0, 0, 16_384),
            frame(0, 0, 0),
            frame(0, 1, 0),
            frame(0, 0, 1),
            frame(8, 0, 4),
            frame(6, 0, 8),
            frame(3, 0, 4),
            frame(77, 0, 0),
        ];
        use Kind::{Control, Reset, Window};
        let wanted = [Control, Control, Window, Window, Control, Reset, Control];
        assert_eq!(kinds(&[&bytes.concat()]), wanted);
    }

    #[test]
    fn a_budget_runs_out_and_comes_back() {
        let start = Instant::now();
        let mut budget = Budget::new(start);
        for _ in 0..200 {
            assert!(budget.take(Kind::Reset, start));
        }
        assert!(!budget.take(Kind::Reset, start));
        assert!(budget.take(Kind::Control, start), "each has its own");
        assert!(budget.take(Kind::Reset, start + Duration::from_secs(1)));
    }

    #[test]
    fn who_is_sent_much_may_say_often_that_it_took_it() {
        let start = Instant::now();
        let mut budget = Budget::new(start);
        for _ in 0..100_000 {
            budget.earn(BYTES_A_WINDOW);
            assert!(budget.take(Kind::Window, start));
        }
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            frames in proptest::collection::vec((0_u8..11, 0_u8..3, 0_usize..90), 0..20),
            sizes in proptest::collection::vec(1_usize..30, 0..100),
        ) {
            let mut bytes = PREFACE.to_vec();
            for (kind, flags, length) in frames {
                bytes.extend(frame(kind, flags, length));
            }
            let mut rest = bytes.as_slice();
            let mut pieces = Vec::new();
            for size in sizes {
                let (piece, after) = rest.split_at(size.min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            pieces.push(rest);
            prop_assert_eq!(kinds(&pieces), kinds(&[&bytes]));
        }
    }
}
