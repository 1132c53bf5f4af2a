//! The canonical form of a query: parsed once, rebuilt from what was parsed.

use doorward_catalog::UpstreamKeyFormat;
use doorward_keys::ClientKey;

use crate::decision::refusal::Refusal;

/// Most bytes of a query as received. The longest honest one names 200 mailboxes.
const QUERY_MAX: usize = 24 * 1024;
/// Most `name=value` pairs.
const PAIRS_MAX: usize = 256;
/// Most bytes of a name, decoded.
const NAME_MAX: usize = 128;
/// Most bytes of a value, decoded.
const VALUE_MAX: usize = 4 * 1024;

/// Rebuilds a query as received (without the `?`), or refuses it.
///
/// Pairs keep their order and repeated names are kept: the API's array parameters are written so.
/// `+` is a space, as the API reads it. Every name and value must decode to UTF-8 without control
/// characters; it is encoded again with upper-case hex, and only RFC 3986's unreserved characters
/// stay plain. Empty pairs are dropped; a name without `=` has the empty value.
pub(crate) fn canonical(raw: &str) -> Result<String, Refusal> {
    if raw.len() > QUERY_MAX {
        return Err(malformed("the query is too long"));
    }
    let mut out = String::with_capacity(raw.len());
    let mut decoded = Vec::new();
    let pairs = raw.split('&').filter(|pair| !pair.is_empty());
    for (n, pair) in pairs.enumerate() {
        if n == PAIRS_MAX {
            return Err(malformed("the query has too many parameters"));
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if n > 0 {
            out.push('&');
        }
        decode(name, NAME_MAX, &mut decoded)?;
        if decoded.is_empty() {
            return Err(malformed("a query parameter has no name"));
        }
        encode(&decoded, &mut out);
        refuse_key(&decoded)?;
        out.push('=');
        decode(value, VALUE_MAX, &mut decoded)?;
        refuse_key(&decoded)?;
        encode(&decoded, &mut out);
    }
    Ok(out)
}

/// Refuses a key where none belongs: from a target it would get into the logs of all who pass it on.
///
/// # Errors
/// When the bytes are a client key or have the form of an upstream key.
pub(crate) fn refuse_key(text: &[u8]) -> Result<(), Refusal> {
    let text = str::from_utf8(text).unwrap_or_default().trim();
    if ClientKey::parse(text).is_err() && !UpstreamKeyFormat::matches(text) {
        return Ok(());
    }
    Err(Refusal::bad_request(
        "key_misplaced",
        "a key belongs in the header Authorization and nowhere else; this one may be in logs on the \
         way by now, so have it replaced",
    ))
}

fn malformed(why: &'static str) -> Refusal {
    Refusal::bad_request("query_malformed", why)
}

fn decode(text: &str, max: usize, out: &mut Vec<u8>) -> Result<(), Refusal> {
    out.clear();
    let mut bytes = text.bytes();
    let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
    while let Some(byte) = bytes.next() {
        let decoded = match byte {
            b'%' => match (hex(bytes.next()), hex(bytes.next())) {
                (Some(high), Some(low)) => u8::try_from(high << 4 | low).unwrap_or(0),
                _ => {
                    return Err(malformed(
                        "a percent sign is not followed by two hex digits",
                    ));
                }
            },
            b'+' => b' ',
            0x21..=0x7e => byte,
            _ => {
                return Err(malformed(
                    "the query has bytes that must be percent-encoded",
                ));
            }
        };
        if out.len() == max {
            return Err(malformed("a query parameter is too long"));
        }
        out.push(decoded);
    }
    match str::from_utf8(out) {
        Ok(text) if text.chars().any(char::is_control) => {
            Err(malformed("a query parameter has control characters"))
        }
        Ok(_) => Ok(()),
        Err(_) => Err(malformed("a query parameter is not UTF-8")),
    }
}

fn encode(bytes: &[u8], out: &mut String) {
    const HEX: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                out.push(char::from(*byte));
            }
            _ => {
                out.push('%');
                out.extend(HEX.get(usize::from(byte >> 4)));
                out.extend(HEX.get(usize::from(byte & 15)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ok(raw: &str) -> String {
        canonical(raw).unwrap()
    }

    #[test]
    fn queries_are_rebuilt() {
        assert_eq!(ok(""), "");
        assert_eq!(ok("&&"), "");
        assert_eq!(
            ok("limit=10&starting_after=a%2fb"),
            "limit=10&starting_after=a%2Fb"
        );
        assert_eq!(ok("ids=1&ids=2&ids=1"), "ids=1&ids=2&ids=1");
        assert_eq!(ok("q=a+b%20c"), "q=a%20b%20c");
        assert_eq!(ok("q=a%2Bb@x.org"), "q=a%2Bb%40x.org");
        assert_eq!(ok("flag&a=b=c;d=e"), "flag=&a=b%3Dc%3Bd%3De");
        assert_eq!(ok("%6cimit=%31"), "limit=1");
        assert_eq!(ok("n=%C3%BC"), "n=%C3%BC");
    }

    #[test]
    fn what_two_programs_could_read_differently_is_refused() {
        for raw in [
            "a=%",
            "a=%4",
            "a=%zz",
            "a=%+1",
            "=b",
            "%=b",
            "a=%00",
            "a=%0d%0ab",
            "a=\u{7f}",
            "a=%7f",
            "a=ü",
            "a=%ff",
            "a=%c0%af",
            "a=%ed%a0%80",
            "a=%C2%85",
            "a= b",
        ] {
            assert!(canonical(raw).is_err(), "{raw:?}");
        }
    }

    #[test]
    fn sizes_are_bounded() {
        assert!(canonical(&vec!["a=b"; PAIRS_MAX].join("&")).is_ok());
        assert!(canonical(&vec!["a=b"; PAIRS_MAX + 1].join("&")).is_err());
        assert!(canonical(&format!("{}=", "n".repeat(NAME_MAX + 1))).is_err());
        assert!(canonical(&format!("n={}", "v".repeat(VALUE_MAX + 1))).is_err());
        assert!(canonical(&"&".repeat(QUERY_MAX + 1)).is_err());
    }

    proptest! {
        #[test]
        fn canonical_is_a_fixed_point(raw in "[ -~]{0,80}") {
            if let Ok(once) = canonical(&raw) {
                prop_assert_eq!(canonical(&once).unwrap(), once.clone());
                prop_assert!(once.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%&=".contains(&b)));
            }
        }

        #[test]
        fn meaning_is_kept(pairs in proptest::collection::vec(("[^\\p{Cc}]{1,8}", "[^\\p{Cc}]{0,8}"), 0..6)) {
            let mut raw = String::new();
            for (name, value) in &pairs {
                encode(name.as_bytes(), &mut raw);
                raw.push('=');
                encode(value.as_bytes(), &mut raw);
                raw.push('&');
            }
            let mut decoded = Vec::new();
            let out = canonical(&raw).unwrap();
            let read: Vec<(String, String)> = out
                .split('&')
                .filter(|pair| !pair.is_empty())
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap();
                    let mut text = |part| {
                        decode(part, VALUE_MAX, &mut decoded).unwrap();
                        String::from_utf8(decoded.clone()).unwrap()
                    };
                    (text(name), text(value))
                })
                .collect();
            prop_assert_eq!(read, pairs);
        }

        #[test]
        fn any_text_is_judged(raw in ".{0,200}") {
            let _ = canonical(&raw);
        }
    }
}
