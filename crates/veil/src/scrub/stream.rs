//! The same over a stream.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::index::Span;
use super::view::View;
use super::{Cover, Scrubber};

/// Bytes in which the stream can't be cut that come in before they are looked at.
const STEP: usize = 4096;
/// Bytes taken from a chunk at once.
const PIECE: usize = 64 * 1024;

/// Scrubs one stream, fed in chunks of any size. What comes out does not depend on how it was cut.
///
/// Up to the last byte that can be within no form of a secret (a quote, a brace, white space) all
/// goes on at once. It holds back at most eight times the longest form of a secret, and 4 KB: see
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
        self.scrubber.hold + STEP
    }

    /// How many markers were written so far.
    pub fn replaced(&self) -> u64 {
        self.cover.replaced
    }

    /// Takes a chunk, and adds to `out` what can go on.
    pub fn feed(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        out.reserve(chunk.len());
        for piece in chunk.chunks(PIECE) {
            // Once for all, or its growth would leave copies behind that nobody wipes.
            if self.held.capacity() == 0 {
                let room = self.scrubber.hold + STEP + PIECE;
                self.held.reserve_exact(room);
            }
            let before = self.held.len();
            self.held.extend_from_slice(piece);
            let within = &self.scrubber.within;
            let is_cut = |byte: &u8| !within.get(usize::from(*byte)).is_some_and(|within| *within);
            match piece.iter().rposition(is_cut) {
                Some(at) => self.pass(Some(before + at + 1), out),
                None if self.held.len() >= self.scrubber.hold + STEP => self.pass(None, out),
                None => {}
            }
        }
    }

    /// Ends the stream: adds what was held back. Returns how many markers were written in all.
    pub fn finish(mut self, out: &mut Vec<u8>) -> u64 {
        let all = self.held.len();
        self.pass(Some(all), out);
        self.cover.replaced
    }

    /// Passes what can go on: all up to a place where the stream may be cut, or all that no secret
    /// begins in which has its end to come.
    fn pass(&mut self, cut: Option<usize>, out: &mut Vec<u8>) {
        let scrubber = &self.scrubber;
        let looked_at = cut.unwrap_or(self.held.len());
        let text = self.held.get(..looked_at).unwrap_or(&[]);
        let escaped = scrubber.find(text, cut.is_some(), &mut self.view, &mut self.spans);
        let mut to = looked_at;
        if cut.is_none() {
            // Whatever begins before this place has its end in what is held.
            to = to.saturating_sub(scrubber.hold);
            if escaped {
                to = self.view.boundary(to);
            }
        }
        self.cover.emit(text, &self.spans, to, out);
        self.cover.until -= to.min(self.cover.until);
        self.held.drain(..to);
    }
}
