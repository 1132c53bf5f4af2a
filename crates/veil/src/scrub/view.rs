//! A text with its escapes undone, and the way back from it.

use memchr::{memchr2, memchr2_iter};
use zeroize::Zeroizing;

use super::index::Span;

/// What `%XX` and `\uXXXX` stand for in place of them, and no backslashes at all. Undoing too much
/// does no harm: the view is only searched. Dropping every backslash undoes JSON in JSON too.
#[derive(Default)]
pub(super) struct View {
    bytes: Zeroizing<Vec<u8>>,
    /// Two for each escape, where it begins and ends: in the view, in the text.
    marks: Vec<(usize, usize)>,
}

enum Escape {
    /// No escape.
    None,
    /// It may be one when more of the text is there.
    Partial,
    /// One of that many bytes, which stands for these.
    Stands(usize, Option<char>),
    /// `%XX` stands for a byte.
    Byte(u8),
}

/// Whether the text has what could be an escape.
pub(super) fn has_escapes(text: &[u8]) -> bool {
    memchr2(b'%', b'\\', text).is_some()
}

impl View {
    /// Makes it the view of this text. Of a text that goes on, an escape that is cut off at its
    /// end is left out.
    pub(super) fn fill(&mut self, text: &[u8], is_last: bool) {
        self.bytes.clear();
        self.bytes.reserve(text.len());
        self.marks.clear();
        let mut seen = 0;
        for at in memchr2_iter(b'%', b'\\', text) {
            if at < seen {
                continue;
            }
            let rest = text.get(at..).unwrap_or(&[]);
            let (len, stands) = match escape(rest) {
                Escape::None => continue,
                // A backslash that begins no escape is one to be dropped, as any.
                Escape::Partial if is_last && rest.starts_with(b"\\") => (1, None),
                Escape::Partial if is_last => continue,
                Escape::Partial => {
                    self.copy(text, seen, at);
                    return;
                }
                Escape::Stands(len, stands) => (len, stands),
                Escape::Byte(byte) => {
                    self.copy(text, seen, at);
                    self.marks.push((self.bytes.len(), at));
                    self.bytes.push(byte);
                    seen = at + 3;
                    self.marks.push((self.bytes.len(), seen));
                    continue;
                }
            };
            self.copy(text, seen, at);
            self.marks.push((self.bytes.len(), at));
            if let Some(char) = stands {
                let mut buffer = [0; 4];
                self.bytes
                    .extend_from_slice(char.encode_utf8(&mut buffer).as_bytes());
            }
            seen = at + len;
            self.marks.push((self.bytes.len(), seen));
        }
        self.copy(text, seen, text.len());
    }

    fn copy(&mut self, text: &[u8], from: usize, to: usize) {
        self.bytes
            .extend_from_slice(text.get(from..to).unwrap_or(&[]));
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where a span of the view lies in the text. Backslashes just before it are of it, so that
    /// none is left behind to escape something else.
    pub(super) fn in_text(&self, (start, end): Span) -> Span {
        (self.place(start), self.place(end))
    }

    fn place(&self, at: usize) -> usize {
        let next = self.marks.partition_point(|mark| mark.0 < at);
        match (self.marks.get(next), next.checked_sub(1)) {
            (Some(mark), _) if mark.0 == at => mark.1,
            (_, Some(before)) => self
                .marks
                .get(before)
                .map_or(at, |mark| mark.1 + (at - mark.0)),
            (_, None) => at,
        }
    }

    /// The last place of the text up to this one that is not within an escape.
    pub(super) fn boundary(&self, at: usize) -> usize {
        let begun = self.marks.partition_point(|mark| mark.1 <= at);
        if begun % 2 == 1 {
            self.marks.get(begun - 1).map_or(at, |mark| mark.1)
        } else {
            at
        }
    }
}

fn escape(rest: &[u8]) -> Escape {
    match rest {
        [b'%', high, low, ..] => match (hex(*high), hex(*low)) {
            (Some(high), Some(low)) => Escape::Byte((high * 16 + low) as u8),
            _ => Escape::None,
        },
        [b'%', ..] => Escape::Partial,
        [b'\\', b'u', a, b, c, d, ..] => {
            let digits = [*a, *b, *c, *d];
            let code = digits
                .into_iter()
                .try_fold(0, |code, digit| Some(code * 16 + hex(digit)?));
            match code {
                Some(code) => Escape::Stands(6, char::from_u32(code)),
                None => Escape::Stands(1, None),
            }
        }
        [b'\\'] | [b'\\', b'u', ..] => Escape::Partial,
        [b'\\', ..] => Escape::Stands(1, None),
        _ => Escape::None,
    }
}

fn hex(digit: u8) -> Option<u32> {
    char::from(digit).to_digit(16)
}
