//! What the API answers.

use doorward_catalog::wire::ErrorBody;
use serde_json::Value;

/// A handler's answer: a reply, or a refusal in the error envelope.
pub(crate) type Answer = Result<Reply, Refusal>;

/// A successful answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Reply {
    /// A JSON body with its status.
    Json(u16, Value),
    /// `204`, no body.
    Empty,
    /// `200` with a CSV body.
    Csv(String),
    /// `200` with the outcome of a delivery that is made first.
    Test(TestDelivery),
}

/// A delivery that is made to see whether a webhook works.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TestDelivery {
    pub(crate) url: String,
    /// Names and values, as set on the subscription.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) payload: Value,
}

impl Reply {
    /// `200` with a JSON body.
    pub(crate) fn ok(body: Value) -> Answer {
        Ok(Reply::Json(200, body))
    }

    /// `202` with a JSON body.
    pub(crate) fn accepted(body: Value) -> Answer {
        Ok(Reply::Json(202, body))
    }
}

/// A refusal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) body: ErrorBody,
    /// Seconds for a `Retry-After` header.
    pub(crate) retry_after: Option<u32>,
}

impl Refusal {
    pub(crate) fn new(status: u16, message: impl Into<String>) -> Refusal {
        Refusal {
            body: ErrorBody::new(status, message),
            retry_after: None,
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Refusal {
        Refusal::new(400, message)
    }

    pub(crate) fn not_found(what: &str) -> Refusal {
        Refusal::new(404, format!("{what} not found"))
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Refusal {
        Refusal::new(409, message)
    }

    pub(crate) fn forbidden(message: impl Into<String>) -> Refusal {
        Refusal::new(403, message)
    }
}
