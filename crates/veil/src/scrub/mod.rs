//! Removes known secrets, and all client keys, from bytes that pass.

mod client_keys;
mod forms;
mod index;
mod stream;
mod view;

use std::borrow::Cow;
use std::fmt;

pub use stream::Scrubbing;

use crate::VeilError;
use client_keys::ClientKeys;
use forms::{can_be_within, forms};
use index::{Index, Span, WINDOW};
use view::{View, has_escapes};

/// What stands in a secret's place. It is plain text within a string of JSON, in a query and in a
/// log; a `Content-Length` that was told before no longer holds.
pub const MARKER: &str = "[removed]";

/// The shortest secret that is looked for, in bytes: shorter ones would be found by chance.
pub const SECRET_MIN: usize = WINDOW;
/// The longest, in bytes. It bounds what a stream holds back.
pub const SECRET_MAX: usize = 4096;
/// The most secrets.
pub const SECRETS_MAX: usize = 100_000;

/// A form of `n` bytes may take this many times `n` in the text: `\\u0041` takes seven.
const SPREAD: usize = 8;

/// Finds and removes a set of secrets, and whatever is a client key by its form and checksum, each
/// - as it is,
/// - in base64 of both alphabets, padded or not, wherever it begins in what was encoded,
/// - and either of those with any of its characters as `%XX`, as `\uXXXX`, or after backslashes
///   (JSON, and JSON in a string of JSON).
///
/// Of one that is cut off by the end of the text its beginning is removed, from twelve characters on.
///
/// Not found are: base64 broken into lines, percent-encoding done twice, base64 done twice, an
/// escaped form of more than eight times its own length, and an escaped form whose first
/// characters read as the end of an escape begun before it (`%4` before a digit).
///
/// It is made once for a set of secrets and shared (`Arc`). It holds them: dropping it wipes them.
pub struct Scrubber {
    index: Index,
    client_keys: ClientKeys,
    hold: usize,
    /// Whether a byte can be within a form: where one can't, a stream may be cut.
    within: [bool; 256],
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrubber")
    }
}

impl Scrubber {
    /// Looks for these secrets, and for client keys. None at all is allowed.
    ///
    /// # Errors
    /// A secret is shorter than [`SECRET_MIN`] or longer than [`SECRET_MAX`], or there are more
    /// than [`SECRETS_MAX`].
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Result<Scrubber, VeilError> {
        let mut all = Vec::new();
        for (secret, count) in secrets.into_iter().zip(1_usize..) {
            if secret.len() < SECRET_MIN || secret.len() > SECRET_MAX {
                return Err(VeilError::SecretLength(secret.len()));
            }
            if count > SECRETS_MAX {
                return Err(VeilError::TooManySecrets);
            }
            forms(secret, &mut all);
        }
        let within = can_be_within(&all);
        let index = Index::new(all);
        Ok(Scrubber {
            hold: index.longest().max(client_keys::FORM_MAX) * SPREAD,
            index,
            client_keys: ClientKeys::new()?,
            within,
        })
    }

    /// The bytes without the secrets; borrowed where there was none.
    pub fn scrub<'a>(&self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        // Every form has so many bytes at least, and escapes only make it longer.
        if bytes.len() < WINDOW {
            return Cow::Borrowed(bytes);
        }
        let mut spans = Vec::new();
        self.find(bytes, true, &mut View::default(), &mut spans);
        if spans.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let mut out = Vec::with_capacity(bytes.len());
        let mut cover = Cover::default();
        cover.emit(bytes, &spans, bytes.len(), &mut out);
        Cow::Owned(out)
    }

    /// Where secrets lie in the bytes, by their beginning. Tells whether the view was made.
    fn find(&self, bytes: &[u8], is_last: bool, view: &mut View, spans: &mut Vec<Span>) -> bool {
        spans.clear();
        self.find_plain(bytes, is_last, spans);
        let escaped = has_escapes(bytes);
        if escaped {
            view.fill(bytes, is_last);
            let plain = spans.len();
            self.find_plain(view.bytes(), is_last, spans);
            for span in spans.iter_mut().skip(plain) {
                *span = view.in_text(*span);
            }
        }
        spans.sort_unstable();
        escaped
    }

    fn find_plain(&self, bytes: &[u8], is_last: bool, spans: &mut Vec<Span>) {
        self.client_keys.find(bytes, spans);
        if !self.index.is_empty() {
            self.index.find(bytes, spans);
        }
        if let Some(start) = is_last.then(|| self.cut_off(bytes)).flatten() {
            spans.push((start, bytes.len()));
        }
    }

    /// Where a secret begins that is cut off by the end of the text: most of it would be there.
    fn cut_off(&self, text: &[u8]) -> Option<usize> {
        let is_within = |byte: &u8| self.within.get(usize::from(*byte)).is_some_and(|is| *is);
        let tail = text.iter().rev().take_while(|byte| is_within(byte));
        let longest = self.index.longest().max(client_keys::FORM_MAX);
        let begin = text.len() - tail.take(longest).count();
        (begin..=text.len().checked_sub(WINDOW)?).find(|at| {
            let rest = text.get(*at..).unwrap_or(&[]);
            self.index.has_beginning(rest) || client_keys::is_beginning(rest)
        })
    }
}

/// How far secrets reach that were already replaced.
#[derive(Default)]
struct Cover {
    until: usize,
    replaced: u64,
}

impl Cover {
    /// Writes the bytes up to a place, spans that overlap as one marker.
    fn emit(&mut self, bytes: &[u8], spans: &[Span], to: usize, out: &mut Vec<u8>) {
        for &(start, end) in spans.iter().take_while(|span| span.0 < to) {
            if start >= self.until {
                out.extend_from_slice(bytes.get(self.until..start).unwrap_or(&[]));
                out.extend_from_slice(MARKER.as_bytes());
                self.replaced += 1;
            }
            self.until = self.until.max(end);
        }
        out.extend_from_slice(bytes.get(self.until..to).unwrap_or(&[]));
        self.until = self.until.max(to);
    }
}
