//! The same over a stream.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::index::Span;
use super::view::View;
use super::{Cover, Scrubber};

/// Bytes that come in before they are looked at, so that small chunks cost no more.
const STEP: usize = 4096;
/// Bytes taken from a chunk at once.
const PIECE: usize = 64 * 1024;

/// Scrubs one stream, fed in chunks of any size. What comes out does not depend on how it was cut.
///
/// It holds back at most eight times the longest form of a secret, and 4 KB: see
/// [`Scrubbing::holds_at_most`].
pub struct Scrubbing {
    scrubber: Arc<Scrubber>,
    held: Zeroizing<Vec<u8>>,
    view: View,
    spans: Vec<Span>,
    cover: Cover,
}

impl fmt::Debug for Scrubbing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrubbing")
    }
}

impl Scrubbing {
    /// A stream's beginning.
    pub fn new(scrubber: Arc<Scrubber>) -> Scrubbing {
        Scrubbing {
            scrubber,
            held: Zeroizing::default(),
            view: View::default(),
            spans: Vec::new(),
            cover: Cover::default(),
        }
    }

    /// The most bytes that are held back between calls.
    pub fn holds_at_most(&self) -> usize {
        if self.scrubber.index.is_empty() {
            0
        } else {
            self.scrubber.hold + STEP
        }
    }

    /// How many markers were written so far.
    pub fn replaced(&self) -> u64 {
        self.cover.replaced
    }

    /// Takes a chunk, and adds to `out` what can go on.
    pub fn feed(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        if self.scrubber.index.is_empty() {
            out.extend_from_slice(chunk);
            return;
        }
        out.reserve(chunk.len());
        for piece in chunk.chunks(PIECE) {
            // Once for all, or its growth would leave copies behind that nobody wipes.
            if self.held.capacity() == 0 {
                let room = self.scrubber.hold + STEP + PIECE;
                self.held.reserve_exact(room);
            }
            self.held.extend_from_slice(piece);
            if self.held.len() >= self.scrubber.hold + STEP {
                self.pass(false, out);
            }
        }
    }

    /// Ends the stream: adds what was held back. Returns how many markers were written in all.
    pub fn finish(mut self, out: &mut Vec<u8>) -> u64 {
        self.pass(true, out);
        self.cover.replaced
    }

    fn pass(&mut self, is_last: bool, out: &mut Vec<u8>) {
        let scrubber = &self.scrubber;
        let escaped = scrubber.find(&self.held, is_last, &mut self.view, &mut self.spans);
        let mut to = self.held.len();
        if !is_last {
            // Whatever begins before this place has its end in what is held.
            to = to.saturating_sub(scrubber.hold);
            if escaped {
                to = self.view.boundary(to);
            }
        }
        self.cover.emit(&self.held, &self.spans, to, out);
        self.cover.until -= to.min(self.cover.until);
        self.held.drain(..to);
    }
}
