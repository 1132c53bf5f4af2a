//! Admin tokens: how named people prove to the admin API who they are. And who made a client.

use doorward_policy::Timestamp;
use serde::Serialize;

use crate::error::Result;

/// What is kept of an admin token. The hash is left out of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdminToken {
    /// Whose it is; unique among those that are not revoked.
    pub name: String,
    /// The public id: 16 hexadecimal digits.
    pub id: String,
    /// A keyed hash of the whole token.
    #[serde(skip)]
    pub hash: [u8; 32],
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

impl AdminToken {
    /// Whether it is good at `now`.
    pub fn is_good(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }
}

/// Admin tokens, and the makers of clients. None of these calls moves
/// [`Store::generation`](crate::Store::generation).
///
/// # Errors
/// As for [`Store`](crate::Store).
pub trait AdminTokenStore: Send + Sync {
    /// Adds a token.
    ///
    /// # Errors
    /// [`Duplicate`](crate::StoreError::Duplicate) when somebody of that name has one that is not
    /// revoked.
    fn add_admin_token(&self, token: &AdminToken) -> Result<()>;

    /// The token with this public id.
    fn admin_token(&self, id: &str) -> Result<Option<AdminToken>>;

    /// Every token, by name and time.
    fn admin_tokens(&self) -> Result<Vec<AdminToken>>;

    /// Revokes the token of that name, or with that id.
    ///
    /// # Errors
    /// [`NotFound`](crate::StoreError::NotFound) when none is in force.
    fn revoke_admin_token(&self, name_or_id: &str, now: Timestamp) -> Result<AdminToken>;

    /// Adds to the names of those who had a hand in a client. None is ever taken away.
    ///
    /// # Errors
    /// When there is no such client, or too many had.
    fn note_client_makers(&self, client_id: &str, names: &[String]) -> Result<()>;

    /// The names of those who had a hand in a client: who made it, was noted, or owned it before.
    fn client_makers(&self, client_id: &str) -> Result<Vec<String>>;
}
