//! Whether a text needs escapes.

/// Whether a text is in a string as it is. Looked at in pieces, each as a whole, which takes a
/// fraction of the time of byte by byte.
pub(crate) fn is_plain(text: &[u8]) -> bool {
    let (pieces, rest) = text.as_chunks::<32>();
    let whole = |piece: &[u8; 32]| {
        !piece
            .iter()
            .fold(false, |found, byte| found | is_escaped(*byte))
    };
    if !pieces.iter().all(whole) {
        return false;
    }
    let (words, last) = rest.as_chunks::<8>();
    if !words.iter().all(is_plain_word) {
        return false;
    }
    // The last few are looked at together with some that were already, if there are any.
    match text.last_chunk::<8>() {
        Some(word) => last.is_empty() || is_plain_word(word),
        None => !last.iter().any(|byte| is_escaped(*byte)),
    }
}

const fn is_escaped(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

/// Eight bytes at once: the highest bit of each that is escaped is set, and of none otherwise, but
/// for some beyond one that is.
const fn is_plain_word(word: &[u8; 8]) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = EACH * 0x80;
    const fn below(word: u64, bound: u8) -> u64 {
        word.wrapping_sub(EACH * bound as u64) & !word & HIGH
    }
    let word = u64::from_le_bytes(*word);
    let quotes = below(word ^ (EACH * b'"' as u64), 1);
    let strokes = below(word ^ (EACH * b'\\' as u64), 1);
    below(word, b' ') | quotes | strokes == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn as_byte_by_byte(text in prop_oneof!["[ -~]{0,90}", ".{0,90}", "[a-z\\\\\"\u{1f} ]{0,40}", "[a-z]{0,80}"]) {
            let text = text.as_bytes();
            prop_assert_eq!(is_plain(text), !text.iter().any(|byte| is_escaped(*byte)));
        }

        #[test]
        fn each_byte_at_each_place(byte in any::<u8>(), at in 0_usize..70, length in 0_usize..70) {
            let mut text = vec![b'a'; length];
            if let Some(place) = text.get_mut(at) {
                *place = byte;
            }
            prop_assert_eq!(is_plain(&text), !text.iter().any(|byte| is_escaped(*byte)));
        }
    }
}
