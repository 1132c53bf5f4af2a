//! Values that are found by their shape, in runs of base64 characters.

use std::ops::Range;

use doorward_catalog::UpstreamKeyFormat;

/// What a run of base64 characters is looked through for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Instantly's API key: base64 of `<uuid>:<letters or digits>`.
    UpstreamKey,
}

impl Shape {
    pub(crate) fn named(name: &str) -> Option<Self> {
        (name == "upstream_key").then_some(Self::UpstreamKey)
    }

    /// Bytes of the longest value, with its padding percent-encoded, and what must follow it.
    pub(crate) const fn longest(self) -> usize {
        match self {
            Self::UpstreamKey => 128,
        }
    }
}

/// Characters of the shortest upstream key, without padding.
pub(crate) const UPSTREAM_KEY: usize = 56;

/// Groups of four characters that hold the uuid's text.
const GROUPS: usize = 12;

/// The first upstream key in `text` that begins in `from..to`: where it stands, and the key with its
/// padding as it should be, whether that was cut or written `%3D`.
///
/// Keys are base64 of letters, digits, `-` and `:`, which yields letters and digits alone.
pub(crate) fn upstream_key_at(
    text: &[u8],
    from: usize,
    to: usize,
) -> Option<(Range<usize>, String)> {
    let to = to.min(text.len().saturating_sub(UPSTREAM_KEY - 1));
    (from..to).find_map(|at| {
        let key = text.get(at..)?;
        if !begins_like_one(key) {
            return None;
        }
        let length = key
            .iter()
            .take(123)
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .count();
        let body = std::str::from_utf8(key.get(..length)?).ok()?;
        // What is over when the last group is not whole must be that of a canonical encoding.
        let mut whole = body.to_owned();
        let padding = match length % 4 {
            2 if body.ends_with(['A', 'Q', 'g', 'w']) => "==",
            3 if body.ends_with(|last: char| "AEIMQUYcgkosw048".contains(last)) => "=",
            0 => "",
            _ => return None,
        };
        whole.push_str(padding);
        if !UpstreamKeyFormat::matches(&whole) {
            return None;
        }
        let end = at + length + padding_after(key.get(length..)?, padding.len());
        Some((at..end, whole))
    })
}

fn begins_like_one(key: &[u8]) -> bool {
    let group = |n: usize| key.get(n * 4).copied().unwrap_or(0);
    let digit = |byte: u8| matches!(byte, b'M' | b'N' | b'O' | b'Y' | b'Z');
    digit(group(0))
        && digit(group(1))
        && group(6) == b'L'
        && group(GROUPS) == b'O'
        && matches!(key.get(GROUPS * 4 + 1), Some(b'j'..=b'n'))
        && (2..GROUPS).all(|n| n == 6 || digit(group(n)))
}

/// Bytes of the padding that follows, plain, percent-encoded or escaped, at most `most` signs.
fn padding_after(rest: &[u8], most: usize) -> usize {
    let mut at = 0;
    for _ in 0..most {
        let here = rest.get(at..).unwrap_or_default();
        let sign = ["=", "%3D", "%3d", "\\u003d", "\\u003D", "\\x3d", "\\x3D"]
            .iter()
            .find(|sign| here.starts_with(sign.as_bytes()));
        match sign {
            Some(sign) => at += sign.len(),
            None => break,
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    const UUID: &str = "0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f";

    #[test]
    fn keys_are_found_whatever_is_around_them() {
        for tail in [
            "aB3dE5",
            "aB3dE5g",
            "aB3dE5gH",
            "aB3dE5gH7jK9",
            &"Zz9".repeat(16),
        ] {
            let key = UpstreamKeyFormat::compose(UUID, tail);
            let cut = key.trim_end_matches('=');
            let encoded = key.replace('=', "%3D");
            for (before, written, after) in [
                ("", key.as_str(), ""),
                ("mcp/", cut, "/sse"),
                ("n", key.as_str(), "\\n"),
                ("Zm9v", encoded.as_str(), "&x=1"),
                ("", cut, "\""),
            ] {
                let text = format!("{before}{written}{after}");
                let found = upstream_key_at(text.as_bytes(), 0, text.len());
                let (range, whole) = found.unwrap_or_else(|| panic!("{text}"));
                assert_eq!(whole, key);
                assert_eq!(&text[range], written);
            }
        }
    }

    #[test]
    fn look_alikes_are_not() {
        let two = UpstreamKeyFormat::compose(UUID, UUID);
        let upper = UpstreamKeyFormat::compose(&UUID.to_uppercase(), "aB3dE5gH7jK9");
        let short = UpstreamKeyFormat::compose(UUID, "ab");
        for text in [two, upper, short, "M".repeat(80)] {
            assert!(
                upstream_key_at(text.as_bytes(), 0, text.len()).is_none(),
                "{text}"
            );
        }
    }
}
