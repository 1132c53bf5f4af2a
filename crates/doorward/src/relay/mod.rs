//! The relay as this program runs it: its ends as they are kept, what they are set to, and what is done
//! with them while a server runs.

mod build;
mod ends;
mod events;
mod observe;
mod running;
mod secrets;
mod settings;
mod tend;
mod wanted;
mod watch;

pub(crate) use build::{check_destination, wanted_by};
pub(crate) use ends::{Destination, Source};
pub(crate) use events::{LateEvents, open_events};
pub(crate) use running::{Relay, RelayParts};
pub(crate) use secrets::{WebhookSecret, check_signing, headers_of, sends};
pub(crate) use settings::{
    ALLOW_MAX, ClientCertificate, DestinationSettings, Form, HeaderValue, KeptSecret, ProofKept,
    ProofSettings, SourceSettings, Subscription, WEBHOOK_PROOF, check_public_url, check_target,
    parse_proofs,
};
pub(crate) use tend::tend;
pub(crate) use watch::watch_subscriptions;
