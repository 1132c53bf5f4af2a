//! What can go wrong with a secret. No variant carries a value.

use crate::reference::SecretRef;

/// The result of this crate's calls.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a reference could not be parsed, or a secret not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is no reference at all. It is not repeated: it may be the secret itself.
    #[error(
        "not a secret reference: write env://NAME or file:///path (the text is not shown, since \
         it may be the secret itself)"
    )]
    NotAReference,
    /// The scheme is planned, and this build has no provider for it.
    #[error(
        "secret references with {scheme}:// are not built into this Doorward yet; use env:// or file://"
    )]
    NotBuiltIn {
        /// The scheme, in lower case.
        scheme: &'static str,
    },
    /// No Doorward knows the scheme.
    #[error("unknown secret scheme '{scheme}': use env:// or file://")]
    UnknownScheme {
        /// The scheme as written: at most 16 letters, digits and hyphens.
        scheme: String,
    },
    /// What follows the scheme does not fit it.
    #[error("malformed {scheme}:// reference: {why}")]
    Malformed {
        /// The scheme.
        scheme: &'static str,
        /// What is wrong with the rest.
        why: &'static str,
    },
    /// There is nothing at the reference.
    #[error("{reference} does not exist")]
    Missing {
        /// Where it was looked for.
        reference: SecretRef,
    },
    /// There is something already, and overwriting was not asked for.
    #[error("{reference} exists already and is not overwritten")]
    Exists {
        /// Where it was to be written.
        reference: SecretRef,
    },
    /// Something is there that Doorward will not take as a secret.
    #[error("{reference} is refused: {why}")]
    Refused {
        /// Where it was found.
        reference: SecretRef,
        /// Which rule it breaks and how to mend that.
        why: String,
    },
    /// The provider behind the reference can only read.
    #[error("{reference} cannot be written: {provider} can only be read")]
    ReadOnly {
        /// Where it was to be written.
        reference: SecretRef,
        /// What the provider calls itself.
        provider: &'static str,
    },
    /// The operating system said no.
    #[error("{reference}: {source}")]
    Io {
        /// What was being read or written.
        reference: SecretRef,
        /// The system's error.
        source: std::io::Error,
    },
}
