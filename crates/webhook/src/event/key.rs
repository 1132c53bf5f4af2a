//! The key an event is stored once under.

use ring::hmac;

use crate::json::Canonical;

/// Makes keys of events: 32 bytes, the same for the same event whenever and through whichever
/// subscription it comes, and of use to nobody who lacks the secret. A plain hash would be: a
/// payload can be guessed from a few known facts of a person.
#[derive(Clone)]
pub struct EventKeys(hmac::Key);

impl std::fmt::Debug for EventKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EventKeys(…)")
    }
}

impl EventKeys {
    /// Under a store's own 32 random bytes.
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The key of a payload of a workspace.
    pub fn of_event(&self, workspace: &str, payload: Canonical<'_>) -> [u8; 32] {
        self.of("event", workspace, payload.bytes())
    }

    /// The key of bytes that are no payload.
    pub fn of_bytes(&self, workspace: &str, bytes: &[u8]) -> [u8; 32] {
        self.of("bytes", workspace, bytes)
    }

    /// The key of a body that was not kept, from its SHA-256.
    pub fn of_hash(&self, workspace: &str, sha256: &[u8; 32]) -> [u8; 32] {
        self.of("hash", workspace, sha256)
    }

    fn of(&self, what: &str, workspace: &str, bytes: &[u8]) -> [u8; 32] {
        let workspace = workspace.to_ascii_lowercase();
        let mut context = hmac::Context::with_key(&self.0);
        // Where the workspace ends is told by its length.
        let head = format!("doorward {what} key 1 {} {workspace} ", workspace.len());
        context.update(head.as_bytes());
        context.update(bytes);
        let mut key = [0; 32];
        let tag = context.sign();
        key.iter_mut()
            .zip(tag.as_ref())
            .for_each(|(to, from)| *to = *from);
        key
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Canonicaliser, Limits};

    #[test]
    fn a_key_is_of_one_payload_and_one_workspace() {
        let keys = EventKeys::new(&[7; 32]);
        let mut canonicaliser = Canonicaliser::default();
        let payload = canonicaliser.run(b"{\"a\":1}", &Limits::default()).unwrap();
        let key = keys.of_event("W1", payload);
        assert_eq!(key, keys.of_event("w1", payload));
        assert_ne!(key, keys.of_event("w2", payload));
        assert_ne!(key, keys.of_bytes("w1", payload.bytes()));
        assert_ne!(key, EventKeys::new(&[8; 32]).of_event("w1", payload));
        assert_ne!(keys.of_bytes("w", b"1 x"), keys.of_bytes("w 1", b"x"));
        assert_ne!(keys.of_bytes("w", &[1; 32]), keys.of_hash("w", &[1; 32]));
    }
}
