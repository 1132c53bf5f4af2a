//! What leaves of all kinds may say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Commitment, Sealed};

/// How an act ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It is about to be done.
    Pending,
    /// It was done.
    Success,
    /// It was tried and did not succeed.
    Failure,
    /// It was not allowed.
    Refused,
    /// Whether it was done is not known.
    Unknown,
}

/// What was decided about a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It may go on.
    Allow,
    /// It may not.
    Deny,
    /// Somebody must say yes first.
    NeedsApproval,
}

/// Who acts, in general.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A client with a client key.
    Client,
    /// Somebody who administers Doorward.
    Admin,
    /// Doorward itself, on a schedule or by its own rules.
    Doorward,
    /// The Instantly API, by a webhook.
    Instantly,
    /// Somebody without a valid credential.
    Stranger,
}

/// Who acts.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Actor {
    /// Whether the person was named by the client (`Doorward-Actor`) and not checked by Doorward.
    #[serde(default, skip_serializing_if = "is_false")]
    pub claimed: bool,
    /// The name of an account that is no person's name, such as a client's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The person, sealed in the field `actor.person`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person: Option<Sealed>,
    /// In general.
    #[serde(rename = "type")]
    pub kind: ActorKind,
}

impl Actor {
    /// One with neither name nor person.
    pub const fn of(kind: ActorKind) -> Self {
        Self {
            kind,
            name: None,
            person: None,
            claimed: false,
        }
    }
}

/// What is acted on.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Resource {
    /// Ids by the name of their parameter: of things, or sealed in the field `resource.<name>`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ids: BTreeMap<String, Text>,
    /// The path's template, such as `/accounts/{email}`; never the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Such as `lead`, `campaign`, `client`.
    #[serde(rename = "type", default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
}

/// Text in clear when it can't be people's data, else sealed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Text {
    /// In clear.
    Clear(String),
    /// Sealed.
    Sealed(Sealed),
}

/// Whatever else there is to say: values in clear are Doorward's own words, codes and numbers.
pub type Metadata = BTreeMap<String, serde_json::Value>;

/// A body that is not in the ledger.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Body {
    /// Its size.
    pub bytes: u64,
    /// Commitment to its SHA-256, in the field `body` or `answer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commitment: Option<Commitment>,
}

/// The act that a leaf is about, as far as each part is known. All members are optional but the
/// action and the result.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Act {
    /// What is done: an operation's id (`createLead`) or a verb on a thing of Doorward's
    /// (`client_key.revoke`).
    pub action: String,
    /// How it ended.
    pub result: Verdict,
    /// Who acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<Actor>,
    /// What is acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Resource>,
    /// Name of the client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// Public id of the client key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key: Option<String>,
    /// Where the client runs: `development`, `staging`, `production`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// Doorward's id of the workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// The sub-workspace acted on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_workspace: Option<String>,
    /// Doorward's id of the upstream key that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_key: Option<String>,
    /// What was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// Why it was refused or failed: a code of Doorward's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The call's name, as in the answer's header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Where the call came from: an IP address, sealed in the field `source`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Sealed>,
    /// What else is known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: Metadata,
}

impl Act {
    /// An act of which no more is known yet.
    pub fn new(action: impl Into<String>, result: Verdict) -> Self {
        Self {
            action: action.into(),
            result,
            actor: None,
            resource: None,
            client: None,
            client_key: None,
            environment: None,
            workspace: None,
            sub_workspace: None,
            upstream_key: None,
            decision: None,
            reason: None,
            request_id: None,
            source: None,
            metadata: Metadata::new(),
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
