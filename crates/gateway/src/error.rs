//! What can be wrong with what the gateway is built from.

use doorward_secrets::Error as SecretError;

/// Why a gateway, or a part of a snapshot, could not be made. Holds no secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The base URL is not one that calls can go to.
    #[error("workspace '{workspace}' has a base URL that is not used: {why}")]
    BaseUrl {
        /// Name of the workspace.
        workspace: String,
        /// What is wrong and how to mend it.
        why: &'static str,
    },
    /// The value of an upstream key could not be had.
    #[error("upstream key '{key}' of workspace '{workspace}' is not used: {source}")]
    Secret {
        /// Name of the workspace.
        workspace: String,
        /// Name of the key.
        key: String,
        /// Why.
        source: Box<SecretError>,
    },
    /// The value of an upstream key cannot be sent in a header.
    #[error(
        "upstream key '{key}' of workspace '{workspace}' is not used: it must be 16 to 4096 \
         letters, digits and punctuation, on one line"
    )]
    NotAKey {
        /// Name of the workspace.
        workspace: String,
        /// Name of the key.
        key: String,
    },
    /// A policy can't be evaluated any more.
    #[error(
        "policy '{name}' can't be evaluated any more, so that what it could bear on is refused; \
         save it anew or remove it: {why}"
    )]
    Policy {
        /// Its name.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// The system's certificates could not be read.
    #[error("the system's certificate authorities can't be read: {0}")]
    Roots(std::io::Error),
    /// A client's redaction rules can't be followed, so no answers go to it.
    #[error("client '{client}' gets no answers: its redaction rules can't be followed: {why}")]
    Redaction {
        /// Name of the client.
        client: String,
        /// What is wrong.
        why: doorward_veil::VeilError,
    },
    /// Secrets can't be scrubbed from answers, so none are given.
    #[error("no calls are answered: answers can't be scrubbed of secrets: {0}")]
    Scrubbing(doorward_veil::VeilError),
    /// The keys that writes are remembered under can't be derived.
    #[error("the keys that writes are remembered under can't be derived")]
    Derive,
    /// Approvals can't be asked for or looked up.
    #[error("approvals can't be used: {0}")]
    Approvals(String),
    /// The pace can't be kept like that.
    #[error("the pace: {0}")]
    Pace(doorward_pace::Error),
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}
