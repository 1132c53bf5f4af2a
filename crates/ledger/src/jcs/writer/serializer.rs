//! What each kind of value is written as.

use std::fmt::{self, Write as _};

use serde::ser::{self, Serialize};

use super::{Compound, Fault, Writer, Written};
use crate::jcs::plain::is_plain;
use crate::jcs::{MAX_EXACT, MAX_LEAF_BYTES};

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
