//! The relay as this program runs it: its ends as they are kept, and what they are set to.

mod ends;
mod events;
mod secrets;
mod settings;

pub(crate) use ends::{Destination, Source};
pub(crate) use events::LateEvents;
pub(crate) use secrets::{WebhookSecret, check_signing, header_of};
pub(crate) use settings::{
    ALLOW_MAX, DestinationSettings, Form, HeaderValue, KeptSecret, ProofSettings, SourceSettings,
    Subscription, check_public_url, check_target,
};
