//! Fixed-width base62: `0-9A-Za-z` in that (ASCII) order, most significant digit first, padded on
//! the left with `0`. Fixed width makes it a bijection: a value has one text and no other.

use zeroize::Zeroize;

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

/// Reads digits into a big-endian number of `N` bytes. `None` when a character is no digit or the
/// value does not fit.
pub(crate) fn decode<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut number = [0_u8; N];
    for character in text {
        let mut carry = match value_of(*character) {
            Some(value) => u32::from(value),
            None => {
                number.zeroize();
                return None;
            }
        };
        for byte in number.iter_mut().rev() {
            let value = u32::from(*byte) * BASE + carry;
            *byte = (value & 0xff) as u8;
            carry = value >> 8;
        }
        if carry != 0 {
            number.zeroize();
            return None;
        }
    }
    Some(number)
}

/// Whether every byte is a base62 digit.
pub(crate) fn is_base62(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_alphanumeric)
}

fn digit_of(value: u8) -> u8 {
    match value {
        0..=9 => b'0' + value,
        10..=35 => b'A' + (value - 10),
        _ => b'a' + (value - 36),
    }
}

fn value_of(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'A'..=b'Z' => Some(digit - b'A' + 10),
        b'a'..=b'z' => Some(digit - b'a' + 36),
        _ => None,
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

    #[test]
    fn the_largest_value_fits_and_the_next_does_not() {
        let largest = encode::<43>(&mut [0xff; 32]);
        assert_eq!(decode::<32>(&largest), Some([0xff; 32]));
        let mut next = largest;
        assert_ne!(next[42], b'z', "the last digit can be counted up");
        next[42] += 1;
        assert_eq!(decode::<32>(&next), None);
        assert_eq!(decode::<32>(&[b'z'; 43]), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes: [u8; 32]) {
            let mut number = bytes;
            let text = encode::<43>(&mut number);
            prop_assert_eq!(number, [0; 32], "43 digits hold 32 bytes");
            prop_assert_eq!(decode::<32>(&text), Some(bytes));
        }

        #[test]
        fn any_bytes_are_read_without_panic(text: Vec<u8>) {
            let _ = decode::<32>(&text);
        }
    }
}
