//! Why an object could not be read.

use gix::ObjectId;

/// Why an object could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// The bytes are not what the format asks for.
    #[error("broken: {0}")]
    Broken(&'static str),
    /// The store does not have it.
    #[error("object {0} is missing")]
    Missing(ObjectId),
    /// It is larger than what is read.
    #[error("too large: {0} bytes")]
    TooLarge(u64),
    /// The system did not let us read.
    #[error("cannot be read: {0}")]
    Io(String),
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error.to_string())
    }
}
