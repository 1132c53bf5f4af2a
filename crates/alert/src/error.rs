//! What can go wrong with alerts.

/// Why alerts can't be told as configured. Holds no address and no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AlertError {
    /// A channel's setting does not fit.
    #[error("alert channel {channel}: {why}")]
    Channel {
        /// The channel's name.
        channel: String,
        /// What does not fit.
        why: String,
    },
    /// No channel has this name.
    #[error("there is no alert channel '{named}'; there are: {there}")]
    UnknownChannel {
        /// The name that was asked for.
        named: String,
        /// Those there are.
        there: String,
    },
    /// There is none at all.
    #[error("no alert channel is configured; add one as [[alerts.channel]] to doorward.toml")]
    NoChannel,
}

/// A result of this crate.
pub type Result<T> = std::result::Result<T, AlertError>;
