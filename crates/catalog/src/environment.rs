//! Environments: the ceiling on what a client may be granted.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::operation::{Op, OpSet};

/// Where a client runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// A developer's machine: reads only.
    Development,
    /// Rehearsal: reads, and writes that of themselves neither send, spend, destroy nor change
    /// access.
    Staging,
    /// The real thing: what the use case needs, no wildcard.
    Production,
}

/// Why an environment does not allow an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BeyondCeiling {
    /// A write in development.
    #[error("development reads only, and {0} writes")]
    DevelopmentReadsOnly(Op),
    /// A write that is not on staging's list.
    #[error("{0} is not among the writes that staging allows")]
    NotOnStagingList(Op),
    /// An operation no client may have anywhere.
    #[error("{0} is never granted to a client: keys are made and shown by Doorward alone")]
    NeverGranted(Op),
}

/// The writes staging allows: none of itself sends, spends, destroys, or changes access.
///
/// Some have more effect by what they meet or ask for: a lead added to a campaign that is running
/// is written to, a change of its text goes out, and a lead list set to enrich, or leads to be
/// verified on import, use up credits. A staging client belongs to a workspace in which nothing
/// runs.
pub const STAGING_WRITES: [Op; 24] = [
    Op::CreateCampaign,
    Op::PatchCampaign,
    Op::PauseCampaign,
    Op::AddVariables,
    Op::Duplicate,
    Op::CreateCampaignSubsequence,
    Op::PatchCampaignSubsequence,
    Op::PauseSubsequence,
    Op::CreateLead,
    Op::PatchLead,
    Op::BulkAddLeads,
    Op::UpdateLeadInterestStatus,
    Op::CreateLeadList,
    Op::PatchLeadList,
    Op::CreateLeadLabel,
    Op::PatchLeadLabel,
    Op::CreateCustomTag,
    Op::PatchCustomTag,
    Op::ToggleTagResource,
    Op::CreateBlockListEntry,
    Op::CreateblukBlockListEntry,
    Op::PauseAccount,
    Op::MarkThreadAsRead,
    Op::TestWebhook,
];

/// Operations no client is ever granted: they mint, show or end the keys that Doorward holds.
pub const NEVER_GRANTED: [Op; 3] = [Op::CreateAPIKey, Op::ListAPIKey, Op::DeleteAPIKey];

impl Environment {
    /// Every environment, most guarded last.
    pub const ALL: [Environment; 3] = [
        Environment::Development,
        Environment::Staging,
        Environment::Production,
    ];

    /// Lower-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Environment::Development => "development",
            Environment::Staging => "staging",
            Environment::Production => "production",
        }
    }

    /// The letter in a client key: `d`, `s` or `p`.
    pub const fn letter(self) -> char {
        match self {
            Environment::Development => 'd',
            Environment::Staging => 's',
            Environment::Production => 'p',
        }
    }

    /// The environment of a client key's letter.
    pub fn from_letter(letter: char) -> Option<Environment> {
        Environment::ALL
            .into_iter()
            .find(|environment| environment.letter() == letter)
    }

    /// Whether a client here may be granted the operation.
    ///
    /// # Errors
    /// When it is beyond the ceiling, with the reason.
    pub fn admits(self, op: Op) -> Result<(), BeyondCeiling> {
        if NEVER_GRANTED.contains(&op) {
            return Err(BeyondCeiling::NeverGranted(op));
        }
        match self {
            Environment::Development if op.facts().writes() => {
                Err(BeyondCeiling::DevelopmentReadsOnly(op))
            }
            Environment::Staging if op.facts().writes() && !STAGING_WRITES.contains(&op) => {
                Err(BeyondCeiling::NotOnStagingList(op))
            }
            _ => Ok(()),
        }
    }

    /// All that a client here may be granted.
    pub fn ceiling(self) -> OpSet {
        Op::ALL
            .into_iter()
            .filter(|op| self.admits(*op).is_ok())
            .collect()
    }

    /// Whether a grant here may name a wildcard scope.
    pub const fn admits_wildcards(self) -> bool {
        matches!(self, Environment::Development)
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A text that is no environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no such environment; choose development, staging or production")]
pub struct ParseEnvironmentError;

impl FromStr for Environment {
    type Err = ParseEnvironmentError;

    fn from_str(text: &str) -> Result<Environment, ParseEnvironmentError> {
        match text {
            "development" | "dev" => Ok(Environment::Development),
            "staging" => Ok(Environment::Staging),
            "production" | "prod" => Ok(Environment::Production),
            _ => Err(ParseEnvironmentError),
        }
    }
}
