//! Signing what goes to a destination.

use super::secret::{SecretFault, WebhookSecret};

/// Signs messages with all its secrets, so that a receiver who knows one of them verifies: two
/// while they are exchanged, and `whsec_` beside `whsk_` where a destination asks for both.
#[derive(Debug, Clone)]
pub struct Signer(Vec<WebhookSecret>);

impl Signer {
    /// With one to four secrets, the one in force first.
    ///
    /// # Errors
    /// When there is none, or there are more.
    pub fn new(secrets: Vec<WebhookSecret>) -> Result<Self, SecretFault> {
        if (1..=4).contains(&secrets.len()) {
            Ok(Self(secrets))
        } else {
            Err(SecretFault::Count)
        }
    }

    /// The header `webhook-signature`: a signature of each secret, with spaces between.
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let signatures = self.0.iter().map(|secret| secret.sign(id, seconds, body));
        signatures.collect::<Vec<_>>().join(" ")
    }

    /// The three headers of a message: its id (the same for every attempt, without points), the
    /// time of this attempt in seconds since 1970, and the signatures.
    pub fn headers(&self, id: &str, seconds: i64, body: &[u8]) -> [(&'static str, String); 3] {
        [
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", seconds.to_string()),
            ("webhook-signature", self.sign(id, seconds, body)),
        ]
    }
}
