//! Listing, searching and showing events.

use doorward_relay::events::Body;
use doorward_relay::{EventReader, Order, Place};
use serde_json::Value;

use super::find::event_id;
use super::names::Names;
use super::types::{EventList, EventSearch, EventShow, EventShown, EventsPage, LISTED_MAX};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle};

/// Events that are looked into at once, most of one search, and most bytes of their payloads.
const STEP: usize = 200;
const LOOKED_MAX: usize = 20_000;
const BYTES_MAX: u64 = 256 << 20;
/// Longest text that is searched for.
const TEXT_MAX: usize = 256;

fn place(typed: Option<&str>) -> Result<Option<Place>, AdminError> {
    let parsed = typed.map(str::parse).transpose();
    parsed.map_err(|fault: &str| AdminError::usage(format_args!("--after: {fault}")))
}

impl Handle<EventList> for Admin {
    fn handle(&self, call: EventList) -> Result<EventsPage, AdminError> {
        let filter = self.wanted(&call.asked)?;
        let after = place(call.after.as_deref())?;
        let Some(events) = self.parts.events.get()? else {
            return Ok(EventsPage::of_none());
        };
        let order = match call.oldest_first {
            true => Order::OldestFirst,
            false => Order::NewestFirst,
        };
        let limit = call.limit.clamp(1, LISTED_MAX);
        let page = events.reader().list(&filter, order, after, limit, false)?;
        let names = Names::of(self.store())?;
        Ok(EventsPage {
            events: page.events.iter().map(|one| names.event(one)).collect(),
            next: page.next.map(|next| next.to_string()),
            never_any: false,
        })
    }
}

impl Handle<EventSearch> for Admin {
    fn handle(&self, call: EventSearch) -> Result<EventsPage, AdminError> {
        let text = call.text.trim().to_lowercase();
        if text.is_empty() || text.len() > TEXT_MAX {
            return Err(AdminError::usage(format_args!(
                "say a text of 1 to {TEXT_MAX} bytes to search for"
            )));
        }
        let filter = self.wanted(&call.asked)?;
        let mut after = place(call.after.as_deref())?;
        let Some(events) = self.parts.events.get()? else {
            return Ok(EventsPage::of_none());
        };
        let names = Names::of(self.store())?;
        let reader = events.reader();
        let limit = call.limit.clamp(1, LISTED_MAX);
        let mut found = EventsPage::default();
        let (mut looked, mut bytes) = (0, 0);
        while looked < LOOKED_MAX && bytes < BYTES_MAX {
            let page = reader.list(&filter, Order::NewestFirst, after, STEP, false)?;
            for event in &page.events {
                looked += 1;
                bytes += event.size;
                let here = Some(Place {
                    received_ms: event.received_ms,
                    seq: event.seq,
                });
                // One that went meanwhile has nothing in it.
                let whole = reader.event(&event.id).map(|whole| whole.body);
                if let Ok(Body::Whole(body)) = whole
                    && says(&body, &text)
                {
                    found.events.push(names.event(event));
                    if found.events.len() == limit {
                        found.next = here.map(|place| place.to_string());
                        return Ok(found);
                    }
                }
            }
            after = page.next;
            found.next = after.map(|place| place.to_string());
            if after.is_none() {
                break;
            }
        }
        Ok(found)
    }
}

/// Whether a payload has the text in it, as it is written or in what its strings mean.
fn says(payload: &[u8], text: &str) -> bool {
    let written = String::from_utf8_lossy(payload);
    if written.to_lowercase().contains(text) {
        return true;
    }
    written.contains('\\')
        && serde_json::from_slice(payload).is_ok_and(|value: Value| in_strings(&value, text))
}

fn in_strings(value: &Value, text: &str) -> bool {
    match value {
        Value::String(said) => said.to_lowercase().contains(text),
        Value::Array(items) => items.iter().any(|item| in_strings(item, text)),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| name.to_lowercase().contains(text) || in_strings(value, text)),
        _ => false,
    }
}

impl Handle<EventShow> for Admin {
    fn handle(&self, call: EventShow) -> Result<EventShown, AdminError> {
        let id = event_id(&call.id)?;
        let Some(events) = self.parts.events.get()? else {
            return Err(AdminError::failed(
                "no event ever came in; `doorward webhook create` makes a source",
            ));
        };
        let reader: &EventReader = events.reader();
        let mut event = reader.event(&id)?;
        let names = Names::of(self.store())?;
        if !call.body && matches!(event.body, Body::Whole(_)) {
            event.body = Body::NotRead;
        }
        Ok(EventShown {
            deliveries: self.deliveries_of(reader, &names, &event)?,
            event: names.event(&event),
        })
    }
}

impl EventsPage {
    /// Where no event ever came in.
    pub(super) fn of_none() -> Self {
        Self {
            never_any: true,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_as_it_is_written_and_as_it_is_meant() {
        let payload = br#"{"reply":"Please UNSUBSCRIBE me, Zo\u00eb","n":17}"#;
        for text in ["unsubscribe", "zoë", "\"n\":17", "reply"] {
            assert!(says(payload, text), "{text}");
        }
        assert!(!says(payload, "subscribed"));
        assert!(says(b"\xff no JSON \\ at all", "json"));
    }
}
