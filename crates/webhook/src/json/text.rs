//! The strings of JSON: how far they go without a mark, and what an escape means.

/// Each byte of a word the same.
const fn each(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The highest bit of the lowest byte that is zero; above it bits may be wrong.
const fn zeros(word: u64) -> u64 {
    word.wrapping_sub(each(1)) & !word & each(0x80)
}

/// How many bytes at the beginning stand for themselves in a string: no quotation mark, backslash
/// or control character.
pub(super) fn plain(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let control = word.wrapping_sub(each(0x20)) & !word & each(0x80);
        let marks = zeros(word ^ each(b'"')) | zeros(word ^ each(b'\\')) | control;
        if marks != 0 {
            return at * 8 + (marks.trailing_zeros() / 8) as usize;
        }
    }
    let mark = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
    bytes.len() - rest.len() + rest.iter().position(mark).unwrap_or(rest.len())
}

/// What one escape stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escaped {
    /// A character.
    Char(char),
    /// Half of a pair of UTF-16, alone: no character, yet programs that cut texts send such.
    Half(u16),
}

/// Reads an escape whose backslash is the first byte. What it stands for, and its length in bytes.
pub(super) fn escaped(bytes: &[u8]) -> Option<(Escaped, usize)> {
    let short = match bytes.get(1)? {
        b'"' => '"',
        b'\\' => '\\',
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unicode(bytes),
        _ => return None,
    };
    Some((Escaped::Char(short), 2))
}

fn unicode(bytes: &[u8]) -> Option<(Escaped, usize)> {
    let unit = hex(bytes.get(2..6)?)?;
    if let Some(char) = char::from_u32(unit.into()) {
        return Some((Escaped::Char(char), 6));
    }
    let next = match bytes.get(6..8) {
        Some(b"\\u") => bytes.get(8..12).and_then(hex),
        _ => None,
    };
    if let Some(low) = next
        && let Some(Ok(char)) = char::decode_utf16([unit, low]).next()
    {
        return Some((Escaped::Char(char), 12));
    }
    Some((Escaped::Half(unit), 6))
}

fn hex(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0, |sum: u16, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some((sum << 4) | u16::try_from(digit).ok()?)
    })
}

/// Writes what stands in a string in its one spelling: a mark with a backslash, a control character
/// by its short form where it has one, everything else as itself.
pub(super) fn write(out: &mut Vec<u8>, what: Escaped) {
    match what {
        Escaped::Half(unit) => write_unit(out, unit),
        Escaped::Char(char) => match char {
            '"' => out.extend(b"\\\""),
            '\\' => out.extend(b"\\\\"),
            '\u{8}' => out.extend(b"\\b"),
            '\u{c}' => out.extend(b"\\f"),
            '\n' => out.extend(b"\\n"),
            '\r' => out.extend(b"\\r"),
            '\t' => out.extend(b"\\t"),
            '\0'..='\u{1f}' => write_unit(out, char as u16),
            _ => out.extend(char.encode_utf8(&mut [0; 4]).as_bytes()),
        },
    }
}

fn write_unit(out: &mut Vec<u8>, unit: u16) {
    out.extend(b"\\u");
    out.extend([12, 8, 4, 0].map(|shift| {
        let digit = char::from_digit(u32::from((unit >> shift) & 15), 16);
        digit.unwrap_or('0') as u8
    }));
}

/// Writes a text as what stands between a string's marks.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    for char in text.chars() {
        write(out, Escaped::Char(char));
    }
}

/// What a string of canonical JSON says, without its marks; half a pair becomes U+FFFD.
pub(super) fn read(string: &[u8]) -> Option<String> {
    let mut rest = string.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let mut text = Vec::with_capacity(rest.len());
    loop {
        let (own, marked) = rest.split_at_checked(plain(rest))?;
        text.extend(own);
        if marked.is_empty() {
            return String::from_utf8(text).ok();
        }
        let (what, length) = escaped(marked)?;
        let char = match what {
            Escaped::Char(char) => char,
            Escaped::Half(_) => char::REPLACEMENT_CHARACTER,
        };
        text.extend(char.encode_utf8(&mut [0; 4]).as_bytes());
        rest = marked.get(length..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn plain_goes_as_far_as_byte_by_byte(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let mark = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..=0x1f);
            prop_assert_eq!(plain(&bytes), bytes.iter().position(mark).unwrap_or(bytes.len()));
        }

        #[test]
        fn any_text_is_read_as_it_was_written(text: String) {
            let mut string = b"\"".to_vec();
            for char in text.chars() {
                write(&mut string, Escaped::Char(char));
            }
            string.push(b'"');
            prop_assert_eq!(read(&string), Some(text));
        }

        #[test]
        fn any_bytes_after_a_backslash_are_judged(bytes in proptest::collection::vec(any::<u8>(), 0..14)) {
            let marked = [b"\\u".as_slice(), &bytes].concat();
            for text in [&marked, marked.get(1..).unwrap()] {
                if let Some((_, length)) = escaped(text) {
                    prop_assert!(length <= text.len());
                }
            }
        }
    }

    #[test]
    fn pairs_make_one_character_and_halves_stay() {
        assert_eq!(escaped(b"\\ud83d\\ude00"), Some((Escaped::Char('😀'), 12)));
        assert_eq!(escaped(b"\\ud83d\\u0041"), Some((Escaped::Half(0xd83d), 6)));
        assert_eq!(escaped(b"\\uDE00"), Some((Escaped::Half(0xde00), 6)));
        assert_eq!(escaped(b"\\u00"), None);
        assert_eq!(escaped(b"\\u+123"), None);
        assert_eq!(escaped(b"\\x"), None);
    }
}
