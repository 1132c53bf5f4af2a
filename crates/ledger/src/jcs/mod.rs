//! The canonical form of JSON (RFC 8785): a record has exactly one spelling, so it has one hash.

mod members;
mod plain;
mod writer;

use std::cell::RefCell;

use serde::Serialize;
use serde_json::Value;

use crate::{Error, Result};
pub(crate) use plain::is_plain;
use writer::{Fault, Writer};

/// The most bytes a leaf may have; an entry bundle gives its length in two bytes.
pub const MAX_LEAF_BYTES: usize = 65_535;

/// Whole numbers beyond this lose digits in implementations that read them as doubles, as the
/// canonical form does.
pub(crate) const MAX_EXACT: u64 = (1 << 53) - 1;

/// The canonical form of `value`: members sorted by UTF-16 code units, numbers as ECMAScript writes
/// them, no white space.
///
/// # Errors
///
/// When it would be larger than [`MAX_LEAF_BYTES`], or holds a whole number of more than 53 bits
/// or what JSON can't express.
pub fn canonical_json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    let mut writer = Writer::new();
    write(value, &mut writer)?;
    Ok(writer.into_bytes())
}

thread_local! {
    static WRITER: RefCell<Writer> = RefCell::new(Writer::new());
}

/// Gives what `use_it` makes of the canonical form of `value`, which is written where the one before
/// was: a leaf's room is more than the allocator has at hand.
///
/// # Errors
///
/// As [`canonical_json`].
pub(crate) fn with_canonical<T, R>(value: &T, use_it: impl FnOnce(&[u8]) -> R) -> Result<R>
where
    T: Serialize + ?Sized,
{
    WRITER.with(|writer| match writer.try_borrow_mut() {
        Ok(mut writer) => {
            writer.clear();
            write(value, &mut writer).map(|()| use_it(writer.bytes()))
        }
        // Within what is being written.
        Err(_) => canonical_json(value).map(|bytes| use_it(&bytes)),
    })
}

fn write<T: Serialize + ?Sized>(value: &T, writer: &mut Writer) -> Result<()> {
    value.serialize(writer).map_err(|fault| match fault {
        Fault::NotJson => Error::NotALeaf("it holds what JSON can't express"),
        Fault::Inexact => Error::NotALeaf("it holds a whole number of more than 53 bits"),
        Fault::Twice => Error::NotALeaf("it holds a member twice"),
        Fault::TooLarge => Error::TooLarge {
            what: "the leaf",
            limit: MAX_LEAF_BYTES,
        },
    })
}

/// Parses canonical JSON, refusing any other spelling of the same value: white space, another order
/// of members, a member given twice, `1.0` for `1`, escapes that need not be.
///
/// # Errors
///
/// When it is too large, no JSON, nested more than 127 deep, or not canonical.
pub(crate) fn parse_canonical(bytes: &[u8]) -> Result<Value> {
    if bytes.len() > MAX_LEAF_BYTES {
        return Err(Error::TooLarge {
            what: "the leaf",
            limit: MAX_LEAF_BYTES,
        });
    }
    let value: Value =
        serde_json::from_slice(bytes).map_err(|_| Error::NotALeaf("it is not JSON"))?;
    if canonical_json(&value)? != bytes {
        return Err(Error::NotALeaf("its JSON is not in the canonical form"));
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn canonical(json: &str) -> String {
        let value: Value = serde_json::from_str(json).unwrap();
        String::from_utf8(canonical_json(&value).unwrap()).unwrap()
    }

    #[test]
    fn example_of_rfc_8785_section_3_2_2() {
        let text = canonical(
            r#"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],
                "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#,
        );
        assert_eq!(
            text,
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
             \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"
        );
    }

    #[test]
    fn members_are_sorted_by_utf_16_code_units() {
        // Section 3.2.3: by code points the emoji would come after the dalet with dagesh.
        let text = canonical(
            r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh",
                "1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control",
                "\u00f6":"Latin Small Letter O With Diaeresis"}"#,
        );
        let order = [
            "Carriage", "One", "Control", "Latin", "Euro", "Emoji", "Hebrew",
        ];
        let places: Vec<_> = order.map(|word| text.find(word).unwrap()).into();
        assert!(places.is_sorted(), "{text}");
    }

    #[test]
    fn numbers_of_rfc_8785_appendix_b() {
        for (bits, text) in [
            (0x0000_0000_0000_0000_u64, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
        ] {
            let bytes = canonical_json(&f64::from_bits(bits)).unwrap();
            assert_eq!(String::from_utf8(bytes).unwrap(), text, "{bits:x}");
        }
    }

    /// Another implementation of RFC 8785 writes the same.
    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn agrees_with_another_implementation(value in any_json()) {
            if let Ok(ours) = canonical_json(&value) {
                prop_assert_eq!(&ours, &serde_json_canonicalizer::to_vec(&value).unwrap());
                prop_assert!(parse_canonical(&ours).is_ok());
            }
        }
    }

    #[derive(Serialize)]
    enum Any {
        Unit,
        One(u8),
        Two(u8, char),
        Named { b: Option<()>, a: f32 },
    }

    #[test]
    fn values_of_every_kind_are_written_as_they_are_read() {
        #[derive(Serialize)]
        struct Whole {
            z: [Any; 4],
            #[serde(flatten)]
            more: std::collections::BTreeMap<&'static str, (i64, &'static str)>,
            empty: [u8; 0],
            none: std::collections::BTreeMap<String, u8>,
        }
        let whole = Whole {
            z: [
                Any::Unit,
                Any::One(1),
                Any::Two(2, '\u{1}'),
                Any::Named { b: None, a: 0.5 },
            ],
            more: [("a\"", (-1, "\\")), ("a", (0, "ä\n"))].into(),
            empty: [],
            none: Default::default(),
        };
        let bytes = canonical_json(&whole).unwrap();
        assert_eq!(
            String::from_utf8(bytes.clone()).unwrap(),
            "{\"a\":[0,\"ä\\n\"],\"a\\\"\":[-1,\"\\\\\"],\"empty\":[],\"none\":{},\"z\":[\"Unit\",\
             {\"One\":1},{\"Two\":[2,\"\\u0001\"]},{\"Named\":{\"a\":0.5,\"b\":null}}]}"
        );
        assert_eq!(
            bytes,
            canonical_json(&parse_canonical(&bytes).unwrap()).unwrap()
        );
    }

    #[test]
    fn what_has_no_canonical_form_is_refused() {
        #[derive(Serialize)]
        struct Twice {
            a: u8,
            #[serde(flatten)]
            more: std::collections::BTreeMap<&'static str, u8>,
        }
        let more = [("a", 1)].into();
        assert!(canonical_json(&Twice { a: 1, more }).is_err());
        assert!(canonical_json(&f64::NAN).is_err());
        assert!(canonical_json(&(1_u64 << 53)).is_err());
        assert!(canonical_json(&i64::MIN).is_err());
        assert!(canonical_json(&u64::MAX).is_err());
        assert!(canonical_json(&std::collections::BTreeMap::from([(1, 1)])).is_err());
        assert!(canonical_json(&(1_i64 - (1 << 53))).is_ok());
    }

    #[test]
    fn only_the_canonical_spelling_is_read() {
        assert!(parse_canonical(br#"{"a":1,"b":[true,"x"]}"#).is_ok());
        for other in [
            r#"{"b":1,"a":1}"#,
            r#"{"a":1,"a":1}"#,
            r#"{"a": 1}"#,
            r#"{"a":1.0}"#,
            r#"{"a":1e0}"#,
            r#"{"a":-0}"#,
            r#"{"a":"\u0061"}"#,
            r#"{"a":"\/"}"#,
            r#"{"a":9007199254740993}"#,
            "{\"a\":1}\n",
            "",
            "{",
        ] {
            assert!(parse_canonical(other.as_bytes()).is_err(), "{other}");
        }
    }

    #[test]
    fn depth_and_size_are_bounded() {
        let deep = "[".repeat(10_000) + &"]".repeat(10_000);
        assert!(parse_canonical(deep.as_bytes()).is_err());
        let long = format!("\"{}\"", "x".repeat(MAX_LEAF_BYTES - 2));
        assert!(parse_canonical(long.as_bytes()).is_ok());
        let longer = format!("\"{}\"", "x".repeat(MAX_LEAF_BYTES - 1));
        assert!(matches!(
            parse_canonical(longer.as_bytes()),
            Err(Error::TooLarge { .. })
        ));
    }
}
