//! What an application says it did: checked for its form, recorded as its own word.

use doorward_ledger::{Act, Actor, ActorKind, Event, Resource, Verdict};
use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::draft::{Draft, SEALED_MAX};
use crate::error::{AuditError, Result};
use crate::people::{PERSON_MAX, Person, PersonKind};

/// Most bytes of a claim as JSON.
pub const CLAIM_MAX: usize = 12 * 1024;
/// Most characters of an action or of a resource's type.
const NAME_MAX: usize = 100;
/// Most levels of a claim's metadata.
const DEPTH_MAX: usize = 5;
/// How far a claim's own time may lie ahead of ours.
const AHEAD_MS: i64 = 5 * 60 * 1000;

/// An audit entry as an application writes it: `POST /audit`.
///
/// ```json
/// {"action": "report.export", "result": "success", "user": "ann@example.com",
///  "resource": {"type": "report", "id": "q3"}, "metadata": {"rows": 120}}
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// What was done: a lower-case word, parts joined by `.`, `:`, `-` or `_`, at most 100.
    pub action: String,
    /// How it ended.
    pub result: ClaimResult,
    /// Who did it, sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// To what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<ClaimResource>,
    /// When, RFC 3339; now when it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
    /// Whatever else, sealed.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// How a claimed act ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClaimResult {
    /// It was done.
    Success,
    /// It was not.
    Failure,
}

/// What a claimed act was done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClaimResource {
    /// A word, as for the action.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which one, sealed unless it can be nothing but an id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Who makes a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimant {
    /// Doorward's id of the workspace.
    pub workspace: Option<String>,
    /// Name of the client; none for the admin API.
    pub client: Option<String>,
    /// Public id of the client key.
    pub client_key: Option<String>,
    /// Where the client runs.
    pub environment: Option<String>,
    /// The call's name.
    pub request_id: Option<String>,
    /// Where it came from.
    pub source: Option<std::net::IpAddr>,
}

impl Claim {
    /// Reads a claim.
    ///
    /// # Errors
    /// [`AuditError::Claim`] when it is too large, no such JSON, or a member does not fit.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let fault = |member, why| AuditError::Claim { member, why };
        if json.len() > CLAIM_MAX {
            return Err(fault("body", "it is larger than 12 KiB"));
        }
        let claim: Self = serde_json::from_slice(json).map_err(|_| {
            fault(
                "body",
                "it is not {action, result, user, resource, timestamp, metadata} as described",
            )
        })?;
        let word = "write a lower-case word like report.export, of at most 100 characters";
        if !is_word(&claim.action) {
            return Err(fault("action", word));
        }
        if let Some(resource) = &claim.resource {
            if !is_word(&resource.kind) {
                return Err(fault("resource.type", word));
            }
            if resource.id.as_ref().is_some_and(|id| !is_value(id)) {
                return Err(fault("resource.id", "write 1 to 320 printable characters"));
            }
        }
        if claim.user.as_ref().is_some_and(|user| !is_value(user)) {
            return Err(fault("user", "write 1 to 320 printable characters"));
        }
        if claim
            .metadata
            .values()
            .any(|value| depth(value) > DEPTH_MAX)
        {
            return Err(fault("metadata", "it is nested deeper than 5 levels"));
        }
        Ok(claim)
    }

    /// The act to be recorded at `now`.
    ///
    /// # Errors
    /// [`AuditError::Claim`] when it lies in the future.
    pub fn into_draft(self, by: &Claimant, now: Timestamp) -> Result<Draft> {
        if self
            .timestamp
            .is_some_and(|timestamp| timestamp.millis_since(now) > AHEAD_MS)
        {
            return Err(AuditError::Claim {
                member: "timestamp",
                why: "it lies more than five minutes in the future",
            });
        }
        let mut act = Act::new(
            self.action,
            match self.result {
                ClaimResult::Success => Verdict::Success,
                ClaimResult::Failure => Verdict::Failure,
            },
        );
        let mut who = Actor::of(match by.client {
            Some(_) => ActorKind::Client,
            None => ActorKind::Admin,
        });
        who.name.clone_from(&by.client);
        who.claimed = self.user.is_some();
        act.actor = Some(who);
        act.client.clone_from(&by.client);
        act.client_key.clone_from(&by.client_key);
        act.environment.clone_from(&by.environment);
        act.workspace.clone_from(&by.workspace);
        act.request_id.clone_from(&by.request_id);
        if let Some(at) = self.timestamp {
            act.metadata
                .insert("claimed_at".to_owned(), at.to_string().into());
        }
        act.resource = self.resource.as_ref().map(|resource| Resource {
            kind: resource.kind.clone(),
            ..Resource::default()
        });
        let whose = match &self.user {
            Some(user) => Person::named(user),
            None => Person::new(PersonKind::Client, by.client.as_deref().unwrap_or("admin")),
        };
        let mut draft = Draft::new(now, act, Event::Claim { claim: None });
        if let Some(id) = self.resource.and_then(|resource| resource.id) {
            draft = draft.id("id", &id);
        }
        if self.user.is_some() {
            draft = draft.person(whose.clone());
        }
        if let Some(source) = by.source {
            draft = draft.source(source);
        }
        if !self.metadata.is_empty() {
            let whole = json!({ "metadata": self.metadata });
            // Numbers may be longer as they are written down than as they came.
            if whole.to_string().len() > SEALED_MAX {
                return Err(AuditError::Claim {
                    member: "metadata",
                    why: "written out it is larger than 16 KiB",
                });
            }
            draft = draft.sealed(&whole, whose);
        }
        Ok(draft)
    }
}

fn is_word(text: &str) -> bool {
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".:-_".contains(&byte);
    text.len() <= NAME_MAX
        && text
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_lowercase())
        && text.bytes().all(fits)
}

fn is_value(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= PERSON_MAX && !text.chars().any(char::is_control)
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        for (json, member) in [
            (r#"{"action":"A","result":"success"}"#, "action"),
            (r#"{"action":"","result":"success"}"#, "action"),
            (r#"{"action":"a","result":"perhaps"}"#, "body"),
            (r#"{"action":"a","result":"success","who":1}"#, "body"),
            (r#"{"action":"a","result":"success","user":" "}"#, "user"),
            (r#"{"action":"a","result":"success","user":"a\nb"}"#, "user"),
            (
                r#"{"action":"a","result":"success","resource":{"type":"x y"}}"#,
                "resource.type",
            ),
            (
                r#"{"action":"a","result":"success","metadata":{"a":[[[[[1]]]]]}}"#,
                "metadata",
            ),
            ("[]", "body"),
        ] {
            match Claim::parse(json.as_bytes()) {
                Err(AuditError::Claim { member: at, .. }) => assert_eq!(at, member, "{json}"),
                other => panic!("{json}: {other:?}"),
            }
        }
        let large = format!(
            r#"{{"action":"a","result":"success","metadata":{{"a":"{}"}}}}"#,
            "x".repeat(CLAIM_MAX)
        );
        assert!(Claim::parse(large.as_bytes()).is_err());
    }

    #[test]
    fn a_claim_is_marked_and_can_not_be_of_tomorrow() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let by = Claimant {
            workspace: None,
            client: Some("crm".to_owned()),
            client_key: None,
            environment: None,
            request_id: None,
            source: None,
        };
        let claim = |at: &str| {
            Claim::parse(
                format!(r#"{{"action":"a.b","result":"failure","user":"Ann","timestamp":"{at}"}}"#)
                    .as_bytes(),
            )
            .unwrap()
        };
        assert!(claim("2028-01-01T00:00:00Z").into_draft(&by, now).is_err());
        let draft = claim("2026-01-01T00:00:00Z").into_draft(&by, now).unwrap();
        assert_eq!(draft.at, now);
        assert!(draft.act.actor.as_ref().unwrap().claimed);
        assert!(!format!("{:?}", draft.act).contains("Ann"));
    }

    #[test]
    fn metadata_that_could_not_be_kept_is_not_taken() {
        let numbers = vec!["1e15"; 2_000].join(",");
        let json = format!(r#"{{"action":"a","result":"success","metadata":{{"a":[{numbers}]}}}}"#);
        let claim = Claim::parse(json.as_bytes()).unwrap();
        let by = Claimant {
            workspace: None,
            client: Some("crm".to_owned()),
            client_key: None,
            environment: None,
            request_id: None,
            source: None,
        };
        let now = Timestamp::from_seconds(1_800_000_000);
        assert!(matches!(
            claim.into_draft(&by, now),
            Err(AuditError::Claim {
                member: "metadata",
                ..
            })
        ));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_claim_or_a_fault(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Claim::parse(&bytes);
        }
    }
}
