//! What may go wrong.

/// Why nothing is passed on. None of these shows what was read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VeilError {
    /// A secret can't be looked for.
    #[error("a secret of {0} bytes can't be looked for: 12 to 4096 bytes are needed")]
    SecretLength(usize),
    /// There are too many secrets.
    #[error("more than 100000 secrets")]
    TooManySecrets,
    /// The body does not decode, or not to its end.
    #[error("the body is not whole {0}")]
    Coding(&'static str),
    /// The body expands beyond what is allowed.
    #[error("the body expands beyond its limit")]
    Expands,
    /// The coding is not known.
    #[error("the content coding is not known")]
    UnknownCoding,
    /// The document is not JSON as RFC 8259 has it.
    #[error("not JSON at byte {0}")]
    NotJson(usize),
    /// The document is nested too deep.
    #[error("JSON nested deeper than {0} levels")]
    TooDeep(usize),
    /// The document is too long.
    #[error("JSON of more than {0} bytes")]
    TooLong(usize),
    /// A rule's pointer is not a JSON pointer (RFC 6901), or there are too many.
    #[error("rule {0} is not a JSON pointer")]
    Pointer(usize),
    /// There are too many rules.
    #[error("more than 1000 rules")]
    TooManyRules,
}
