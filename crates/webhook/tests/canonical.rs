//! Canonical JSON: what makes no difference, and that everything else does.

#![cfg(test)]

use std::collections::BTreeMap;

use doorward_webhook::{Canonicaliser, Fault, Limits};
use proptest::prelude::*;
use proptest::sample::Index;

/// A document as it is meant. Numbers are texts, strings units of UTF-16, halves of pairs too.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Doc {
    Word(&'static str),
    Number(String),
    Text(Vec<u16>),
    List(Vec<Doc>),
    Object(BTreeMap<Vec<u16>, Doc>),
}

fn units() -> impl Strategy<Value = Vec<u16>> {
    let unit = prop_oneof![
        8 => 0x20_u16..0x7f,
        2 => prop_oneof![Just(0x22_u16), Just(0x5c), Just(0x2f), Just(0x7f)],
        1 => 0_u16..0x20,
        2 => 0x80_u16..0xd800,
        1 => prop_oneof![Just(0xd83d_u16), Just(0xde00)],
    ];
    proptest::collection::vec(unit, 0..12)
}

fn number() -> impl Strategy<Value = String> {
    "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,20})?([eE][+-]?[0-9]{1,4})?"
}

fn doc() -> impl Strategy<Value = Doc> {
    let leaf = prop_oneof![
        prop_oneof![Just("true"), Just("false"), Just("null")].prop_map(Doc::Word),
        number().prop_map(Doc::Number),
        units().prop_map(Doc::Text),
    ];
    leaf.prop_recursive(4, 40, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Doc::List),
            proptest::collection::btree_map(units(), inner, 0..8).prop_map(Doc::Object),
        ]
    })
}

/// Chooses one of many ways to write a document.
struct Writer {
    choices: Vec<Index>,
    next: usize,
}

impl Writer {
    fn choose(&mut self, from: usize) -> usize {
        let choice = self.choices[self.next % self.choices.len()];
        self.next += 1;
        choice.index(from)
    }

    fn space(&mut self, out: &mut String) {
        out.push_str(["", "", " ", "\n", "\t \r\n"][self.choose(5)]);
    }

    fn text(&mut self, units: &[u16], out: &mut String) {
        out.push('"');
        for char in char::decode_utf16(units.iter().copied()) {
            match (char, self.choose(4)) {
                (Err(half), _) => out.push_str(&format!("\\u{:04x}", half.unpaired_surrogate())),
                (Ok(char @ ('"' | '\\')), 1..) => out.extend(['\\', char]),
                (Ok('/'), 1) => out.push_str("\\/"),
                (Ok('\n'), 1) => out.push_str("\\n"),
                (Ok('\u{8}'), 1) => out.push_str("\\b"),
                (Ok(char), choice) if choice == 0 || char < ' ' => {
                    for unit in char.encode_utf16(&mut [0; 2]) {
                        match self.choose(2) {
                            0 => out.push_str(&format!("\\u{unit:04x}")),
                            _ => out.push_str(&format!("\\u{unit:04X}")),
                        }
                    }
                }
                (Ok(char), _) => out.push(char),
            }
        }
        out.push('"');
    }

    fn write(&mut self, doc: &Doc, out: &mut String) {
        self.space(out);
        match doc {
            Doc::Word(word) => out.push_str(word),
            Doc::Number(number) => out.push_str(number),
            Doc::Text(units) => self.text(units, out),
            Doc::List(list) => {
                out.push('[');
                for (at, item) in list.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    self.write(item, out);
                }
                if list.is_empty() {
                    self.space(out);
                }
                out.push(']');
            }
            Doc::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                for at in (1..members.len()).rev() {
                    let other = self.choose(at + 1);
                    members.swap(at, other);
                }
                out.push('{');
                for (at, (name, value)) in members.into_iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    self.space(out);
                    self.text(name, out);
                    self.space(out);
                    out.push(':');
                    self.write(value, out);
                }
                self.space(out);
                out.push('}');
            }
        }
        self.space(out);
    }
}

fn written(doc: &Doc, choices: &[Index]) -> String {
    let mut out = String::new();
    let choices = choices.to_vec();
    Writer { choices, next: 0 }.write(doc, &mut out);
    out
}

fn canonical(text: &[u8]) -> Result<Vec<u8>, Fault> {
    let mut canonicaliser = Canonicaliser::default();
    let canonical = canonicaliser.run(text, &Limits::default())?;
    Ok(canonical.bytes().to_vec())
}

fn choices() -> impl Strategy<Value = Vec<Index>> {
    proptest::collection::vec(any::<Index>(), 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn order_space_and_escapes_make_no_difference(
        doc in doc(), one in choices(), other in choices(),
    ) {
        let (one, other) = (written(&doc, &one), written(&doc, &other));
        let found = canonical(one.as_bytes());
        prop_assert!(found.is_ok(), "{} {:?}", one, found);
        prop_assert_eq!(&found, &canonical(other.as_bytes()));
        let found = found.unwrap();
        prop_assert!(found.len() <= one.len());
        prop_assert_eq!(Ok(found.clone()), canonical(&found), "once more changes nothing");
    }

    #[test]
    fn anything_else_does(one in doc(), other in doc(), ways in choices()) {
        let same = canonical(written(&one, &ways).as_bytes())
            == canonical(written(&other, &ways).as_bytes());
        prop_assert_eq!(same, one == other);
    }

    #[test]
    fn numbers_are_as_they_were_sent(one in number(), other in number()) {
        let of = |number: &str| canonical(format!("[{number} ]").as_bytes()).unwrap();
        prop_assert_eq!(of(&one), format!("[{one}]").into_bytes());
        prop_assert_eq!(of(&one) == of(&other), one == other);
    }

    #[test]
    fn what_a_strict_parser_takes_is_taken_and_nothing_else(
        bytes in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..60),
            "[\\[\\]{}\",:0-9.eE+\\\\ a-c\n-]{0,30}".prop_map(String::into_bytes),
        ],
    ) {
        let found = canonical(&bytes);
        match serde_json::from_slice::<serde_json::Value>(&bytes) {
            // Of two members with one name the parser takes the last.
            Ok(value) => match found {
                Err(fault) => prop_assert_eq!(fault, Fault::SameName),
                Ok(found) => {
                    let again: serde_json::Value = serde_json::from_slice(&found).unwrap();
                    prop_assert_eq!(again, value);
                }
            },
            // It takes no number that is too large, and no half of a pair.
            Err(error) => prop_assert!(
                found.is_err()
                    || error.to_string().contains("out of range")
                    || error.to_string().contains("surrogate")
                    || error.to_string().contains("hex escape"),
                "{}: {:?}", error, bytes
            ),
        }
    }

    #[test]
    fn a_member_is_found_by_its_name(doc in doc(), ways in choices(), name in "[a-z_]{0,12}") {
        let text = written(&doc, &ways);
        let mut members = vec![format!("\"{name}\":{text}")];
        members.extend((0..3).map(|at| format!("\"{name}{at}\":[{{}},\"\\\"}}\"]")));
        let text = format!("{{{}}}", members.join(","));
        let mut canonicaliser = Canonicaliser::default();
        let found = canonicaliser.run(text.as_bytes(), &Limits::default()).unwrap();
        let object = found.object().unwrap();
        prop_assert_eq!(object.count(), 4);
        let value = object.get(&name).unwrap().bytes().to_vec();
        prop_assert_eq!(Ok(value), canonical(written(&doc, &ways).as_bytes()));
        prop_assert!(object.get("another").is_none());
    }
}

#[test]
fn examples() {
    for (text, found) in [
        (
            r#" { "b" : 1.0 , "a" : [ 1 , 1E400 , -0 ] } "#,
            r#"{"a":[1,1E400,-0],"b":1.0}"#,
        ),
        (
            r#"{"a":"\u0041\/\u000a\u001F\u00e9\ud83d\ude00"}"#,
            "{\"a\":\"A/\\n\\u001fé😀\"}",
        ),
        (r#""\ud83d""#, r#""\ud83d""#),
        (r#""\uDE00\uD83D""#, r#""\ude00\ud83d""#),
        ("[]", "[]"),
        (" {\n} ", "{}"),
        (
            r#"{"aaaaaaaab":1,"aaaaaaaaa":2,"aaaaaaaa":3}"#,
            r#"{"aaaaaaaa":3,"aaaaaaaaa":2,"aaaaaaaab":1}"#,
        ),
        (
            r#"{"b":{"d":1,"c":2},"a":{"f":3,"e":4}}"#,
            r#"{"a":{"e":4,"f":3},"b":{"c":2,"d":1}}"#,
        ),
    ] {
        let bytes = canonical(text.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), found);
    }
}

#[test]
fn faults_say_what_and_where() {
    let nested = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let many = format!("[{}1]", "1,".repeat(100_000));
    for (text, fault) in [
        ("", Fault::Syntax(0)),
        ("{} x", Fault::Syntax(3)),
        ("[1,]", Fault::Syntax(3)),
        ("{\"a\":1,}", Fault::Syntax(7)),
        ("{\"a\" 1}", Fault::Syntax(5)),
        ("[01]", Fault::Syntax(2)),
        ("1.", Fault::Syntax(0)),
        ("\"a\nb\"", Fault::Syntax(2)),
        ("\"a", Fault::Syntax(2)),
        ("\"\\x\"", Fault::Syntax(1)),
        ("\u{feff}{}", Fault::Syntax(0)),
        ("nul", Fault::Syntax(0)),
        (r#"{"a":1,"b":2,"\u0061":3}"#, Fault::SameName),
        (r#"[{"x":{"a":{"y":1,"y":1}}}]"#, Fault::SameName),
        (&nested(33), Fault::TooDeep),
        (&nested(1_000_000), Fault::TooDeep),
        (&"{\"a\":".repeat(1_000_000), Fault::TooDeep),
        (&many, Fault::TooMany),
        (&format!("\"{}\"", "x".repeat(5 << 20)), Fault::TooLong),
    ] {
        assert_eq!(
            canonical(text.as_bytes()),
            Err(fault),
            "{}",
            &text[..text.len().min(40)]
        );
    }
    assert_eq!(canonical(b"\"\xff\""), Err(Fault::NotUtf8));
    assert!(canonical(nested(32).as_bytes()).is_ok());
}

#[test]
fn limits_that_are_too_large_do_not_overflow_the_stack() {
    let limits = Limits {
        depth: usize::MAX,
        ..Limits::default()
    };
    let mut canonicaliser = Canonicaliser::default();
    let text = "[".repeat(2_000_000);
    assert_eq!(
        canonicaliser.run(text.as_bytes(), &limits),
        Err(Fault::TooDeep)
    );
}
