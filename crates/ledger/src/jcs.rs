//! The canonical form of JSON (RFC 8785): a record has exactly one spelling, so it has one hash.

use serde::Serialize;
use serde_json::{Number, Value};

use crate::{Error, Result};

/// The most bytes a leaf may have; an entry bundle gives its length in two bytes.
pub const MAX_LEAF_BYTES: usize = 65_535;

/// Whole numbers beyond this lose digits in implementations that read them as doubles, as the
/// canonical form does.
const MAX_EXACT: u64 = (1 << 53) - 1;

/// The canonical form of `value`: members sorted by UTF-16 code units, numbers as ECMAScript writes
/// them, no white space.
///
/// # Errors
///
/// When it would be larger than [`MAX_LEAF_BYTES`], or holds a whole number of more than 53 bits
/// or what JSON can't express.
pub fn canonical_json<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    let value = serde_json::to_value(value)
        .map_err(|_| Error::NotALeaf("it holds what JSON can't express"))?;
    canonical_value(&value)
}

pub(crate) fn canonical_value(value: &Value) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(1024);
    write(value, &mut bytes)?;
    Ok(bytes)
}

/// Appends the canonical form. Each leaf that is written passes here, on the way of a call: a
/// general serializer took ten times as long.
fn write(value: &Value, to: &mut Vec<u8>) -> Result<()> {
    match value {
        Value::Null => to.extend(b"null"),
        Value::Bool(true) => to.extend(b"true"),
        Value::Bool(false) => to.extend(b"false"),
        Value::Number(number) => write_number(number, to)?,
        Value::String(text) => write_string(text, to)?,
        Value::Array(items) => {
            to.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    to.push(b',');
                }
                write(item, to)?;
            }
            to.push(b']');
        }
        Value::Object(members) => {
            let mut sorted: Vec<_> = members.iter().collect();
            sorted.sort_unstable_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
            to.push(b'{');
            for (at, (name, value)) in sorted.into_iter().enumerate() {
                if at > 0 {
                    to.push(b',');
                }
                write_string(name, to)?;
                to.push(b':');
                write(value, to)?;
            }
            to.push(b'}');
        }
    }
    if to.len() > MAX_LEAF_BYTES {
        return Err(Error::TooLarge {
            what: "the leaf",
            limit: MAX_LEAF_BYTES,
        });
    }
    Ok(())
}

/// The serializer's escapes are those of the canonical form: short ones where there are, `\u00xx`
/// in lower case for other control characters, nothing else.
fn write_string(text: &str, to: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(to, text).map_err(|_| Error::NotALeaf("it holds what JSON can't express"))
}

fn write_number(number: &Number, to: &mut Vec<u8>) -> Result<()> {
    const INEXACT: Error = Error::NotALeaf("it holds a whole number of more than 53 bits");
    if number.is_u64() || number.is_i64() {
        let magnitude = number.as_i64().map(i64::unsigned_abs);
        if magnitude.is_none_or(|n| n > MAX_EXACT) {
            return Err(INEXACT);
        }
        to.extend(number.to_string().as_bytes());
        return Ok(());
    }
    let float = number
        .as_f64()
        .filter(|float| float.is_finite())
        .ok_or(Error::NotALeaf("it holds what JSON can't express"))?;
    // Between these, a double is written as a whole number, and would be read as one.
    if (9_007_199_254_740_992.0..18_446_744_073_709_551_616.0).contains(&float.abs()) {
        return Err(INEXACT);
    }
    to.extend(ryu_js::Buffer::new().format_finite(float).as_bytes());
    Ok(())
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
    if canonical_value(&value)? != bytes {
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
        String::from_utf8(canonical_value(&value).unwrap()).unwrap()
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
            if let Ok(ours) = canonical_value(&value) {
                prop_assert_eq!(&ours, &serde_json_canonicalizer::to_vec(&value).unwrap());
                prop_assert!(parse_canonical(&ours).is_ok());
            }
        }
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
