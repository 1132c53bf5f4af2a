//! What an upstream key looks like.
//!
//! The vendor publishes no convention. Keys seen by users of the API are the base64 form of
//! `<uuid>:<12 letters or digits>`: 68 characters ending in `==`. Few examples are known, so the
//! tail is kept loose.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const LOOSE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Length of a uuid in text.
const UUID: usize = 36;

/// The format of upstream keys.
#[derive(Debug, Clone, Copy)]
pub struct UpstreamKeyFormat;

impl UpstreamKeyFormat {
    /// Characters of a key as seen so far.
    pub const LENGTH: usize = 68;

    /// Whether the text has the shape of an upstream key: base64, padding or not, of a lower-case
    /// uuid, a colon and 6 to 48 letters or digits. Says nothing about whether the key is alive.
    pub fn matches(text: &str) -> bool {
        if !(56..=120).contains(&text.len()) {
            return false;
        }
        let Ok(decoded) = LOOSE.decode(text) else {
            return false;
        };
        let Some((uuid, rest)) = decoded.split_at_checked(UUID) else {
            return false;
        };
        let Some((b':', tail)) = rest.split_first() else {
            return false;
        };
        is_uuid(uuid)
            && (6..=48).contains(&tail.len())
            && tail.iter().all(u8::is_ascii_alphanumeric)
    }

    /// A key made of a uuid's text and a tail; for emulators and tests.
    pub fn compose(uuid: &str, tail: &str) -> String {
        base64::engine::general_purpose::STANDARD.encode(format!("{uuid}:{tail}"))
    }
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.iter().enumerate().all(|(n, byte)| match n {
        8 | 13 | 18 | 23 => *byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_composed_key_has_the_shape_and_its_neighbours_do_not() {
        let key =
            UpstreamKeyFormat::compose("0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f", "aB3dE5gH7jK9");
        assert_eq!(key.len(), UpstreamKeyFormat::LENGTH);
        assert!(key.ends_with("=="));
        assert!(UpstreamKeyFormat::matches(&key));
        assert!(UpstreamKeyFormat::matches(key.trim_end_matches('=')));
        let upper =
            UpstreamKeyFormat::compose("0195F3A2-1B2C-7D3E-8F40-5A6B7C8D9E0F", "aB3dE5gH7jK9");
        assert!(!UpstreamKeyFormat::matches(&upper));
        assert!(!UpstreamKeyFormat::matches(&key[1..]));
        assert!(!UpstreamKeyFormat::matches(&"A".repeat(68)));
        assert!(!UpstreamKeyFormat::matches(""));
    }
}
