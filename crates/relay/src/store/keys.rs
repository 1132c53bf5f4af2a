//! The keys that events are the same by.

use std::fmt;
use std::sync::Arc;

use ring::hmac;

use super::keyring::bytes_of;
use crate::events::EventKey;

/// Makes the keys of events, under this store's own key: nobody else can tell which payload an id
/// stands for. Cloning gives another handle to the same.
#[derive(Clone)]
pub struct KeyMaker(Arc<hmac::Key>);

impl KeyMaker {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self(Arc::new(hmac::Key::new(hmac::HMAC_SHA256, key)))
    }

    /// Begins the key of a payload of that workspace; what is fed is its canonical form.
    pub fn canonical(&self, workspace: &str) -> KeyOf {
        self.begin(b"canonical", workspace)
    }

    /// Begins the key of a payload that has no canonical form; what is fed are its bytes.
    pub fn raw(&self, workspace: &str) -> KeyOf {
        self.begin(b"raw", workspace)
    }

    fn begin(&self, form: &[u8], workspace: &str) -> KeyOf {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(form);
        context.update(&[0]);
        context.update(&(workspace.len() as u64).to_be_bytes());
        context.update(workspace.as_bytes());
        KeyOf(context)
    }
}

impl fmt::Debug for KeyMaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyMaker")
    }
}

/// A key that is being made.
pub struct KeyOf(hmac::Context);

impl KeyOf {
    /// Feeds the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The key of all that was fed.
    pub fn finish(self) -> EventKey {
        EventKey::new(bytes_of(&self.0.sign()))
    }
}

impl fmt::Debug for KeyOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyOf")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_depends_on_all_that_was_fed_and_on_nothing_else() {
        let maker = KeyMaker::new(&[1; 32]);
        let key = |mut of: KeyOf, parts: &[&str]| {
            parts.iter().for_each(|part| of.update(part.as_bytes()));
            of.finish()
        };
        let one = key(maker.canonical("w"), &["{}", "x"]);
        assert_eq!(one, key(maker.canonical("w"), &["{", "}x"]));
        assert_ne!(one, key(maker.canonical("v"), &["{}x"]));
        assert_ne!(one, key(maker.raw("w"), &["{}x"]));
        assert_ne!(one, key(KeyMaker::new(&[2; 32]).canonical("w"), &["{}x"]));
        assert_ne!(key(maker.raw("w"), &["ab"]), key(maker.raw("wa"), &["b"]));
    }
}
