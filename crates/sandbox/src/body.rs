//! Reading a request's body, and the rules about whether there may be one.

use doorward_catalog::shapes::{Kind, OpShape, Shape};
use http::header;
use serde_json::Value;

use crate::reply::Refusal;
use crate::request::{BODY_MAX, Incoming};
use crate::router;

/// The body, if there is one and the operation looks at it.
pub(crate) fn read(request: &Incoming, shape: &OpShape) -> Result<Option<Value>, Refusal> {
    if matches!(request.method.as_str(), "GET" | "HEAD") {
        return Ok(None);
    }
    if request.oversized || request.body.len() > BODY_MAX {
        return Err(Refusal::new(413, "Request body is too large"));
    }
    let content_type = request.headers.get(header::CONTENT_TYPE);
    let json = content_type.is_some_and(|value| is_json(value.as_bytes()));
    if request.method == "DELETE" && !takes_body(shape) {
        // A body that says `null` in JSON is none; anything else is one, a bare header too.
        let null = json && matches!(parse(&request.body), Ok(Value::Null));
        return match (content_type, request.body.is_empty()) {
            (None, true) => Ok(None),
            _ if null => Ok(Some(Value::Null)),
            _ => Err(Refusal::bad_request("body must be null")),
        };
    }
    if request.body.is_empty() {
        return Ok(None);
    }
    if !json {
        let named = content_type.map_or("undefined".into(), |value| {
            String::from_utf8_lossy(value.as_bytes()).into_owned()
        });
        let message = format!("Unsupported Media Type: {named}");
        return Err(Refusal::bad_request(message));
    }
    parse(&request.body).map(Some).map_err(|_| {
        Refusal::bad_request("Body is not valid JSON but content-type is set to 'application/json'")
    })
}

fn is_json(content_type: &[u8]) -> bool {
    let essence = content_type.split(|byte| *byte == b';').next();
    essence.is_some_and(|text| text.trim_ascii().eq_ignore_ascii_case(b"application/json"))
}

/// Reads JSON; its depth is bounded by serde_json's own limit.
fn parse(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(bytes)
}

/// Whether the operation takes a body that is not `null`.
fn takes_body(shape: &OpShape) -> bool {
    let body = shape.body.as_ref();
    body.is_some_and(|body| body.shape.kinds.as_slice() != [Kind::Null])
}

/// Whether a request would have the operation's shape if its `limit`, in the query or the body,
/// were not above the maximum.
pub(crate) fn only_limit_is_wrong(request: &Incoming, shape: &OpShape) -> bool {
    let Ok(mut body) = read(request, shape) else {
        return false;
    };
    let mut pairs = router::pairs(request.query());
    let mut above = false;
    let in_query = shape.query.iter().find(|param| &*param.name == "limit");
    if let Some(max) = in_query.and_then(|param| max(&param.shape)) {
        for (_, value) in pairs.iter_mut().filter(|(name, _)| name == "limit") {
            if value.parse::<f64>().is_ok_and(|n| n > max) {
                above = true;
                *value = max.to_string();
            }
        }
    }
    let in_body = shape
        .body
        .as_ref()
        .and_then(|body| body.shape.field("limit"));
    if let Some(max) = in_body.and_then(|field| max(&field.shape))
        && let Some(limit) = body.as_mut().and_then(|body| body.get_mut("limit"))
        && limit.as_f64().is_some_and(|n| n > max)
    {
        above = true;
        *limit = Value::from(max as u64);
    }
    above && shape.check_body(body.as_ref()).is_ok() && shape.read_query(&pairs).is_ok()
}

fn max(shape: &Shape) -> Option<f64> {
    shape.range.max
}
