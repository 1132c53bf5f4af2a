//! Strict JSON: what is decided on must be what Instantly reads.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// Why bytes are refused as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JsonFault {
    /// They are no JSON text in UTF-8.
    #[error("the body is not JSON in UTF-8")]
    Syntax,
    /// An object names a member twice: parsers differ in which one counts.
    #[error("an object in the body has the same name twice")]
    DuplicateName,
    /// Arrays and objects nest deeper than allowed.
    #[error("the body nests too deeply")]
    TooDeep,
}

/// Checks that `bytes` are one JSON value, nested at most `depth` levels, with no object naming
/// a member twice. Names are compared decoded: `"a"` and `"\u0061"` are the same.
pub(crate) fn check(bytes: &[u8], depth: usize) -> Result<(), JsonFault> {
    let fault = Cell::new(None);
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    Strict {
        depth,
        fault: &fault,
    }
    .deserialize(&mut parser)
    .and_then(|()| parser.end())
    .map_err(|_| fault.get().unwrap_or(JsonFault::Syntax))
}

#[derive(Clone, Copy)]
struct Strict<'a> {
    /// Levels left.
    depth: usize,
    fault: &'a Cell<Option<JsonFault>>,
}

impl Strict<'_> {
    fn refuse<E: serde::de::Error>(self, fault: JsonFault) -> E {
        self.fault.set(Some(fault));
        E::custom(fault)
    }

    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth = self
            .depth
            .checked_sub(1)
            .ok_or_else(|| self.refuse(JsonFault::TooDeep))?;
        Ok(Self { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        while seq.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let inner = self.deeper()?;
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            if !names.insert(name) {
                return Err(self.refuse(JsonFault::DuplicateName));
            }
            map.next_value_seed(inner)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ordinary_json_passes() {
        for text in [
            "{}",
            "[]",
            "null",
            "1",
            "-1.5e3",
            r#""ü""#,
            r#"{"a":{"a":[{"a":1},{"a":2}]},"b":null}"#,
        ] {
            assert_eq!(check(text.as_bytes(), 8), Ok(()), "{text}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for bytes in [
            &b""[..],
            b" ",
            b"{",
            b"{}{}",
            b"{} x",
            b"{'a':1}",
            b"{a:1}",
            b"[1,]",
            b"NaN",
            b"01",
            b"\xef\xbb\xbf{}",
            b"\"\xff\"",
            b"{\"\xff\":1}",
            b"\"\\ud800\"",
            b"\"\x01\"",
            b"//x\n{}",
            b"1e999",
        ] {
            assert_eq!(check(bytes, 8), Err(JsonFault::Syntax), "{bytes:?}");
        }
    }

    #[test]
    fn a_name_twice_is_refused() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"[{"b":{"x":1,"y":2,"x":3}}]"#,
        ] {
            assert_eq!(
                check(text.as_bytes(), 8),
                Err(JsonFault::DuplicateName),
                "{text}"
            );
        }
        assert_eq!(check(br#"{"a":1,"A":2}"#, 8), Ok(()));
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(check(nested(64).as_bytes(), 64), Ok(()));
        assert_eq!(check(nested(65).as_bytes(), 64), Err(JsonFault::TooDeep));
        assert_eq!(
            check("[".repeat(100_000).as_bytes(), 64),
            Err(JsonFault::TooDeep)
        );
        assert_eq!(
            check(r#"{"a":"#.repeat(100_000).as_bytes(), 64),
            Err(JsonFault::TooDeep)
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if check(&bytes, 8).is_ok() {
                prop_assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
            }
        }
    }
}
