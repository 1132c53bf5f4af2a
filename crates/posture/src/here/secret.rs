//! Secrets, by where they are kept.

use std::collections::BTreeSet;

use doorward_catalog::Environment;

/// A secret that is used, by where it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretFacts {
    /// The reference to it.
    pub reference: String,
    /// What uses it.
    pub used_by: Vec<String>,
    /// Why it can't be read; none when it can.
    pub fault: Option<String>,
    /// The file it is in, when everybody on the machine can read that.
    pub read_by_all: Option<String>,
    /// Tells whether two secrets are the same; none where it is not known.
    pub fingerprint: Option<String>,
    /// The environments that it serves; empty where it is of none.
    pub environments: BTreeSet<Environment>,
}
