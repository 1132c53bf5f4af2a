//! Any bytes as an answer: sorted without a panic, and without the key.

use doorward_catalog::Op;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use proptest::prelude::*;
use secrecy::SecretString;

use super::KEY;
use crate::classify;
use crate::keys::{Key, Keys};

fn keys() -> Keys {
    Keys::One(Key::new(SecretString::from(KEY)).unwrap())
}

fn kind() -> impl Strategy<Value = HeaderMap> {
    let types = [
        "application/json",
        "text/html",
        "text/plain",
        "text/csv",
        "a/b+json; x",
        "\u{e9}",
    ];
    (prop::sample::select(types.to_vec()), any::<u64>()).prop_map(|(kind, wait)| {
        let mut headers = HeaderMap::new();
        if let Ok(kind) = HeaderValue::from_bytes(kind.as_bytes()) {
            headers.insert(CONTENT_TYPE, kind);
        }
        headers.insert(RETRY_AFTER, HeaderValue::from(wait));
        headers
    })
}

/// Bodies near what the API says, with the key strewn in.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        "\\",
        "\"message\":",
        "\"error\":",
        "\"status\":",
        "\"doorward\":",
        "Invalid scope. ",
        "Required: ",
        ". Found: ",
        "error code: ",
        "1010",
        "99999999999999999999",
        "leads:read",
        "\u{0}",
        "é",
        KEY,
    ];
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(prop::sample::select(words.to_vec()), 0..30)
            .prop_map(|parts| parts.concat().into_bytes()),
        prop::collection::vec(prop::sample::select(words.to_vec()), 0..30).prop_map(|parts| {
            serde_json::json!({"message": parts.concat(), "error": parts.concat()})
                .to_string()
                .into_bytes()
        }),
    ]
}

proptest! {
    #[test]
    fn any_answer_is_sorted_without_a_panic_or_the_key(
        op in prop::sample::select(&Op::ALL[..]),
        status in 100_u16..1_000,
        headers in kind(),
        body in body(),
    ) {
        let keys = keys();
        let refusal = classify::refusal(op, status, &headers, &body, &keys);
        prop_assert_eq!(refusal.op(), Some(op));
        let mut shown = format!("{refusal} {refusal:?}");
        if let Err(error) = classify::check(op, 200, &headers, &body, &keys) {
            shown.push_str(&format!("{error} {error:?}"));
        }
        prop_assert!(!shown.contains(KEY), "{}", shown);
    }

    #[test]
    fn a_cleaned_text_is_short_and_plain(text in ".{0,600}") {
        let cleaned = keys().clean(&format!("{text}{KEY}{text}"));
        prop_assert!(cleaned.chars().count() <= 301);
        prop_assert!(!cleaned.chars().any(char::is_control));
        prop_assert!(!cleaned.contains(KEY));
    }
}
