//! Templates filled.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Source, keys};

pub(super) const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
pub(super) const HEX: &[u8] = b"0123456789abcdef";

/// The most characters that one name asks for.
const MOST: usize = 4096;

/// The alphabet of this name.
pub(super) fn alphabet(name: &str) -> Option<&'static [u8]> {
    Some(match name {
        "base62" => BASE62,
        "base64" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        "base64url" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        "hex" => HEX,
        "upper_hex" => b"0123456789ABCDEF",
        "digits" => b"0123456789",
        "lower" => b"abcdefghijklmnopqrstuvwxyz",
        "lower36" => b"abcdefghijklmnopqrstuvwxyz0123456789",
        "upper36" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        "base32" => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        _ => return None,
    })
}

/// A template with its names replaced: `{upstream_key}`, `{client_key}`, `{jwt}`, `{uuid}`,
/// `{rand:ALPHABET:COUNT}`, and `{b64:TEXT}` for the base64 of a text, which may hold names too.
pub fn fill(template: &str, source: &mut Source) -> String {
    let mut filled = String::with_capacity(template.len() + 64);
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let (before, from) = rest.split_at(open);
        filled.push_str(before);
        match named(from, source) {
            Some((value, after)) => {
                filled.push_str(&value);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = from.get(1..).unwrap_or_default();
            }
        }
    }
    filled.push_str(rest);
    filled
}

/// The value of the name that the text begins with, and what follows its brace.
fn named<'a>(text: &'a str, source: &mut Source) -> Option<(String, &'a str)> {
    let inner = text.strip_prefix('{')?;
    if let Some(encoded) = inner.strip_prefix("b64:") {
        let end = closing(encoded)?;
        let (of, after) = encoded.split_at(end);
        let value = STANDARD.encode(fill(of, source));
        return Some((value, after.get(1..)?));
    }
    let (name, after) = inner.split_once('}')?;
    if let Some(value) = keys::named(name, source) {
        return Some((value, after));
    }
    let mut parts = name.split(':');
    let (Some("rand"), Some(letters), Some(count), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let count: usize = count.parse().ok().filter(|count| *count <= MOST)?;
    Some((random(letters, count, source)?, after))
}

/// Random characters that, where the alphabet has digits and letters and there is room, hold both:
/// a value with none would be refused by checks that a real one passes all but always.
fn random(letters: &str, count: usize, source: &mut Source) -> Option<String> {
    let letters = alphabet(letters)?;
    let mut text = source.text(letters, count);
    let kinds: [fn(&u8) -> bool; 3] = [
        u8::is_ascii_digit,
        u8::is_ascii_lowercase,
        u8::is_ascii_uppercase,
    ];
    for _ in 0..64 {
        let mixed = kinds
            .iter()
            .filter(|kind| letters.iter().any(kind))
            .all(|kind| text.bytes().any(|byte| kind(&byte)));
        if mixed || count < 8 {
            break;
        }
        text = source.text(letters, count);
    }
    Some(text)
}

/// Where the brace that was opened before the text is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0_u32;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 0 => return Some(at),
            b'}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_and_other_braces_stay() {
        let mut source = Source::new(1);
        let text = fill(
            r#"{"a":"{rand:hex:8}","b":{}} {nothing} {rand:x:3} {"#,
            &mut source,
        );
        assert!(
            text.starts_with(r#"{"a":""#) && text.ends_with(r#"","b":{}} {nothing} {rand:x:3} {"#)
        );
        assert_eq!(
            text.len(),
            r#"{"a":"12345678","b":{}} {nothing} {rand:x:3} {"#.len()
        );
        assert_eq!(
            fill("{b64:a{}b}!", &mut source),
            format!("{}!", STANDARD.encode("a{}b"))
        );
    }

    #[test]
    fn a_seed_gives_the_same_and_another_gives_others() {
        let key = |seed| fill("{upstream_key} {client_key} {jwt}", &mut Source::new(seed));
        assert_eq!(key(7), key(7));
        assert_ne!(key(7), key(8));
    }
}
