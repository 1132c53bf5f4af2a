//! Tries of deliveries as Instantly lists them.

use doorward_catalog::Op;
use doorward_policy::Timestamp;
use doorward_upstream::{Call, Client, Error};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Span;

/// One try. Its payload is kept as the very text it came as.
#[derive(Debug, Deserialize)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) timestamp_created: String,
    #[serde(default)]
    pub(super) payload: Option<Box<RawValue>>,
    #[serde(default)]
    pub(super) webhook_url: String,
    #[serde(default)]
    pub(super) retry_group_id: Option<String>,
    #[serde(default)]
    pub(super) lead_email: Option<String>,
}

impl Row {
    pub(super) fn at_ms(&self) -> Option<i64> {
        let at: Timestamp = self.timestamp_created.parse().ok()?;
        Some(at.millis())
    }

    /// What the tries of one event share.
    pub(super) fn group(&self) -> &str {
        self.retry_group_id.as_deref().unwrap_or(&self.id)
    }

    /// The payload, where there is one with anything in it.
    pub(super) fn payload(&self) -> Option<&str> {
        let text = self.payload.as_ref()?.get().trim();
        (text != "null" && text != "{}").then_some(text)
    }
}

/// The tries of a span of time, by day, as Instantly can be asked.
pub(super) fn rows(client: &Client, span: Span) -> doorward_upstream::Items<Row> {
    let call = Call::new(Op::ListWebhookEvent)
        .query("from", day(span.from_ms))
        .query("to", day(span.to_ms));
    client.items(call)
}

/// A day in UTC: `2026-03-02`.
fn day(ms: i64) -> String {
    let text = Timestamp::from_millis(ms).to_string();
    text.chars().take(10).collect()
}

/// The error, if Instantly was asked for what the key does not cover.
pub(super) fn is_scope(error: &Error) -> bool {
    matches!(error, Error::WrongScope { .. })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_keeps_its_numbers_and_an_empty_one_is_none() {
        let row = |payload: &str| -> Row {
            let text = format!(
                r#"{{"id":"a","timestamp_created":"2026-03-02T10:00:00.000Z","payload":{payload},
                "success":false,"retry_group_id":"g"}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        let text = r#"{"n":12345678901234567890.10}"#;
        assert_eq!(row(text).payload(), Some(text));
        assert_eq!(row("null").payload(), None);
        assert_eq!(row(" {} ").payload(), None);
        assert_eq!(row("null").at_ms(), Some(1_772_445_600_000));
        assert_eq!(row("null").group(), "g");
        assert_eq!(day(1_772_445_600_000), "2026-03-02");
    }
}
