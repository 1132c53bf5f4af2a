//! Alerts to an endpoint of one's own, as Standard Webhooks 1.0.0 say.

use std::time::Duration;

use bytes::Bytes;
use doorward_audit::web::{Web, target};
use doorward_policy::Timestamp;
use doorward_webhook::WebhookSecret;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Method, Request, Uri};
use http_body_util::Full;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use super::WebhookChannel;
use crate::post::{ANSWER_MAX, Message, Missed, judge};

pub(super) struct Webhook {
    uri: Uri,
    web: Web,
    secret: WebhookSecret,
}

impl Webhook {
    pub(super) fn new(config: &WebhookChannel, timeout: Duration) -> Result<Self, String> {
        Ok(Self {
            uri: target(config.url.expose_secret())?,
            web: web(config.ca.as_deref(), timeout)?,
            secret: WebhookSecret::parse(&config.secret)
                .map_err(|_| "its signing secret is not whsec_ and base64 of 24 to 64 bytes")?,
        })
    }

    pub(super) async fn send(&self, message: &Message, now: Timestamp) -> Result<String, Missed> {
        let body = body(message).to_string();
        let (id, seconds) = (&message.told.id, now.millis().div_euclid(1_000));
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.uri.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, OUR_NAME)
            .header("webhook-id", id)
            .header("webhook-timestamp", seconds)
            .header(
                "webhook-signature",
                self.secret.sign(id, seconds, body.as_bytes()),
            )
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| Missed::for_good("the request can't be made"))?;
        let answer = self.web.send(request).await.map_err(Missed::later)?;
        judge(&answer, now)
    }
}

/// What the program is called in requests.
pub(super) const OUR_NAME: &str = concat!("doorward/", env!("CARGO_PKG_VERSION"));

/// HTTP with these authorities.
pub(super) fn web(ca: Option<&[u8]>, timeout: Duration) -> Result<Web, String> {
    Web::new(ca, timeout, ANSWER_MAX)
        .map_err(|_| "its certificate authorities can't be used".to_owned())
}

/// `type`, `timestamp` and `data`, as the specification advises.
fn body(message: &Message) -> Value {
    let told = &message.told;
    let facts: Map<String, Value> = told
        .alert
        .facts
        .iter()
        .map(|(name, value)| (name.clone(), Value::from(value.clone())))
        .collect();
    let mut data = json!({
        "id": told.id,
        "kind": told.alert.kind,
        "severity": told.alert.severity,
        "title": told.alert.title,
        "text": told.alert.text,
        "facts": facts,
        "count": told.count,
        "withheld": message.withheld,
    });
    if let (Some(data), Some(since)) = (data.as_object_mut(), told.since) {
        data.insert("since".to_owned(), since.to_string().into());
    }
    json!({
        "type": format!("alert.{}", told.alert.kind),
        "timestamp": told.alert.at.to_string(),
        "data": data,
    })
}
