//! What goes back: decoded, redacted, scrubbed.

pub(crate) mod answer;
pub(crate) mod known;
pub(crate) mod redactors;
pub(crate) mod veil;
pub(crate) mod whole;
