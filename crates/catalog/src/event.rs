//! Webhook events: what is subscribed to and what is delivered.

/// An event type: the name a subscription carries, and the `event_type` of the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EventType {
    /// What `createWebhook` takes; none for what arrives only through `all_events`.
    pub subscribed: Option<&'static str>,
    /// What the payload says; none where it is any.
    pub delivered: Option<&'static str>,
    /// Whether the vendor's list filter takes the subscribed name.
    pub in_filter: bool,
}

const fn same(name: &'static str) -> EventType {
    EventType {
        subscribed: Some(name),
        delivered: Some(name),
        in_filter: true,
    }
}

/// The subscription to everything.
pub const ALL_EVENTS: &str = "all_events";

/// Every event type the vendor names. Beside them, a custom label is delivered with the label's raw
/// text as its type.
pub const EVENT_TYPES: [EventType; 20] = [
    EventType {
        subscribed: Some(ALL_EVENTS),
        delivered: None,
        in_filter: true,
    },
    same("email_sent"),
    same("email_opened"),
    EventType {
        subscribed: Some("email_link_clicked"),
        delivered: Some("link_clicked"),
        in_filter: true,
    },
    same("reply_received"),
    same("email_bounced"),
    same("lead_unsubscribed"),
    same("campaign_completed"),
    same("account_error"),
    same("lead_neutral"),
    same("lead_interested"),
    same("lead_not_interested"),
    same("lead_meeting_booked"),
    same("lead_meeting_completed"),
    same("lead_closed"),
    same("lead_out_of_office"),
    same("lead_wrong_person"),
    EventType {
        subscribed: Some("lead_no_show"),
        delivered: Some("lead_no_show"),
        in_filter: false,
    },
    EventType {
        subscribed: Some("supersearch_enrichment_completed"),
        delivered: Some("supersearch_enrichment_completed"),
        in_filter: false,
    },
    EventType {
        subscribed: None,
        delivered: Some("auto_reply_received"),
        in_filter: false,
    },
];

/// The `event_type` a payload carries for a subscription's name; any other name (a custom label) is
/// delivered as it is.
pub fn delivered_name(subscribed: &str) -> &str {
    EVENT_TYPES
        .iter()
        .find(|event| event.subscribed == Some(subscribed))
        .and_then(|event| event.delivered)
        .unwrap_or(subscribed)
}

/// The subscription name that brings a delivered `event_type`; `all_events` brings every type.
pub fn subscribed_name(delivered: &str) -> Option<&'static str> {
    EVENT_TYPES
        .iter()
        .find(|event| event.delivered == Some(delivered))?
        .subscribed
}
