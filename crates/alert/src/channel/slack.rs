//! Alerts to Slack, and to what takes its incoming webhooks.

use std::time::Duration;

use bytes::Bytes;
use doorward_audit::web::{Web, target};
use doorward_policy::Timestamp;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Method, Request, Uri};
use http_body_util::Full;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::SlackChannel;
use super::webhook::{OUR_NAME, web};
use crate::kind::Severity;
use crate::post::{Message, Missed, judge};

pub(super) struct Slack {
    uri: Uri,
    web: Web,
}

impl Slack {
    pub(super) fn new(config: &SlackChannel, timeout: Duration) -> Result<Self, String> {
        Ok(Self {
            uri: target(config.url.expose_secret())?,
            web: web(config.ca.as_deref(), timeout)?,
        })
    }

    pub(super) async fn send(&self, message: &Message, now: Timestamp) -> Result<String, Missed> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(self.uri.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, OUR_NAME)
            .body(Full::new(Bytes::from(body(message).to_string())))
            .map_err(|_| Missed::for_good("the request can't be made"))?;
        let answer = self.web.send(request).await.map_err(Missed::later)?;
        judge(&answer, now)
    }
}

/// `text` is what a notification shows; attachments are what all who speak Slack's form understand.
fn body(message: &Message) -> Value {
    let alert = &message.told.alert;
    let headline = escape(&message.told.headline());
    let mut text = escape(&alert.text);
    if let Some(note) = message.withheld_note() {
        text = format!("{text}\n_{}_", escape(&note))
            .trim_start()
            .to_owned();
    }
    let fields: Vec<Value> = alert
        .facts
        .iter()
        .map(|(name, value)| {
            json!({ "title": escape(name), "value": escape(value), "short": value.len() <= 40 })
        })
        .collect();
    json!({
        "text": format!("*[{}]* {headline}", alert.severity),
        "attachments": [{
            "color": colour(alert.severity),
            "fallback": headline,
            "text": text,
            "fields": fields,
            "footer": format!("Doorward · {}", alert.kind),
            "ts": alert.at.millis().div_euclid(1_000),
        }],
    })
}

const fn colour(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "#439fe0",
        Severity::Warning => "warning",
        Severity::High | Severity::Critical => "danger",
    }
}

/// Slack's three control characters: what comes from outside must not mention a whole channel.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::{Alert, Told};
    use crate::kind::AlertKind;

    #[test]
    fn names_from_outside_mention_nobody() {
        let at = Timestamp::from_seconds(1_800_000_000);
        let alert = Alert::new(AlertKind::BreakGlass, "client <!channel> & co", at)
            .text("<@U1> see")
            .fact("client", "<!here>");
        let message = Message {
            told: Told::first(alert),
            withheld: 2,
        };
        let body = body(&message);
        assert_eq!(body["text"], "*[high]* client &lt;!channel&gt; &amp; co");
        assert_eq!(
            body["attachments"][0]["fields"][0]["value"],
            "&lt;!here&gt;"
        );
        assert_eq!(body["attachments"][0]["ts"], 1_800_000_000);
        let text = body["attachments"][0]["text"].as_str().unwrap();
        assert!(
            text.starts_with("&lt;@U1&gt; see\n_2 earlier alerts"),
            "{text}"
        );
    }
}
