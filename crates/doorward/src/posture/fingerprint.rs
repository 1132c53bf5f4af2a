//! Fingerprints of secrets: enough to tell that two are the same, and nothing else.

use ring::hmac;
use secrecy::zeroize::Zeroizing;

/// Makes fingerprints that can be compared with one another, and with no others.
#[derive(Clone)]
pub(crate) struct Fingerprints(hmac::Key);

impl Fingerprints {
    /// Under a key that nobody knows and that is gone with this.
    ///
    /// # Errors
    /// When the system has no randomness.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut())?;
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, key.as_ref())))
    }

    /// Of a secret: 32 hexadecimal digits.
    pub(crate) fn of(&self, secret: &str) -> String {
        let tag = hmac::sign(&self.0, secret.as_bytes());
        let bytes = tag.as_ref().iter().take(16);
        bytes.map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_tell_the_same_from_others_and_only_among_themselves() {
        let (one, other) = (Fingerprints::new().unwrap(), Fingerprints::new().unwrap());
        assert_eq!(one.of("secret"), one.of("secret"));
        assert_ne!(one.of("secret"), one.of("Secret"));
        assert_ne!(one.of("secret"), other.of("secret"));
        assert_eq!(one.of("").len(), 32);
    }
}
