//! A look at each request's head as it is on the wire.
//!
//! What the HTTP library hands over is already interpreted: of two equal `content-length` lines
//! one is left, of `transfer-encoding` beside `content-length` only the former, a fragment is cut
//! off. Such requests are harmless here, because what is forwarded is framed anew. They are not
//! harmless where a proxy in front reads them differently, so they are refused, and for that they
//! must be seen. The guard sits under the library's reader, lets one head through at a time, and
//! says what is wrong with it.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use crate::raw_head::{Framing, HeadFault, RawHead};

/// Bytes taken from the connection at once while a head is read.
const CHUNK: usize = 2 * 1024;

/// Where a connection's guard says what it found.
///
/// The guard lets a head through only when the one before it was taken by the library, so what is
/// here when a request is handed over is about that request. After a fault nothing more is let
/// through: such a request is the connection's last.
#[derive(Debug, Clone, Default)]
pub struct HeadVerdict(Arc<AtomicU8>);

impl HeadVerdict {
    /// What is wrong with the head that was let through last.
    pub fn fault(&self) -> Option<HeadFault> {
        use HeadFault::{Fragment, Framing, Host, Syntax, TooLong};
        let found = self.0.load(Ordering::Acquire);
        [Framing, Syntax, Fragment, Host, TooLong]
            .into_iter()
            .find(|fault| *fault as u8 == found)
    }

    fn set(&self, fault: HeadFault) {
        self.0.store(fault as u8, Ordering::Release);
    }
}

/// Where in the stream of bytes the connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In a head, of which this many held bytes were looked at and hold no line's end.
    Head { seen: usize },
    /// In a body with this many bytes to come.
    Body(u64),
    /// In a chunked body, or past a fault: whatever comes is not a head that is answered.
    Rest,
    /// A fault was found: what is read after it is dropped.
    Shut,
}

/// Reads through, head by head.
#[derive(Debug)]
pub struct HeadGuard<S> {
    inner: S,
    /// Read and not yet let through.
    held: BytesMut,
    /// How much of it may be let through.
    free: usize,
    state: State,
    max: usize,
    max_headers: usize,
    verdict: HeadVerdict,
    /// What was seen of the head so far.
    head: RawHead,
    ended: bool,
}

impl<S> HeadGuard<S> {
    /// Guards a connection of which `held` was read already; a head may have `max` bytes and
    /// `max_headers` headers.
    pub fn new(inner: S, held: BytesMut, max: usize, max_headers: usize) -> (Self, HeadVerdict) {
        let verdict = HeadVerdict::default();
        let guard = Self {
            inner,
            held,
            free: 0,
            state: State::Head { seen: 0 },
            max,
            verdict: verdict.clone(),
            head: RawHead::new(max_headers),
            max_headers,
            ended: false,
        };
        (guard, verdict)
    }

    /// Looks at the lines that are whole. Afterwards either the head's end was found and is free
    /// to go, or more must be read.
    fn scan(&mut self, seen: usize) {
        let mut start = seen;
        while let Some(rest) = self.held.get(start..) {
            let Some(end) = memchr::memchr(b'\n', rest) else {
                break;
            };
            let line = rest.get(..end).unwrap_or_default();
            let next = start + end + 1;
            match self.head.line(line) {
                Ok(Some(framing)) => return self.release(next, framing),
                Ok(None) => start = next,
                Err(fault) => return self.refuse(fault),
            }
            if next > self.max {
                return self.refuse(HeadFault::TooLong);
            }
        }
        self.state = State::Head { seen: start };
        if self.held.len() > self.max {
            self.refuse(HeadFault::TooLong);
        } else if self.ended {
            // Cut short: the library makes of it what it will.
            self.free = self.held.len();
            self.state = State::Rest;
        }
    }

    fn release(&mut self, end: usize, framing: Framing) {
        self.free = end;
        self.head = RawHead::new(self.max_headers);
        self.state = match framing {
            Framing::Length(0) => State::Head { seen: 0 },
            Framing::Length(length) => State::Body(length),
            Framing::Chunked => State::Rest,
        };
        if let Err(fault) = self.head_is_sound(end) {
            self.refuse(fault);
        }
    }

    /// A carriage return belongs before a line feed and nowhere else.
    fn head_is_sound(&self, end: usize) -> Result<(), HeadFault> {
        let head = self.held.get(..end).unwrap_or_default();
        let mut returns = memchr::memchr_iter(b'\r', head);
        if returns.any(|at| head.get(at + 1).is_some_and(|next| *next != b'\n')) {
            Err(HeadFault::Syntax)
        } else {
            Ok(())
        }
    }

    /// Hands the library a head it can answer to, and nothing of what was refused.
    fn refuse(&mut self, fault: HeadFault) {
        const STAND_IN: &[u8] =
            b"GET /refused HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";
        self.verdict.set(fault);
        self.held.clear();
        self.held.extend_from_slice(STAND_IN);
        self.free = STAND_IN.len();
        self.state = State::Shut;
    }
}

impl<S: AsyncRead + Unpin> HeadGuard<S> {
    /// Reads some bytes to be held.
    fn fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.held.reserve(CHUNK);
        let read = ready!(pin!(self.inner.read_buf(&mut self.held)).poll(cx))?;
        self.ended = read == 0;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for HeadGuard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if this.free > 0 {
                let take = this.free.min(buf.remaining());
                buf.put_slice(this.held.get(..take).unwrap_or_default());
                this.held.advance(take);
                this.free -= take;
                return Poll::Ready(Ok(()));
            }
            match this.state {
                State::Body(0) => this.state = State::Head { seen: 0 },
                State::Body(left) if !this.held.is_empty() => {
                    this.free = usize::try_from(left)
                        .map_or(this.held.len(), |left| left.min(this.held.len()));
                    this.state = State::Body(left - this.free as u64);
                }
                State::Rest if !this.held.is_empty() => this.free = this.held.len(),
                State::Body(left) => {
                    let want = usize::try_from(left)
                        .unwrap_or(usize::MAX)
                        .min(buf.remaining());
                    let mut part = ReadBuf::new(buf.initialize_unfilled_to(want));
                    ready!(Pin::new(&mut this.inner).poll_read(cx, &mut part))?;
                    let read = part.filled().len();
                    buf.advance(read);
                    this.state = State::Body(left - read as u64);
                    return Poll::Ready(Ok(()));
                }
                State::Rest => return Pin::new(&mut this.inner).poll_read(cx, buf),
                State::Head { seen } => {
                    if seen == 0 && !this.held.is_empty() {
                        this.scan(0);
                        if this.free > 0 {
                            continue;
                        }
                    }
                    if this.ended {
                        return Poll::Ready(Ok(()));
                    }
                    ready!(this.fill(cx))?;
                    if this.ended && this.held.is_empty() {
                        return Poll::Ready(Ok(()));
                    }
                    let seen = match this.state {
                        State::Head { seen } => seen,
                        _ => 0,
                    };
                    this.scan(seen);
                }
                // What the caller goes on to send is read, so that it gets to read the answer.
                State::Shut => {
                    ready!(this.fill(cx))?;
                    this.held.clear();
                    if this.ended {
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for HeadGuard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
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
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives bytes in pieces, then the end.
    struct Pieces {
        bytes: Vec<u8>,
        sizes: Vec<usize>,
    }

    impl AsyncRead for Pieces {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            let wish = self.sizes.pop().unwrap_or(usize::MAX).max(1);
            let size = wish.min(buf.remaining()).min(self.bytes.len());
            let rest = self.bytes.split_off(size);
            buf.put_slice(&self.bytes);
            self.bytes = rest;
            Poll::Ready(Ok(()))
        }
    }

    fn through(bytes: &[u8], sizes: Vec<usize>) -> (String, Option<HeadFault>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let (mut guard, verdict) = HeadGuard::new(
            Pieces {
                bytes: bytes.to_vec(),
                sizes,
            },
            BytesMut::new(),
            512,
            4,
        );
        let mut out = Vec::new();
        runtime.block_on(guard.read_to_end(&mut out)).unwrap();
        (String::from_utf8(out).unwrap(), verdict.fault())
    }

    const GET: &str = "GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n";
    const POST: &str = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n\n\n#\r\n";

    #[test]
    fn sound_requests_pass_untouched() {
        for text in [
            GET.to_owned(),
            POST.to_owned(),
            format!("{GET}{POST}{GET}"),
            "GET / HTTP/1.0\r\n\r\n".to_owned(),
            "POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nX".to_owned(),
        ] {
            assert_eq!(through(text.as_bytes(), vec![]), (text, None));
        }
    }

    #[test]
    fn a_head_goes_through_alone() {
        let two = format!("{GET}{GET}");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        let pieces = Pieces {
            bytes: two.into_bytes(),
            sizes: vec![],
        };
        let (mut guard, _) = HeadGuard::new(pieces, BytesMut::new(), 512, 4);
        let mut room = [0; 4096];
        let read = runtime.block_on(guard.read(&mut room)).unwrap();
        assert_eq!(&room[..read], GET.as_bytes());
    }

    #[test]
    fn unsound_heads_are_held_back_whole() {
        use HeadFault::{Fragment, Framing, Host, Syntax, TooLong};
        let post = |lines: &str| format!("POST / HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\nsecret");
        for (text, fault) in [
            (
                post("Content-Length: 6\r\nTransfer-Encoding: chunked"),
                Framing,
            ),
            (
                post("Transfer-Encoding: chunked\r\nContent-Length: 6"),
                Framing,
            ),
            (post("Content-Length: 6\r\nContent-Length: 6"), Framing),
            (post("Content-Length: 6, 6"), Framing),
            (post("Content-Length: +6"), Framing),
            (post("Content-Length:"), Framing),
            (post("Content-Length: 9999999999999999999"), Framing),
            (
                post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked"),
                Framing,
            ),
            (post("Transfer-Encoding: gzip, chunked"), Framing),
            (post("Transfer-Encoding: xchunked"), Framing),
            (post("Transfer-Encoding : chunked"), Syntax),
            (post("X: a\r\n Content-Length: 6"), Syntax),
            (post("X: a\r\n\tb"), Syntax),
            (post("X: a\nContent-Length: 6"), Syntax),
            (post("X: a\rContent-Length: 6"), Syntax),
            (post("X: a\0b"), Syntax),
            (post("No colon"), Syntax),
            (post(": no name"), Syntax),
            (post("Host: y"), Host),
            ("GET / HTTP/1.1\r\n\r\nsecret".into(), Host),
            ("GET /a#secret HTTP/1.1\r\nHost: x\r\n\r\n".into(), Fragment),
            ("GET /a HTTP/1.1 \r\nHost: x\r\n\r\nsecret".into(), Syntax),
            ("GET  /secret HTTP/1.1\r\nHost: x\r\n\r\n".into(), Syntax),
            ("GET /secret\r\n\r\n".into(), Syntax),
            ("GET /secret HTTP/2.0\r\nHost: x\r\n\r\n".into(), Syntax),
            ("\r\nGET /secret HTTP/1.1\r\nHost: x\r\n\r\n".into(), Syntax),
            (
                "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\nsecret".into(),
                Framing,
            ),
            (post(&format!("X: {}", "secret".repeat(100))), TooLong),
            (format!("GET /{}", "secret".repeat(100)), TooLong),
            (post("A: secret\r\nB: b\r\nC: c\r\nD: d"), TooLong),
        ] {
            let (out, found) = through(text.as_bytes(), vec![]);
            assert_eq!(found, Some(fault), "{text:?}");
            assert!(
                out.starts_with("GET /refused ") && !out.contains("secret"),
                "{text:?}: {out:?}"
            );
            let (after, found) = through(format!("{POST}{text}").as_bytes(), vec![]);
            assert_eq!(found, Some(fault));
            assert_eq!(after, format!("{POST}{out}"));
        }
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            lines in proptest::collection::vec(
                "(GET|POST) /[a-z#]{0,3} HTTP/1\\.[01]|Host: x|Content-Length: [0-9]{1,2}|\
                 Transfer-Encoding: chunked| folded|X: [ -~]{0,5}||\r|[a-z\n]{0,4}",
                0..12,
            ),
            sizes in proptest::collection::vec(1_usize..20, 0..60),
        ) {
            let text = format!("{GET}{}", lines.join("\r\n"));
            prop_assert_eq!(through(text.as_bytes(), vec![]), through(text.as_bytes(), sizes));
        }
    }
}
