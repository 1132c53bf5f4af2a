//! The header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header).

use http::HeaderMap;
use http::header::HeaderName;

use crate::decision::refusal::Refusal;
use crate::request::headers::is_named_by_connection;

/// The header. It is kept here and never sent on.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Most characters of a key.
const LENGTH_MAX: usize = 255;

/// A client's name for one write. It may hold somebody's address, so it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey(Box<str>);

impl IdempotencyKey {
    /// Reads a header's value: a structured-field string, `"8e03978e"`, or the same without its
    /// quotes, as most programs write it. Both are one key: 1 to 255 visible ASCII characters.
    /// Without quotes, quotes, backslashes, commas and semicolons can't be in it.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let value = value.trim_ascii();
        let text = match value.strip_prefix(b"\"") {
            Some(rest) => unquoted(rest.strip_suffix(b"\"")?)?,
            None => bare(value)?,
        };
        (1..=LENGTH_MAX)
            .contains(&text.len())
            .then(|| Self(text.into()))
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key of a request, if it has one.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Option<Self>, Refusal> {
        let mut lines = headers.get_all(&IDEMPOTENCY_KEY).iter();
        let Some(line) = lines.next() else {
            return Ok(None);
        };
        let key = Self::parse(line.as_bytes());
        match key {
            // A key that is lost on the way would make a write unsafe without a word.
            Some(key)
                if lines.next().is_none() && !is_named_by_connection(headers, &IDEMPOTENCY_KEY) =>
            {
                Ok(Some(key))
            }
            _ => Err(Refusal::bad_request(
                "idempotency_key_malformed",
                "idempotency-key must be given once and hold 1 to 255 visible ASCII characters, \
                 in double quotes or without any",
            )),
        }
    }
}

impl std::fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdempotencyKey(…)")
    }
}

fn bare(value: &[u8]) -> Option<String> {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !b"\"\\,;".contains(byte);
    let text = value.iter().all(plain).then_some(value)?;
    String::from_utf8(text.to_vec()).ok()
}

/// The characters between the quotes of a string (RFC 9651, 4.2.5).
fn unquoted(inner: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(inner.len());
    let mut bytes = inner.iter();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'\\' => bytes.next().filter(|byte| b"\"\\".contains(byte))?,
            b'"' => return None,
            byte => byte,
        };
        text.push(byte.is_ascii_graphic().then_some(char::from(*byte))?);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn parsed(value: &str) -> Option<String> {
        IdempotencyKey::parse(value.as_bytes()).map(|key| key.as_str().to_owned())
    }

    #[test]
    fn a_key_is_the_same_with_quotes_and_without() {
        for value in ["8e03978e-40d5", "\"8e03978e-40d5\"", " 8e03978e-40d5\t"] {
            assert_eq!(parsed(value).as_deref(), Some("8e03978e-40d5"), "{value}");
        }
        assert_eq!(parsed(r#""a\"b\\c,d;e""#).as_deref(), Some(r#"a"b\c,d;e"#));
        let longest = "k".repeat(LENGTH_MAX);
        assert_eq!(parsed(&longest), Some(longest.clone()));
        assert_eq!(parsed(&format!("\"{longest}\"")), Some(longest));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let long = "k".repeat(LENGTH_MAX + 1);
        for value in [
            "",
            "\"\"",
            "\"",
            "\"a",
            "a\"",
            "\"a\"b\"",
            "\"a\" ; x=1",
            "a b",
            "\"a b\"",
            "a,b",
            "a;b",
            "\"a\\",
            "\"a\\\"",
            "\"a\\n\"",
            "a\u{7f}",
            "ä",
            "\"ä\"",
            &long,
        ] {
            assert_eq!(parsed(value), None, "{value}");
        }
    }

    #[test]
    fn it_is_given_once_and_can_not_be_dropped_on_the_way() {
        let with = |lines: &[(HeaderName, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(name, HeaderValue::from_static(value));
            }
            IdempotencyKey::of(&headers)
                .map(|key| key.is_some())
                .map_err(|refusal| (refusal.status().as_u16(), refusal.reason()))
        };
        let malformed = Err((400, "idempotency_key_malformed"));
        assert_eq!(with(&[]), Ok(false));
        assert_eq!(with(&[(IDEMPOTENCY_KEY, "a")]), Ok(true));
        assert_eq!(
            with(&[(IDEMPOTENCY_KEY, "a"), (IDEMPOTENCY_KEY, "a")]),
            malformed
        );
        let dropped = (http::header::CONNECTION, "Idempotency-Key");
        assert_eq!(with(&[(IDEMPOTENCY_KEY, "a"), dropped]), malformed);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_key_or_not(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            if let Some(key) = IdempotencyKey::parse(&bytes) {
                let text = key.as_str();
                prop_assert!((1..=LENGTH_MAX).contains(&text.len()));
                prop_assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }

        #[test]
        fn every_key_can_be_written_as_a_string(text in "[!-~]{1,255}") {
            let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
            prop_assert_eq!(parsed(&format!("\"{quoted}\"")), Some(text));
        }
    }
}
