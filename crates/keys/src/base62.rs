//! Fixed-width base62: `0-9A-Za-z` in that (ASCII) order, most significant digit first, padded on
//! the left with `0`. Fixed width makes it a bijection: a value has one text and no other.

const BASE: u32 = 62;

/// Writes the big-endian number in `number` as `OUT` digits. The number is used up: it holds what
/// is left after the division, which is zero when it fits in `OUT` digits.
pub(crate) fn encode<const OUT: usize>(number: &mut [u8]) -> [u8; OUT] {
    let mut text = [b'0'; OUT];
    for digit in text.iter_mut().rev() {
        let mut rest = 0_u32;
        for byte in number.iter_mut() {
            let value = (rest << 8) | u32::from(*byte);
            // Below 256: the rest is below 62, so the value is below 62 * 256.
            *byte = (value / BASE) as u8;
            rest = value % BASE;
        }
        *digit = digit_of(rest as u8);
    }
    text
}

/// The same of a number that fits in a register.
pub(crate) fn encode_small<const OUT: usize>(mut number: u32) -> [u8; OUT] {
    let mut text = [b'0'; OUT];
    for digit in text.iter_mut().rev() {
        *digit = digit_of((number % BASE) as u8);
        number /= BASE;
    }
    text
}

/// The largest number of 32 bytes, in 43 digits.
const LARGEST: &[u8; 43] = b"yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1";

/// Whether 43 digits stand for a number of at most 32 bytes. Digits are in the order of ASCII, so no
/// number need be made of them.
pub(crate) fn fits_32_bytes(digits: &[u8]) -> bool {
    is_base62(digits) && digits.len() == LARGEST.len() && digits <= LARGEST.as_slice()
}

/// Whether every byte is a base62 digit.
pub(crate) fn is_base62(text: &[u8]) -> bool {
    // All of it, without a way out: many bytes are looked at at once.
    text.iter()
        .fold(true, |all, byte| all & byte.is_ascii_alphanumeric())
}

fn digit_of(value: u8) -> u8 {
    match value {
        0..=9 => b'0' + value,
        10..=35 => b'A' + (value - 10),
        _ => b'a' + (value - 36),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn digits_are_in_ascii_order() {
        let digits: Vec<u8> = (0..62).map(digit_of).collect();
        assert!(digits.is_sorted());
        assert!(
            digits
                .iter()
                .enumerate()
                .all(|(i, d)| value_of(*d) == Some(i as u8))
        );
    }

    /// The number as bytes, big end first; `None` if it takes more than 32.
    fn decode(text: &[u8]) -> Option<[u8; 32]> {
        let mut number = [0_u8; 32];
        for character in text {
            let mut carry = u32::from(value_of(*character)?);
            for byte in number.iter_mut().rev() {
                let value = u32::from(*byte) * BASE + carry;
                *byte = (value & 0xff) as u8;
                carry = value >> 8;
            }
            if carry != 0 {
                return None;
            }
        }
        Some(number)
    }

    fn value_of(digit: u8) -> Option<u8> {
        (0..62).find(|value| digit_of(*value) == digit)
    }

    #[test]
    fn the_largest_value_fits_and_the_next_does_not() {
        let largest = encode::<43>(&mut [0xff; 32]);
        assert_eq!(&largest, LARGEST);
        assert!(fits_32_bytes(&largest) && fits_32_bytes(&[b'0'; 43]));
        let mut next = largest;
        assert_ne!(next[42], b'z', "the last digit can be counted up");
        next[42] += 1;
        assert!(!fits_32_bytes(&next));
        for other in [&[b'z'; 43][..], &[b'0'; 42], &[b'0'; 44], &[b'-'; 43], b""] {
            assert!(!fits_32_bytes(other));
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes: [u8; 32]) {
            let mut number = bytes;
            let text = encode::<43>(&mut number);
            prop_assert_eq!(number, [0; 32], "43 digits hold 32 bytes");
            prop_assert_eq!(decode(&text), Some(bytes));
            prop_assert!(fits_32_bytes(&text));
        }

        #[test]
        fn what_fits_is_what_can_be_decoded(same in 0_usize..=43, rest in "[0-9A-Za-z]{43}") {
            let mut text = rest.into_bytes();
            text[..same].copy_from_slice(&LARGEST[..same]);
            prop_assert_eq!(fits_32_bytes(&text), decode(&text).is_some());
        }

        #[test]
        fn any_bytes_are_read_without_panic(text: Vec<u8>) {
            let _ = fits_32_bytes(&text);
        }
    }
}
