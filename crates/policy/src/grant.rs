//! What an operator writes down for a client.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

use crate::learning::Learning;
use crate::time::Timestamp;

/// Longest life of a break-glass: four hours, in milliseconds.
pub const BREAK_GLASS_MAX_MILLIS: i64 = 4 * 60 * 60 * 1_000;

/// What a client is granted, by name.
///
/// Names are kept as written and looked up by [`Grant::resolve`], so a grant whose name the
/// catalog no longer knows is refused alone and does not make the rest unreadable. What the three
/// lists give adds up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Names of use cases, like `lead-import`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub use_cases: BTreeSet<String>,
    /// Operations by `operationId`, like `createLead`.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub operations: BTreeSet<String>,
    /// Scopes, like `leads:read`. A scope gives the operations whose scope is documented; an
    /// operation whose scope is only assumed is given by a use case or by name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub scopes: BTreeSet<String>,
    /// Ids of the sub-workspaces that the client may act on with `x-as-workspace`. None unless
    /// named: the API itself restricts nothing here.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub sub_workspaces: BTreeSet<String>,
    /// Whether the client may write entries of its own into the ledger: claims, marked as such.
    #[serde(default, skip_serializing_if = "is_false")]
    pub audit: bool,
    /// Lifts the environment's ceiling for a limited time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<BreakGlass>,
    /// Grants nearly all that the environment admits for a limited time, to see what is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learning: Option<Learning>,
}

/// For a limited time a grant may go beyond the environment's ceiling; what is within the ceiling
/// stays when the time is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakGlass {
    /// Why, for those who read the record later.
    pub reason: String,
    /// When it ends, at most [`BREAK_GLASS_MAX_MILLIS`] ahead.
    pub expires_at: Timestamp,
}

impl Grant {
    /// A grant of one use case and nothing else.
    pub fn for_use_case(name: impl Into<String>) -> Self {
        Self {
            use_cases: BTreeSet::from([name.into()]),
            ..Self::default()
        }
    }

    /// A grant of one operation and nothing else.
    pub fn for_operation(id: impl Into<String>) -> Self {
        Self {
            operations: BTreeSet::from([id.into()]),
            ..Self::default()
        }
    }

    /// A grant of scopes and nothing else.
    pub fn for_scopes<S: Into<String>>(scopes: impl IntoIterator<Item = S>) -> Self {
        Self {
            scopes: scopes.into_iter().map(Into::into).collect(),
            ..Self::default()
        }
    }

    /// The same grant with the right to write claims into the ledger.
    #[must_use]
    pub fn with_audit(self) -> Self {
        Self {
            audit: true,
            ..self
        }
    }

    /// The same grant with the ceiling lifted until `expires_at`.
    #[must_use]
    pub fn with_break_glass(self, reason: impl Into<String>, expires_at: Timestamp) -> Self {
        Self {
            break_glass: Some(BreakGlass {
                reason: reason.into(),
                expires_at,
            }),
            ..self
        }
    }

    /// The same grant, learning until `until`.
    #[must_use]
    pub fn learning_until(self, until: Timestamp) -> Self {
        Self {
            learning: Some(Learning { until }),
            ..self
        }
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature is the serializer's"
)]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// What stands behind a workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkspaceKind {
    /// The emulated API: nothing real can be harmed, so there is no ceiling.
    Sandbox,
    /// A real Instantly workspace.
    Live,
}

impl WorkspaceKind {
    /// Lower-case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Live => "live",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Sandbox, Self::Live]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

impl std::fmt::Display for WorkspaceKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_short_stable_and_strict() {
        let grant = Grant::for_use_case("lead-import")
            .with_break_glass("incident 12", Timestamp::from_seconds(1_800_000_000));
        let text = serde_json::to_string(&grant).unwrap();
        assert_eq!(
            text,
            r#"{"use_cases":["lead-import"],"break_glass":{"reason":"incident 12","expires_at":"2027-01-15T08:00:00Z"}}"#
        );
        assert_eq!(serde_json::from_str::<Grant>(&text).unwrap(), grant);
        assert_eq!(
            serde_json::from_str::<Grant>("{}").unwrap(),
            Grant::default()
        );
        let with_audit = Grant::default().with_audit();
        let text = serde_json::to_string(&with_audit).unwrap();
        assert_eq!(text, r#"{"audit":true}"#);
        assert_eq!(serde_json::from_str::<Grant>(&text).unwrap(), with_audit);
        assert!(serde_json::from_str::<Grant>(r#"{"use_case":["lead-import"]}"#).is_err());
    }
}
