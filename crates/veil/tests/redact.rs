//! The redactor against a tree of the same document, and what it must refuse.

#![cfg(test)]

use doorward_catalog::{Op, shapes};
use doorward_veil::{Action, DEPTH_MAX, DataClass, MARKER, Redactor, Rule, Target, VeilError};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn rule(pointer: &str, action: Action) -> Rule {
    Rule {
        target: Target::Pointer(pointer.to_owned()),
        action,
    }
}

fn redacted(rules: &[Rule], op: Op, document: &str) -> String {
    let redactor = Redactor::new(rules, &[7; 32]).unwrap();
    String::from_utf8(redactor.redact(Some(op), document.as_bytes()).unwrap()).unwrap()
}

/// Blank and drop, done on a tree.
fn reference(
    value: Value,
    path: &mut Vec<String>,
    rules: &[Rule],
    above: Option<Action>,
) -> Option<Value> {
    let fits = |pointer: &str| {
        let parts: Vec<&str> = pointer.split('/').skip(1).collect();
        parts.len() == path.len()
            && parts
                .iter()
                .zip(path.iter())
                .all(|(part, at)| *part == "*" || part == at)
    };
    let action = rules
        .iter()
        .filter_map(|rule| match &rule.target {
            Target::Pointer(pointer) => fits(pointer).then_some(rule.action),
            Target::Class(class) => path
                .last()
                .is_some_and(|name| class.members().contains(&name.as_str()))
                .then_some(rule.action),
        })
        .max()
        .max(above);
    if action == Some(Action::Drop) {
        return None;
    }
    let mut inner = |name: String, value: Value| {
        path.push(name);
        let left = reference(value, path, rules, action);
        path.pop();
        left
    };
    Some(match value {
        Value::Object(members) => {
            let mut left = Map::new();
            for (name, value) in members {
                if let Some(value) = inner(name.clone(), value) {
                    left.insert(name, value);
                }
            }
            Value::Object(left)
        }
        Value::Array(items) => {
            let items = items.into_iter().enumerate();
            items
                .map(|(at, item)| inner(at.to_string(), item).unwrap_or(Value::Null))
                .collect()
        }
        Value::Null => Value::Null,
        Value::Bool(_) if action.is_some() => Value::Null,
        _ if action.is_some() => json!(MARKER),
        other => other,
    })
}

fn document() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e9_f64..1e9).prop_map(Value::from),
        "[ -~é\\n\"\\\\]{0,12}".prop_map(Value::from),
    ];
    let name = prop_oneof![
        Just("a"),
        Just("b"),
        Just("email"),
        Just("items"),
        Just("payload"),
        Just("q\"\\")
    ];
    leaf.prop_recursive(5, 60, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn a_rule() -> impl Strategy<Value = Rule> {
    let part = prop_oneof![
        Just("a"),
        Just("b"),
        Just("items"),
        Just("*"),
        Just("0"),
        Just("1")
    ];
    let pointer = prop::collection::vec(part, 1..4)
        .prop_map(|parts| Target::Pointer(format!("/{}", parts.join("/"))));
    let class =
        prop::sample::select(vec![DataClass::Email, DataClass::Variables]).prop_map(Target::Class);
    (
        prop_oneof![3 => pointer, 1 => class],
        prop::sample::select(vec![Action::Blank, Action::Drop]),
    )
        .prop_map(|(target, action)| Rule { target, action })
}

proptest! {
    #[test]
    fn as_on_a_tree(value in document(), rules in prop::collection::vec(a_rule(), 0..5), pretty in any::<bool>()) {
        let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let out = redacted(&rules, Op::ListLeads, &text);
        // As it is read back: the last digit of a number may not survive that.
        let value = serde_json::from_str(&text).unwrap();
        let expected = reference(value, &mut Vec::new(), &rules, None).unwrap_or(Value::Null);
        let out: Value = serde_json::from_str(&out).unwrap();
        prop_assert_eq!(out, expected);
        let untouched = redacted(&[], Op::ListLeads, &text);
        prop_assert_eq!(untouched, text);
    }

    #[test]
    fn what_is_no_json_is_refused(value in document(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut text = serde_json::to_vec(&value).unwrap();
        let at = at.index(text.len());
        if cut { text.truncate(at) } else { text[at] = byte }
        let redactor = Redactor::new(&[rule("/a", Action::Hash)], &[7; 32]).unwrap();
        let ours = redactor.redact(None, &text);
        match serde_json::from_slice::<Value>(&text) {
            Ok(_) => prop_assert!(ours.is_ok()),
            // A number beyond a double is JSON all the same, and what follows it was not looked at.
            Err(fault) if fault.to_string().contains("out of range") => {}
            // A lone surrogate in a text that is not looked at is JSON by its grammar.
            Err(fault) => prop_assert!(ours.is_err() || fault.to_string().contains("surrogate") || fault.to_string().contains("escape")),
        }
    }

    #[test]
    fn a_number_beyond_a_double_is_json(digits in 309..600_usize) {
        let text = format!("{{\"b\":1e{digits},\"a\":2}}");
        let redactor = Redactor::new(&[rule("/a", Action::Drop)], &[7; 32]).unwrap();
        prop_assert!(redactor.redact(None, text.as_bytes()).is_ok());
    }

    #[test]
    fn noise_never_panics(noise in prop::collection::vec(prop::sample::select(b"{}[]\",:\\u0dea1-.e tfn\xff".to_vec()), 0..200)) {
        let redactor = Redactor::new(&[rule("/*/*", Action::Drop)], &[7; 32]).unwrap();
        if redactor.redact(None, &noise).is_ok() {
            prop_assert!(std::str::from_utf8(&noise).is_ok());
        }
    }
}

#[test]
fn masks_hashes_and_leaves_out() {
    let document = r#"{ "items" : [ {"email":"ann\u0040example.com", "n": 1.50, "x":9007199254740993},
 {"n":2, "email":null} ], "email": ["b@x.org", 5, true] }"#;
    let class = |action| Rule {
        target: Target::Class(DataClass::Email),
        action,
    };
    assert_eq!(
        redacted(
            &[class(Action::Mask), rule("/items/*/n", Action::Drop)],
            Op::ListLeads,
            document
        ),
        r#"{ "items" : [ {"email":"a***@example.com", "x":9007199254740993},
 { "email":null} ], "email": ["b***@x.org", null, null] }"#
    );
    let hashed = redacted(
        &[class(Action::Hash)],
        Op::ListLeads,
        r#"{"email":"ann@example.com"}"#,
    );
    let again = redacted(
        &[class(Action::Hash)],
        Op::ListLeads,
        r#"{"email":"\u0061nn@example.com"}"#,
    );
    assert_eq!(hashed, again);
    let other = Redactor::new(&[class(Action::Hash)], &[8; 32]).unwrap();
    let other = other
        .redact(None, br#"{"email":"ann@example.com"}"#)
        .unwrap();
    assert_ne!(hashed.as_bytes(), other);
    assert_eq!(hashed.len(), r#"{"email":""}"#.len() + 32);
    // The name of a member may be escaped; a member may be there twice.
    let twice = r#"{"e\u006dail":"a@b.c","email":"d@e.f"}"#;
    assert_eq!(redacted(&[class(Action::Drop)], Op::ListLeads, twice), "{}");
    assert_eq!(
        redacted(&[rule("", Action::Drop)], Op::ListLeads, " [1]"),
        "null"
    );
}

#[test]
fn keys_and_header_values_never_pass() {
    let key = r#"{"items":[{"id":"1","key":"top","nested":{"key":["secret"]}}]}"#;
    let shown = redacted(&[], Op::ListAPIKey, key);
    assert_eq!(
        shown,
        r#"{"items":[{"id":"1","key":"[removed]","nested":{"key":["[removed]"]}}]}"#
    );
    let hook = r#"{"headers":{"Authorization":"Bearer x","n":null},"target_hook_url":"https://a"}"#;
    assert_eq!(
        redacted(&[], Op::GetWebhook, hook),
        r#"{"headers":{"Authorization":"[removed]","n":null},"target_hook_url":"https://a"}"#
    );
    // A weaker rule does not weaken it.
    assert!(
        redacted(
            &[rule("/key", Action::Hash)],
            Op::CreateAPIKey,
            r#"{"key":"k"}"#
        )
        .contains(MARKER)
    );
    let none = Redactor::new(&[], &[7; 32]).unwrap();
    assert_eq!(
        none.redact(None, hook.as_bytes()).unwrap(),
        redacted(&[], Op::GetWebhook, hook).as_bytes()
    );
    for op in Op::ALL {
        assert!(
            none.bears_on(op) || !op.facts().returns_secrets(),
            "{}",
            op.id()
        );
    }
    assert!(!none.bears_on(Op::ListCampaign));
}

#[test]
fn hostile_documents() {
    let none = Redactor::new(&[], &[7; 32]).unwrap();
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(none.redact(None, deep(DEPTH_MAX).as_bytes()).is_ok());
    assert_eq!(
        none.redact(None, deep(100_000).as_bytes()),
        Err(VeilError::TooDeep(DEPTH_MAX))
    );
    for text in [
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "01",
        "1.",
        "-",
        "+1",
        "nul",
        "\"\t\"",
        "\"\\x\"",
        "\"\\u12\"",
        "1 2",
        "\u{feff}1",
        "[\"a\" \"b\"]",
        "{\"a\" 1}",
    ] {
        assert!(none.redact(None, text.as_bytes()).is_err(), "{text}");
    }
    assert!(none.redact(None, b"\"\xff\"").is_err());
    assert!(none.redact(None, br#"{"\ud800":1}"#).is_err());
}

#[test]
fn rules_that_are_no_pointers_are_refused() {
    for pointer in ["a", "a/b", "/~2", "/a~"] {
        let refused = Redactor::new(
            &[rule("/ok", Action::Mask), rule(pointer, Action::Mask)],
            &[0; 32],
        );
        assert_eq!(refused.unwrap_err(), VeilError::Pointer(1));
    }
    assert_eq!(
        redacted(
            &[rule("/a~1b~0", Action::Drop)],
            Op::ListLeads,
            r#"{"a/b~":1}"#
        ),
        "{}"
    );
}

#[test]
fn the_classes_are_of_the_catalog() {
    fn names(shape: &shapes::Shape, depth: usize, into: &mut Vec<String>) {
        if depth > 12 {
            return;
        }
        for field in shape.fields() {
            into.push(field.name.to_string());
            names(&field.shape, depth + 1, into);
        }
        let inner = shape.item.iter().chain(&shape.any_of).chain(&shape.one_of);
        inner.for_each(|shape| names(shape, depth + 1, into));
    }
    let mut known = Vec::new();
    for op in shapes::book().unwrap().ops() {
        for (_, response) in &op.responses {
            if let shapes::ResponseShape::Json(shape) = response {
                names(shape, 0, &mut known);
            }
        }
        if let Some(body) = &op.body {
            names(&body.shape, 0, &mut known);
        }
    }
    for class in DataClass::ALL {
        for name in class.members() {
            assert!(
                known.iter().any(|known| known == name),
                "{name} is no member of any shape"
            );
        }
    }
}
