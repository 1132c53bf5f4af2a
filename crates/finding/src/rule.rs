//! What is looked for.

use serde::{Deserialize, Serialize};

use crate::Severity;

/// A check or a detector, as a report names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its id: dotted, lower-case, stable: `keys.wildcard`, `instantly.upstream-key`.
    pub id: String,
    /// What it finds, in a few words.
    pub title: String,
    /// How bad it is, unless a finding says otherwise.
    pub severity: Severity,
    /// Why it matters, in a sentence or two.
    pub why: String,
    /// How to mend it, in general.
    pub help: String,
    /// Where to read on: addresses or sections of standards.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<String>,
    /// Words to group by: the area, and controls such as `owasp-api:API2`, `cis:5.4`, `soc2:CC6.1`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

impl Rule {
    /// What stands before the id's first dot: the area it belongs to.
    pub fn area(&self) -> &str {
        self.id.split('.').next().unwrap_or(&self.id)
    }
}
