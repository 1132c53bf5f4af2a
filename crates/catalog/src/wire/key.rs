//! API keys.

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Extra;

/// A secret on the wire. Shown only by [`SecretText::expose_secret`]; wiped on drop.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Wraps a secret.
    pub fn new(text: String) -> SecretText {
        SecretText(Zeroizing::new(text))
    }

    /// The secret itself.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

/// An API key as the API shows it. There is no expiry, last use or creator.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiKey {
    /// Uuid.
    pub id: String,
    /// Name, given once.
    pub name: String,
    /// Scopes as sent; one not known here is kept.
    pub scopes: Vec<String>,
    /// The key: whole when created, masked or not when listed.
    pub key: SecretText,
    /// The workspace's uuid.
    pub organization_id: String,
    /// RFC 3339.
    pub timestamp_created: String,
    /// RFC 3339.
    pub timestamp_updated: String,
    /// Fields not known here.
    #[serde(flatten)]
    pub extra: Extra,
}
