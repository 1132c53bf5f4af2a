//! What can go wrong, in words that may be shown to anyone.

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of the ledger. Texts name what is at fault and never repeat what was read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A leaf is not the canonical form (RFC 8785) of the JSON it stands for.
    #[error("not a leaf: {0}")]
    NotALeaf(&'static str),
    /// Something is larger than the format allows.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// The limit, in bytes.
        limit: usize,
    },
    /// Text or bytes don't have the form they must have.
    #[error("{what} is malformed: {why}")]
    Malformed {
        /// What it is.
        what: &'static str,
        /// The first fault found.
        why: &'static str,
    },
    /// A note bears no valid signature of a trusted key.
    #[error("no signature of a known key: compare the verifier key with the name in the note")]
    Unsigned,
    /// A signature under the name and id of a trusted key is wrong.
    #[error("the signature of {0} is wrong: the text was changed after it was signed")]
    BadSignature(crate::KeyName),
    /// The signer could not sign.
    #[error("can't sign: {0}")]
    Signer(String),
    /// A proof does not lead to the root it is held against.
    #[error("the {0} proof does not lead to the checkpoint's root")]
    ProofRefused(&'static str),
    /// A tile or entry bundle is not there.
    #[error("{0} is missing")]
    Missing(crate::Tile),
    /// A value can't be sealed or opened: wrong key, wrong place, or changed.
    #[error("the sealed value can't be opened: another key, another place, or changed")]
    Seal,
    /// A file can't be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file or folder.
        path: std::path::PathBuf,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) const fn malformed(what: &'static str, why: &'static str) -> Self {
        Self::Malformed { what, why }
    }
}
