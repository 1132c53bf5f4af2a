//! Writes the canonical form in one go: each leaf passes here, on the way of a call, and to make a
//! tree of values first took four times as long.

use std::cmp::Ordering;
use std::fmt::{self, Write as _};

use serde::ser::{self, Serialize};

use super::members::{Member, by_name, first_eight};
use super::plain::is_plain;
use super::{MAX_EXACT, MAX_LEAF_BYTES};

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

/// Writes what is shown as the inside of a string.
struct Shown<'w>(&'w mut Writer, Written);

impl fmt::Write for Shown<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.1 = self.0.put_text(text);
        self.1.map_err(|_| fmt::Error)
    }
}

impl<'w> ser::Serializer for &'w mut Writer {
    type Ok = ();
    type Error = Fault;
    type SerializeSeq = Compound<'w>;
    type SerializeTuple = Compound<'w>;
    type SerializeTupleStruct = Compound<'w>;
    type SerializeTupleVariant = Compound<'w>;
    type SerializeMap = Compound<'w>;
    type SerializeStruct = Compound<'w>;
    type SerializeStructVariant = Compound<'w>;

    fn serialize_bool(self, value: bool) -> Written {
        self.put(if value { b"true" } else { b"false" })
    }

    fn serialize_i8(self, value: i8) -> Written {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Written {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Written {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Written {
        if value.unsigned_abs() > MAX_EXACT {
            return Err(Fault::Inexact);
        }
        self.put(itoa::Buffer::new().format(value).as_bytes())
    }

    fn serialize_u8(self, value: u8) -> Written {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Written {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Written {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Written {
        self.serialize_i64(i64::try_from(value).map_err(|_| Fault::Inexact)?)
    }

    fn serialize_f32(self, value: f32) -> Written {
        self.serialize_f64(value.into())
    }

    fn serialize_f64(self, value: f64) -> Written {
        if !value.is_finite() {
            return Err(Fault::NotJson);
        }
        // Between these, a double is written as a whole number, and would be read as one.
        if (9_007_199_254_740_992.0..18_446_744_073_709_551_616.0).contains(&value.abs()) {
            return Err(Fault::Inexact);
        }
        self.put(ryu_js::Buffer::new().format_finite(value).as_bytes())
    }

    fn serialize_char(self, value: char) -> Written {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Written {
        let bytes = value.as_bytes();
        if is_plain(bytes) && self.out.len() + bytes.len() + 2 <= MAX_LEAF_BYTES {
            self.out.reserve(bytes.len() + 2);
            self.out.push(b'"');
            self.out.extend_from_slice(bytes);
            self.out.push(b'"');
            return Ok(());
        }
        self.put(b"\"")?;
        self.put_text(value)?;
        self.put(b"\"")
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Written {
        self.put(b"\"")?;
        let mut shown = Shown(self, Ok(()));
        let done = write!(shown, "{value}");
        shown.1?;
        done.map_err(|_| Fault::NotJson)?;
        self.put(b"\"")
    }

    fn serialize_bytes(self, value: &[u8]) -> Written {
        value.serialize(self)
    }

    fn serialize_none(self) -> Written {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Written {
        self.put(b"null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Written {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Written {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Written {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Written {
        let mut object = self.begin(b"{")?;
        object.name(variant)?;
        object.value(value)?;
        object.end_members()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'w>, Fault> {
        self.begin(b"[")
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'w>, Fault> {
        self.begin(b"[")
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound<'w>, Fault> {
        self.begin(b"[")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'w>, Fault> {
        self.begin_variant(variant, b"[", b"}")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'w>, Fault> {
        self.begin(b"{")
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Compound<'w>, Fault> {
        self.begin(b"{")
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'w>, Fault> {
        self.begin_variant(variant, b"{", b"}")
    }
}

/// Arrays of all kinds.
macro_rules! items {
    ($($of:ident $take:ident),+) => {$(
        impl ser::$of for Compound<'_> {
            type Ok = ();
            type Error = Fault;

            fn $take<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
                self.item(value)
            }

            fn end(self) -> Written {
                self.end_items()
            }
        }
    )+};
}

/// Objects whose members' names are known.
macro_rules! fields {
    ($($of:ident),+) => {$(
        impl ser::$of for Compound<'_> {
            type Ok = ();
            type Error = Fault;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Written {
                self.known_name(name)?;
                self.value(value)
            }

            fn end(self) -> Written {
                self.end_members()
            }
        }
    )+};
}

items!(
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
);
fields!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = Fault;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Written {
        self.name(name)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        self.value(value)
    }

    fn end(self) -> Written {
        self.end_members()
    }
}
