//! What stands in a value's place.

use ring::hmac;

use super::rules::Action;
use crate::scrub::MARKER;

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Writes what stands in the place of a string's text, or a number's.
pub(super) fn cover(
    text: &str,
    is_string: bool,
    action: Action,
    key: &hmac::Key,
    out: &mut Vec<u8>,
) {
    match action {
        Action::Hash => {
            let digest = hmac::sign(key, text.as_bytes());
            out.push(b'"');
            for byte in digest.as_ref().iter().take(16) {
                for nibble in [byte >> 4, byte & 15] {
                    out.extend(HEX.get(usize::from(nibble)));
                }
            }
            out.push(b'"');
        }
        Action::Mask if is_string => write_masked(text, out),
        Action::Blank => {
            out.push(b'"');
            out.extend_from_slice(MARKER.as_bytes());
            out.push(b'"');
        }
        Action::Mask | Action::Drop => out.extend_from_slice(b"null"),
    }
}

/// Writes a masked text as a string of JSON. One address, or a text without any, has nothing in it
/// to be escaped or parted, as nearly always: it is written as it is read.
fn write_masked(text: &str, out: &mut Vec<u8>) {
    let bytes = text.as_bytes();
    let first = text.chars().next().filter(|c| is_plain_char(*c));
    match (memchr::memrchr(b'@', bytes), first) {
        (None, Some(first)) => {
            out.push(b'"');
            if text.chars().nth(3).is_some() {
                out.extend_from_slice(first.encode_utf8(&mut [0; 4]).as_bytes());
            }
            out.extend_from_slice(b"***\"");
        }
        (Some(at), Some(first)) if bytes.iter().all(|byte| is_of_an_address(*byte)) => {
            out.push(b'"');
            if first != '@' {
                out.push(first as u8);
            }
            out.extend_from_slice(b"***");
            out.extend_from_slice(bytes.get(at..).unwrap_or(&[]));
            out.push(b'"');
        }
        _ => {
            let masked = serde_json::Value::String(mask(text)).to_string();
            out.extend_from_slice(masked.as_bytes());
        }
    }
}

fn is_plain_char(char: char) -> bool {
    !char.is_control() && !matches!(char, '"' | '\\')
}

/// Whether the byte neither parts addresses nor is escaped.
fn is_of_an_address(byte: u8) -> bool {
    byte.is_ascii_graphic()
        && !matches!(
            byte,
            b',' | b';' | b'<' | b'>' | b'(' | b')' | b'"' | b'\'' | b'\\'
        )
}

/// `ann@example.com` as `a***@example.com`, in lists and beside names too; of any other text the
/// first character.
fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    if !text.contains('@') {
        // One of two or three would be most of it.
        if text.chars().nth(3).is_some() {
            out.extend(text.chars().next());
        }
        out.push_str("***");
        return out;
    }
    let is_between =
        |c: char| matches!(c, ',' | ';' | '<' | '>' | '(' | ')' | '"' | '\'') || c.is_whitespace();
    for word in text.split_inclusive(is_between) {
        let bare = word.trim_end_matches(is_between);
        if !bare.is_empty() {
            out.extend(bare.chars().next().filter(|first| *first != '@'));
            out.push_str("***");
            // An address may hold more than one `@` only before its domain.
            if let Some((_, domain)) = bare.rsplit_once('@') {
                out.push('@');
                out.push_str(domain);
            }
        }
        out.push_str(word.get(bare.len()..).unwrap_or(""));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks() {
        for (text, masked) in [
            ("ann@example.com", "a***@example.com"),
            (
                "Ann Lee <ann@example.com>, b@x.org",
                "A*** L*** <a***@example.com>, b***@x.org",
            ),
            ("Annabel", "A***"),
            ("Ann", "***"),
            ("", "***"),
            ("@x", "***@x"),
            ("a@b@c.d", "a***@c.d"),
            ("é@ü.de", "é***@ü.de"),
        ] {
            assert_eq!(mask(text), masked);
        }
    }

    #[test]
    fn what_is_written_at_once_is_what_is_made_in_parts() {
        for text in [
            "ann@example.com",
            "Ann Lee <ann@example.com>",
            "a,b@c",
            "@x",
            "@",
            "a@b@c.d",
            "",
            "Ann",
            "Anne",
            "\"nne",
            "\nAnne",
            "a\"b@c.d",
            "a\\b@c.d",
            "é@ü.de",
            "Éèê",
            "Éèêë",
            "a\u{2003}b@c.d",
            "\u{7f}abcd",
        ] {
            let mut out = Vec::new();
            write_masked(text, &mut out);
            let read: String = serde_json::from_slice(&out).unwrap();
            assert_eq!(read, mask(text), "{text:?}");
        }
    }
}
