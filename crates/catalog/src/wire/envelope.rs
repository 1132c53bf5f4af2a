//! The error envelope.

use serde::{Deserialize, Serialize};

use super::Extra;

/// `{"statusCode": 401, "error": "Unauthorized", "message": "…"}`: how the API says no.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The HTTP status again.
    #[serde(rename = "statusCode")]
    pub status_code: u16,
    /// The status's reason phrase.
    pub error: String,
    /// What is wrong, in words.
    pub message: String,
    /// Whatever else stands beside.
    #[serde(flatten)]
    pub extra: Extra,
}

impl ErrorBody {
    /// An envelope for a status, with its usual reason phrase.
    pub fn new(status_code: u16, message: impl Into<String>) -> ErrorBody {
        ErrorBody {
            status_code,
            error: reason_phrase(status_code).to_owned(),
            message: message.into(),
            extra: Extra::new(),
        }
    }

    /// The scopes a "wrong scope" refusal names: what is required and what the key has. The message
    /// reads `Invalid scope. Required: <scope>. Found: <scopes, comma separated>`.
    pub fn invalid_scope(&self) -> Option<(Vec<&str>, Vec<&str>)> {
        let rest = self.message.strip_prefix("Invalid scope.")?.trim_start();
        let rest = rest.strip_prefix("Required:")?;
        let (required, found) = rest.split_once(". Found:")?;
        Some((list(required), list(found)))
    }
}

fn list(text: &str) -> Vec<&str> {
    text.split(',')
        .map(|scope| scope.trim().trim_end_matches('.'))
        .filter(|scope| !scope.is_empty())
        .collect()
}

/// The reason phrase of the statuses the API uses.
pub(crate) fn reason_phrase(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Payload Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Entity",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ if status >= 500 => "Internal Server Error",
        _ => "Error",
    }
}
