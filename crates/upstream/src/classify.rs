//! From a response to an answer or an error: what the API confuses is sorted out here.

use std::time::Duration;

use doorward_catalog::Op;
use doorward_catalog::wire::ErrorBody;
use http::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::call::answers_csv;
use crate::error::Error;
use crate::keys::Keys;

/// Most scopes that are read out of a refusal.
const SCOPES_MAX: usize = 256;
/// The longest `Retry-After` that is believed, in seconds.
const RETRY_AFTER_MAX: u64 = 7 * 24 * 3_600;

/// The error a status that is not 2xx stands for. `body` is all that was read of it, perhaps nothing.
pub(crate) fn refusal(op: Op, status: u16, headers: &HeaderMap, body: &[u8], keys: &Keys) -> Error {
    let envelope = envelope(status, body);
    let message = match &envelope {
        Some(envelope) => keys.clean(&envelope.message),
        None if is_html(headers) => "a web page, not the API's answer".to_owned(),
        None => keys.clean(&String::from_utf8_lossy(body)),
    };
    if let Some((required, found)) = envelope.as_ref().and_then(wrong_scope) {
        let clean = |scopes: Vec<String>| {
            let scopes = scopes.into_iter().take(SCOPES_MAX);
            scopes.map(|scope| keys.clean(&scope)).collect::<Vec<_>>()
        };
        if matches!(status, 401 | 403) {
            return Error::WrongScope {
                op,
                required: clean(required),
                found: Some(clean(found)),
            };
        }
    }
    let retry_after = retry_after(headers);
    match status {
        300..=399 => Error::Redirect { op, status },
        400 | 413 | 415 | 422 => Error::Invalid {
            op,
            status,
            message,
        },
        401 => Error::DeadKey { op, message },
        402 => Error::NoPlan { op, message },
        403 if envelope.is_none() => Error::EdgeBlocked {
            op,
            code: edge_code(body),
        },
        403 if speaks_of_scopes(&message) => Error::WrongScope {
            op,
            required: vec![op.facts().scope.to_string()],
            found: None,
        },
        403 => Error::Forbidden { op, message },
        404 => Error::NotFound { op, message },
        409 => Error::Conflict { op, message },
        429 => Error::Limit {
            op,
            retry_after,
            message,
        },
        500.. => Error::Server {
            op,
            status,
            retry_after,
            message,
        },
        _ => Error::Refused {
            op,
            status,
            message,
        },
    }
}

/// Whether a 2xx answer is one: of the right content type, whole, and without an error inside.
pub(crate) fn check(
    op: Op,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
    keys: &Keys,
) -> Result<(), Error> {
    if body.is_empty() {
        return Ok(());
    }
    let bad = |why: &str| {
        Err(Error::BadAnswer {
            op,
            status,
            why: why.to_owned(),
        })
    };
    let kind = media_type(headers);
    if answers_csv(op) {
        return match kind.as_str() {
            "text/csv" | "text/plain" | "" => Ok(()),
            _ => bad("it is not CSV"),
        };
    }
    if !(kind.is_empty() || kind == "application/json" || kind.ends_with("+json")) {
        return bad("its content type is not JSON");
    }
    if serde_json::from_slice::<IgnoredAny>(body).is_err() {
        return bad("it is not JSON");
    }
    match error_inside(op, body) {
        None => Ok(()),
        Some((code, message)) => Err(Error::InBody {
            op,
            code: keys.clean(&code),
            message: message.map(|message| keys.clean(&message)),
        }),
    }
}

/// The operations that answer 200 with an error in the body; elsewhere `error` is a field like any.
fn error_inside(op: Op, body: &[u8]) -> Option<(String, Option<String>)> {
    #[derive(Deserialize)]
    struct Inside {
        #[serde(default)]
        status: Option<String>,
        #[serde(default)]
        error: Option<String>,
        #[serde(default)]
        error_description: Option<String>,
    }
    if !matches!(op, Op::SendTestEmail | Op::GetOAuthSessionStatus) {
        return None;
    }
    let inside: Inside = serde_json::from_slice(body).ok()?;
    match (inside.error, inside.status.as_deref()) {
        (Some(code), _) => Some((code, inside.error_description)),
        (None, Some("error")) => Some(("error".to_owned(), inside.error_description)),
        (None, _) => None,
    }
}

/// The API's envelope, or what there is of it.
fn envelope(status: u16, body: &[u8]) -> Option<ErrorBody> {
    let Value::Object(mut fields) = serde_json::from_slice(body).ok()? else {
        return None;
    };
    let text = |value: Option<Value>| match value {
        Some(Value::String(text)) => Some(text),
        _ => None,
    };
    let message = text(fields.remove("message"));
    let error = text(fields.remove("error"));
    let message = message.or_else(|| error.clone()).unwrap_or_default();
    let mut envelope = ErrorBody::new(status, message);
    envelope.extra = fields;
    Some(envelope)
}

/// Required and found scopes, from the API's message or from what a gateway says beside it.
fn wrong_scope(envelope: &ErrorBody) -> Option<(Vec<String>, Vec<String>)> {
    if let Some((required, found)) = envelope.invalid_scope() {
        let owned = |scopes: Vec<&str>| scopes.into_iter().map(str::to_owned).collect();
        return Some((owned(required), owned(found)));
    }
    let beside = envelope.extra.get("doorward")?;
    if beside.get("reason")?.as_str()? != "scope_missing" {
        return None;
    }
    let list = |name: &str| -> Option<Vec<String>> {
        let scopes = beside.get(name)?.as_array()?;
        Some(
            scopes
                .iter()
                .filter_map(|scope| scope.as_str().map(str::to_owned))
                .collect(),
        )
    };
    Some((list("required")?, list("granted")?))
}

/// The vendor documents 403 for a missing scope without giving its message.
fn speaks_of_scopes(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("scope") || message.contains("permission")
}

/// The number in the edge's `error code: 1010`.
fn edge_code(body: &[u8]) -> Option<u32> {
    let text = String::from_utf8_lossy(body.get(..body.len().min(4_096))?).to_ascii_lowercase();
    let (_, rest) = text.split_once("error code:")?;
    let digits: String = rest
        .trim_start()
        .chars()
        .take_while(char::is_ascii_digit)
        .take(6)
        .collect();
    digits.parse().ok()
}

/// Seconds of `Retry-After`. Its other form, a date, is passed over: this machine's clock may differ.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds: u64 = headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds.min(RETRY_AFTER_MAX)))
}

fn is_html(headers: &HeaderMap) -> bool {
    media_type(headers) == "text/html"
}

/// The content type without its parameters, in lower case; empty when there is none.
fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE);
    let text = value.and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = text.split(';').next().unwrap_or("");
    kind.trim().to_ascii_lowercase()
}
