//! Policies: conditions beyond grants, as text.

use doorward_policy::Timestamp;

use crate::check::check_name;
use crate::error::{Result, StoreError};

/// Most policies.
pub(crate) const POLICIES_MAX: i64 = 1_000;
/// Most bytes of a policy's text.
const TEXT_MAX: usize = 64 * 1024;

/// A policy as it is stored. What its text says is for others to judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Its text.
    pub text: String,
    /// The digest of the schema that it was held against when it was saved.
    pub schema: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
}

/// Where policies are kept.
///
/// # Errors
/// As for [`Store`](crate::Store).
pub trait PolicyStore: Send + Sync {
    /// Saves a policy, in the place of the one of that name.
    ///
    /// # Errors
    /// [`Field`](StoreError::Field) when the name does not fit, the text is larger than 64 KiB, or
    /// there are 1,000 already.
    fn save_policy(&self, name: &str, text: &str, schema: &str, now: Timestamp) -> Result<Policy>;

    /// Every policy, by name.
    fn policies(&self) -> Result<Vec<Policy>>;

    /// One policy.
    fn policy(&self, name: &str) -> Result<Policy>;

    /// Removes a policy; gives what it was.
    fn delete_policy(&self, name: &str) -> Result<Policy>;
}

/// Checks what is to be saved.
pub(crate) fn check_policy(name: &str, text: &str) -> Result<()> {
    check_name("the policy", name)?;
    if text.len() <= TEXT_MAX {
        return Ok(());
    }
    Err(StoreError::Field {
        field: "the text of the policy".to_owned(),
        fault: "is larger than 64 KiB; split it into several policies",
    })
}
