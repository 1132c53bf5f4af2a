//! All ways of proof of a source: every one must hold.

use std::fmt;

use doorward_policy::Timestamp;

use super::mac::Hashing;
use super::scheme::{Kind, Scheme, SchemeFault};
use super::secrets::{Match, Which};
use super::standard::Signed;
use crate::head::Head;

const MOST: usize = 8;

/// The ways of proof of a source, one at least.
#[derive(Debug, Clone)]
pub struct Schemes(Vec<Scheme>);

/// What comes before the body.
#[derive(Clone, Copy)]
pub struct Delivery<'a> {
    /// The headers.
    pub head: &'a dyn Head,
    /// SHA-256 of the caller's certificate, where the caller showed one and TLS holds it for valid.
    pub certificate: Option<&'a [u8; 32]>,
}

/// Why a delivery is refused. For our own counters: whoever sent it is told nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Why {
    /// What should prove it is not there.
    Missing,
    /// A header is there more than once.
    Repeated,
    /// A header is longer than 4,096 bytes, or lists too much.
    TooLong,
    /// A header is not of its form.
    Malformed,
    /// The signed time is too far from ours.
    Stale,
    /// Secret or signature are not ours.
    Wrong,
}

impl Why {
    /// A name for counters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Repeated => "repeated",
            Self::TooLong => "too_long",
            Self::Malformed => "malformed",
            Self::Stale => "stale",
            Self::Wrong => "wrong",
        }
    }
}

/// A delivery that did not prove itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub struct Refused {
    /// Which scheme did not hold, counted from zero; the first, if more than one.
    pub scheme: usize,
    /// Why.
    pub why: Why,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.why {
            Why::Missing => "what should prove the delivery is missing",
            Why::Repeated => "a header that should prove the delivery is there more than once",
            Why::TooLong => "a header that should prove the delivery is too long",
            Why::Malformed => "a header that should prove the delivery is malformed",
            Why::Stale => "the delivery's signed time is too far from the clock's",
            Why::Wrong => "the delivery's secret or signature is wrong",
        })
    }
}

/// A delivery that proved itself. Only [`Schemes`] make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Verified {
    /// By scheme: whether it was the other secret.
    others: u8,
    count: usize,
}

impl Verified {
    /// Which secret each scheme matched, in their order.
    pub fn secrets(self) -> impl Iterator<Item = Which> {
        (0..self.count).map(move |scheme| match self.others >> scheme & 1 {
            0 => Which::Current,
            _ => Which::Other,
        })
    }
}

impl Schemes {
    /// Takes one to eight schemes.
    ///
    /// # Errors
    /// When there is none: then anybody could deliver. When there are more.
    pub fn new(schemes: Vec<Scheme>) -> Result<Self, SchemeFault> {
        match schemes.len() {
            0 => Err(SchemeFault::None),
            1..=MOST => Ok(Self(schemes)),
            _ => Err(SchemeFault::TooMany),
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Judges what can be judged before the body is read. All schemes are tried, whatever comes of
    /// the first ones.
    ///
    /// # Errors
    /// When one does not hold already.
    pub fn head(&self, delivery: &Delivery<'_>, now: Timestamp) -> Result<Pending, Refused> {
        let head = delivery.head;
        let mut pending = Pending {
            found: Judged::default(),
            open: Vec::new(),
            wants_whole: false,
        };
        for (scheme, Scheme(kind)) in self.0.iter().enumerate() {
            let open = match kind {
                Kind::Shared(shared) => {
                    pending.found.add(scheme, shared.check(head));
                    continue;
                }
                Kind::Pins(pins) => {
                    pending.found.add(scheme, pins.check(delivery.certificate));
                    continue;
                }
                Kind::Plain(plain) => plain.begin(head, now).map(Open::Mac),
                Kind::Listed(listed) => listed.begin(head, now).map(Open::Mac),
                Kind::Standard(keys) => {
                    pending.wants_whole |= keys.wants_whole();
                    keys.begin(head, now).map(Open::Signed)
                }
            };
            match open {
                Ok(open) => pending.open.push((scheme, open)),
                Err(why) => pending.found.add(scheme, Err(why)),
            }
        }
        pending.found.refused.map_or(Ok(pending), Err)
    }

    /// Judges a delivery whose body is there, whole.
    ///
    /// # Errors
    /// When a scheme does not hold.
    pub fn verify(
        &self,
        delivery: &Delivery<'_>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Verified, Refused> {
        self.head(delivery, now)?.whole(body)
    }
}

/// What was found so far.
#[derive(Debug, Clone, Copy, Default)]
struct Judged {
    others: u8,
    count: usize,
    refused: Option<Refused>,
}

impl Judged {
    fn add(&mut self, scheme: usize, matched: Result<Match, Why>) {
        let which = matched.and_then(|matched| matched.which().ok_or(Why::Wrong));
        self.count += 1;
        match which {
            Ok(Which::Current) => {}
            Ok(Which::Other) => self.others |= 1_u8.checked_shl(scheme as u32).unwrap_or(0),
            Err(why) => {
                let refused = Refused { scheme, why };
                self.refused = match self.refused {
                    Some(first) if first.scheme < scheme => Some(first),
                    _ => Some(refused),
                };
            }
        }
    }

    fn verdict(self) -> Result<Verified, Refused> {
        self.refused.map_or(
            Ok(Verified {
                others: self.others,
                count: self.count,
            }),
            Err,
        )
    }
}

/// A scheme that waits for the body.
#[derive(Clone)]
enum Open {
    Mac(Hashing),
    Signed(Signed),
}

/// A delivery whose head holds. [`whole`](Self::whole) or [`stream`](Self::stream) judge the rest.
#[derive(Clone)]
#[must_use]
pub struct Pending {
    found: Judged,
    open: Vec<(usize, Open)>,
    wants_whole: bool,
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pending({} schemes want the body)", self.open.len())
    }
}

impl Pending {
    /// The verdict, when no scheme wants the body.
    pub fn settled(&self) -> Option<Verified> {
        if self.open.is_empty() {
            self.found.verdict().ok()
        } else {
            None
        }
    }

    /// Judges with the whole body.
    ///
    /// # Errors
    /// When a scheme does not hold.
    pub fn whole(self, body: &[u8]) -> Result<Verified, Refused> {
        let mut stream = Stream(self);
        stream.update(body);
        stream.end(Some(body))
    }

    /// Judges a body of any length, piece by piece. None where Ed25519 may have signed it: that can
    /// be told of a whole body alone.
    pub fn stream(self) -> Option<Stream> {
        if self.wants_whole {
            None
        } else {
            Some(Stream(self))
        }
    }
}

/// A delivery whose body comes piece by piece.
#[derive(Debug, Clone)]
#[must_use]
pub struct Stream(Pending);

impl Stream {
    /// The next piece of the body.
    pub fn update(&mut self, bytes: &[u8]) {
        for (_, open) in &mut self.0.open {
            match open {
                Open::Mac(hashing) => hashing.update(bytes),
                Open::Signed(signed) => signed.update(bytes),
            }
        }
    }

    /// Judges, now that the body has ended.
    ///
    /// # Errors
    /// When a scheme does not hold.
    pub fn finish(self) -> Result<Verified, Refused> {
        self.end(None)
    }

    fn end(self, body: Option<&[u8]>) -> Result<Verified, Refused> {
        let mut found = self.0.found;
        for (scheme, open) in self.0.open {
            let matched = match open {
                Open::Mac(hashing) => hashing.finish(),
                Open::Signed(signed) => signed.finish(body),
            };
            found.add(scheme, Ok(matched));
        }
        found.verdict()
    }
}
