//! An event as it is sent.

use bytes::Bytes;
use doorward_policy::Timestamp;
use doorward_webhook::{Canonicaliser, Limits, facts, normalised};
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Method, Request};
use http_body_util::Full;

use super::destination::Destination;
use crate::events::Event;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("Doorward/", env!("CARGO_PKG_VERSION")));

/// The request of an attempt at that time; `None` when the event can't be sent in this form.
pub(super) fn request(
    destination: &Destination,
    event: &Event,
    attempt: u32,
    now_ms: i64,
) -> Option<Request<Full<Bytes>>> {
    let payload = event.body.bytes()?;
    let body = if destination.normalised {
        envelope(event, payload)?
    } else {
        payload.clone()
    };
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(destination.url.clone())
        .header(CONTENT_TYPE, JSON)
        .header(USER_AGENT, AGENT);
    for template in &destination.headers {
        let (name, value) = template.fill(event, attempt)?;
        request = request.header(name, value);
    }
    let id = event.id.to_string();
    let seconds = now_ms.div_euclid(1_000);
    match &destination.signer {
        Some(signer) => {
            for (name, value) in signer.headers(&id, seconds, &body) {
                request = request.header(name, value);
            }
        }
        None => {
            request = request
                .header("webhook-id", id)
                .header("webhook-timestamp", seconds);
        }
    }
    request.body(Full::new(body)).ok()
}

fn envelope(event: &Event, payload: &Bytes) -> Option<Bytes> {
    let mut canonicaliser = Canonicaliser::default();
    let payload = canonicaliser.run(payload, &Limits::default()).ok()?;
    let facts = facts(payload).ok()?;
    let received = Timestamp::from_millis(event.received_ms);
    Some(Bytes::from(normalised(&facts, payload, received)))
}
