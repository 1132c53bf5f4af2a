//! One thing that was found.

use serde::{Deserialize, Serialize};

use crate::{Place, Severity};

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Id of the [`crate::Rule`] that found it.
    pub rule: String,
    /// How bad it is.
    pub severity: Severity,
    /// What was found, in one sentence, with every secret masked.
    pub message: String,
    /// Where: the first is the chief one.
    pub places: Vec<Place>,
    /// What was seen, by name; no secret among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<(String, String)>,
    /// How to mend it.
    pub remedy: Remedy,
    /// The same for the same finding in every run, wherever it moved to: hex.
    pub fingerprint: String,
    /// Whether it counts.
    #[serde(default)]
    pub standing: Standing,
}

/// How a finding is mended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remedy {
    /// What to do, in a sentence.
    pub text: String,
    /// The exact command that does it, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// Whether a finding counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It counts.
    #[default]
    Open,
    /// A baseline has it: it was there before.
    Known,
    /// Somebody said that it is all right, and until when.
    Muted(Mute),
}

/// Who said that a finding is all right, why, and until when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mute {
    /// Why.
    pub reason: String,
    /// Who answers for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// The last day it holds, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
}

impl Finding {
    /// Whether it counts.
    pub fn is_open(&self) -> bool {
        self.standing == Standing::Open
    }
}
