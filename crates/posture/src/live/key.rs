//! An API key as Instantly lists it.

use doorward_policy::Timestamp;

/// An API key as Instantly lists it, without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedKey {
    /// Instantly's id of it.
    pub id: String,
    /// Its name there.
    pub name: String,
    /// Its scopes as they are spelled there; one not known here is kept.
    pub scopes: Vec<String>,
    /// When it was made, where that can be read.
    pub created_at: Option<Timestamp>,
}
