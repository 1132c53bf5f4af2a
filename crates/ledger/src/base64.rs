//! Standard base64 with padding, strictly: a byte string has exactly one text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// `None` when the text is not what [`encode`] would write.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Exactly `N` bytes.
pub(crate) fn decode_array<const N: usize>(text: &str) -> Option<[u8; N]> {
    // No more than what N bytes can take is decoded, whoever sent the text.
    if text.len() != N.div_ceil(3) * 4 {
        return None;
    }
    decode(text)?.try_into().ok()
}
