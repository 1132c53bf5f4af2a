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
    /// The scheme is known, and this build has no provider for it.
    #[error(
        "secret references with {scheme}:// need another build of this program: one with \
         `--features {feature}` (cargo build --release -p doorward --features {feature}), or the \
         container image, which has them all"
    )]
    NotBuiltIn {
        /// The scheme, in lower case.
        scheme: &'static str,
        /// The cargo feature.
        feature: &'static str,
    },
    /// No Doorward knows the scheme.
    #[error(
        "unknown secret scheme '{scheme}': use env://, dotenv://, file://, age://, keyring://, \
         gcp-sm://, aws-sm://, vault:// or exec://"
    )]
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
    /// There is another secret by now than the one that was to be replaced.
    #[error("{reference} was changed meanwhile, and is not overwritten: read it again")]
    Conflict {
        /// Where it was to be written.
        reference: SecretRef,
    },
    /// The place can't replace a secret only if it is the expected one.
    #[error("{reference}: {provider} can't make sure that only the expected secret is replaced")]
    NoCompare {
        /// Where it was to be written.
        reference: SecretRef,
        /// What the provider calls itself.
        provider: &'static str,
    },
    /// The provider gave no answer in time.
    #[error("{reference}: no answer within {millis} ms")]
    TimedOut {
        /// What was being read.
        reference: SecretRef,
        /// How long was waited.
        millis: u128,
    },
    /// The provider can't be reached, or does not serve this program.
    #[error("{reference}: {why}")]
    Trouble {
        /// What was being read or written.
        reference: SecretRef,
        /// What happened, and what can be done about it; never a secret.
        why: String,
    },
    /// The provider is in trouble for so long that what was last read is not used any more.
    #[error("{reference} could not be read for more than {hours} hours, and is not used any more")]
    Stale {
        /// Which secret.
        reference: SecretRef,
        /// The most hours that a secret is used for without being read again.
        hours: u64,
    },
}

impl Error {
    /// Which secret it is about.
    pub fn reference(&self) -> Option<&SecretRef> {
        match self {
            Self::Missing { reference }
            | Self::Exists { reference }
            | Self::Refused { reference, .. }
            | Self::ReadOnly { reference, .. }
            | Self::Io { reference, .. }
            | Self::Conflict { reference }
            | Self::NoCompare { reference, .. }
            | Self::TimedOut { reference, .. }
            | Self::Trouble { reference, .. }
            | Self::Stale { reference, .. } => Some(reference),
            Self::NotAReference
            | Self::NotBuiltIn { .. }
            | Self::UnknownScheme { .. }
            | Self::Malformed { .. } => None,
        }
    }

    /// Whether it is the provider's trouble, which may pass by itself, and no answer about the
    /// secret.
    pub fn is_trouble(&self) -> bool {
        matches!(
            self,
            Self::Io { .. } | Self::TimedOut { .. } | Self::Trouble { .. } | Self::Stale { .. }
        )
    }

    /// The same again, for those who ask while it is remembered.
    pub(crate) fn again(&self) -> Self {
        let again = |reference: &SecretRef| reference.clone();
        match self {
            Self::NotAReference => Self::NotAReference,
            Self::NotBuiltIn { scheme, feature } => Self::NotBuiltIn { scheme, feature },
            Self::UnknownScheme { scheme } => Self::UnknownScheme {
                scheme: scheme.clone(),
            },
            Self::Malformed { scheme, why } => Self::Malformed { scheme, why },
            Self::Missing { reference } => Self::Missing {
                reference: again(reference),
            },
            Self::Exists { reference } => Self::Exists {
                reference: again(reference),
            },
            Self::Refused { reference, why } => Self::Refused {
                reference: again(reference),
                why: why.clone(),
            },
            Self::ReadOnly {
                reference,
                provider,
            } => Self::ReadOnly {
                reference: again(reference),
                provider,
            },
            Self::Io { reference, source } => Self::Io {
                reference: again(reference),
                source: std::io::Error::new(source.kind(), source.to_string()),
            },
            Self::Conflict { reference } => Self::Conflict {
                reference: again(reference),
            },
            Self::NoCompare {
                reference,
                provider,
            } => Self::NoCompare {
                reference: again(reference),
                provider,
            },
            Self::TimedOut { reference, millis } => Self::TimedOut {
                reference: again(reference),
                millis: *millis,
            },
            Self::Trouble { reference, why } => Self::Trouble {
                reference: again(reference),
                why: why.clone(),
            },
            Self::Stale { reference, hours } => Self::Stale {
                reference: again(reference),
                hours: *hours,
            },
        }
    }

    pub(crate) fn refused(reference: &SecretRef, why: impl Into<String>) -> Self {
        Self::Refused {
            reference: reference.clone(),
            why: why.into(),
        }
    }

    pub(crate) fn missing(reference: &SecretRef) -> Self {
        Self::Missing {
            reference: reference.clone(),
        }
    }

    pub(crate) fn trouble(reference: &SecretRef, why: impl Into<String>) -> Self {
        Self::Trouble {
            reference: reference.clone(),
            why: why.into(),
        }
    }

    pub(crate) fn io(reference: &SecretRef, source: std::io::Error) -> Self {
        match source.kind() {
            std::io::ErrorKind::NotFound => Self::missing(reference),
            _ => Self::Io {
                reference: reference.clone(),
                source,
            },
        }
    }
}
