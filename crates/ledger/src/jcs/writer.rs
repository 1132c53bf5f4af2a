//! Writes the canonical form in one go: each leaf passes here, on the way of a call, and to make a
//! tree of values first took four times as long.

mod serializer;

use std::cmp::Ordering;
use std::fmt;

use serde::ser::{self, Serialize};

use super::MAX_LEAF_BYTES;
use super::members::{Member, by_name, first_eight};
use super::plain::is_plain;

/// What can't be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is no JSON.
    NotJson,
    /// A whole number of more than 53 bits.
    Inexact,
    /// Two members of one name.
    Twice,
    /// More than [`MAX_LEAF_BYTES`].
    TooLarge,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotJson => "it holds what JSON can't express",
            Self::Inexact => "it holds a whole number of more than 53 bits",
            Self::Twice => "it holds a member twice",
            Self::TooLarge => "it is too large",
        })
    }
}

impl std::error::Error for Fault {}

impl ser::Error for Fault {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::NotJson
    }
}

/// Room that is kept for the next.
const USUAL: usize = 8 * 1024;

type Written = Result<(), Fault>;

/// The canonical form as far as it is written.
pub(super) struct Writer {
    out: Vec<u8>,
    /// Members of all objects that are begun, the innermost last.
    members: Vec<Member>,
    /// Room to sort an object's members in.
    sorted: Vec<u8>,
}

impl Writer {
    pub(super) fn new() -> Self {
        Self {
            out: Vec::with_capacity(1024),
            members: Vec::with_capacity(32),
            sorted: Vec::with_capacity(1024),
        }
    }

    /// Begins anew, in the same room as long as that is of a usual size.
    pub(super) fn clear(&mut self) {
        self.members.clear();
        if self.out.capacity() > USUAL {
            *self = Self::new();
        }
        self.out.clear();
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.out
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    fn put(&mut self, bytes: &[u8]) -> Written {
        if self.out.len() + bytes.len() > MAX_LEAF_BYTES {
            return Err(Fault::TooLarge);
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// The inside of a string. The library's escapes are those of the canonical form: short ones
    /// where there are, `\u00xx` in lower case for other control characters, nothing else.
    fn put_text(&mut self, text: &str) -> Written {
        if is_plain(text.as_bytes()) {
            return self.put(text.as_bytes());
        }
        self.put_escaped(text)
    }

    #[cold]
    fn put_escaped(&mut self, text: &str) -> Written {
        let quoted = serde_json::to_string(text).map_err(|_| Fault::NotJson)?;
        let inside = quoted.get(1..quoted.len().saturating_sub(1));
        self.put(inside.unwrap_or_default().as_bytes())
    }

    fn begin(&mut self, open: &[u8]) -> Result<Compound<'_>, Fault> {
        self.put(open)?;
        Ok(Compound {
            start: self.out.len(),
            first_member: self.members.len(),
            closing: b"",
            writer: self,
        })
    }

    /// `{"variant":` and what comes then.
    fn begin_variant(
        &mut self,
        variant: &str,
        open: &[u8],
        closing: &'static [u8],
    ) -> Result<Compound<'_>, Fault> {
        self.put(b"{")?;
        variant.serialize(&mut *self)?;
        self.put(b":")?;
        Ok(Compound {
            closing,
            ..self.begin(open)?
        })
    }

    /// Puts the members of the innermost object in their order.
    fn sort(&mut self, start: usize, first_member: usize) -> Written {
        let Self {
            out,
            members,
            sorted,
        } = self;
        let own = members.get_mut(first_member..).unwrap_or_default();
        let pairs = || own.array_windows();
        if pairs().all(|[a, b]| by_name(out, a, b) == Ordering::Less) {
            members.truncate(first_member);
            return Ok(());
        }
        own.sort_unstable_by(|a, b| by_name(out, a, b));
        let twice = own
            .array_windows()
            .any(|[a, b]| by_name(out, a, b) == Ordering::Equal);
        if twice {
            return Err(Fault::Twice);
        }
        sorted.clear();
        for (at, member) in own.iter().enumerate() {
            if at > 0 {
                sorted.push(b',');
            }
            sorted.extend_from_slice(out.get(member.start..member.end).unwrap_or_default());
        }
        out.truncate(start);
        members.truncate(first_member);
        if out.len() + sorted.len() > MAX_LEAF_BYTES {
            return Err(Fault::TooLarge);
        }
        out.extend_from_slice(sorted);
        Ok(())
    }
}

/// An array or an object under way.
pub(super) struct Compound<'w> {
    writer: &'w mut Writer,
    start: usize,
    first_member: usize,
    /// What ends the variant around it.
    closing: &'static [u8],
}

impl Compound<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        if self.writer.out.len() > self.start {
            self.writer.put(b",")?;
        }
        value.serialize(&mut *self.writer)
    }

    fn name<T: Serialize + ?Sized>(&mut self, name: &T) -> Written {
        if self.writer.out.len() > self.start {
            self.writer.put(b",")?;
        }
        let start = self.writer.out.len();
        name.serialize(&mut *self.writer)?;
        let written = self.writer.out.get(start..).unwrap_or_default();
        let [b'"', name @ .., b'"'] = written else {
            return Err(Fault::NotJson);
        };
        let plain = name.is_ascii() && !name.contains(&b'\\');
        let plain = plain.then(|| first_eight(name));
        self.writer.put(b":")?;
        let value = self.writer.out.len();
        self.writer.members.push(Member {
            start,
            value,
            end: value,
            plain,
        });
        Ok(())
    }

    /// The same for a name that is known beforehand, as nearly all are: in one go where it is plain.
    fn known_name(&mut self, name: &'static str) -> Written {
        let bytes = name.as_bytes();
        if !bytes.is_ascii() || !is_plain(bytes) {
            return self.name(name);
        }
        let Writer { out, members, .. } = &mut *self.writer;
        let follows = out.len() > self.start;
        // With the comma, the quotes and the colon.
        let room = usize::from(follows) + bytes.len() + 3;
        if out.len() + room > MAX_LEAF_BYTES {
            return Err(Fault::TooLarge);
        }
        out.reserve(room);
        if follows {
            out.push(b',');
        }
        let start = out.len();
        out.push(b'"');
        out.extend_from_slice(bytes);
        out.extend_from_slice(b"\":");
        let value = out.len();
        members.push(Member {
            start,
            value,
            end: value,
            plain: Some(first_eight(bytes)),
        });
        Ok(())
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        value.serialize(&mut *self.writer)?;
        let end = self.writer.out.len();
        if let Some(member) = self.writer.members.last_mut() {
            member.end = end;
        }
        Ok(())
    }

    fn end_items(self) -> Written {
        self.writer.put(b"]")?;
        self.writer.put(self.closing)
    }

    fn end_members(self) -> Written {
        self.writer.sort(self.start, self.first_member)?;
        self.writer.put(b"}")?;
        self.writer.put(self.closing)
    }
}
