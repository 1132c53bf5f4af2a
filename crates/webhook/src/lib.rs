//! Webhooks, without a socket: how a delivery proves where it is from, which event it is, how it is
//! signed when it goes on, and when to try again.
//!
//! - [`Schemes`] authenticate a delivery: every [`Scheme`] that is configured must hold, none
//!   configured is an error, and two secrets may be valid at once.
//! - [`Canonicaliser`] brings a payload into its one spelling, [`facts`] reads what is known of it,
//!   and [`EventKeys`] make the key it is stored once under.
//! - [`Signer`] signs as Standard Webhooks 1.0.0 say; [`verify`] is the other side, in one call.
//! - [`RetryPlan`], [`Breaker`] and [`Rate`] say when to try again, [`Filter`] what is wanted.
//!
//! The crate is pure: no I/O and no clock; time and randomness are arguments.
//!
//! A receiver of what Doorward delivers needs this much:
//!
//! ```
//! use doorward_webhook::{Signer, WebhookSecret, verify};
//! use std::time::{Duration, SystemTime};
//!
//! let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
//! # let body = br#"{"event_type":"reply_received"}"#;
//! # let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
//! # let signer = Signer::new(vec![WebhookSecret::parse(&secret.into())?])?;
//! # let headers = signer.headers("evt_1", 1_800_000_000, body);
//! // The headers (an `http::HeaderMap`, or pairs), and the very bytes of the body.
//! let message = verify(&[secret], &headers, body, now)?;
//! println!("event {}, not seen before?", message.id);
//! # assert!(verify(&[secret], &headers, b"{}", now).is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod event;
mod head;
mod json;
mod plan;
mod prove;
mod sign;

pub use event::{
    EventKeys, Facts, Filter, FilterFault, Form, Misfit, facts, normalised, type_name,
};
pub use head::{Found, Head};
pub use json::{Canonical, Canonicaliser, Fault, Limits, Node, Object};
pub use plan::{
    Answered, Breaker, BreakerChange, BreakerSettings, Leave, PlanFault, Rate, RetryPlan, judge,
    retry_after,
};
pub use prove::{
    Delivery, Encoding, Pending, Refused, Scheme, SchemeFault, Schemes, Stamp, Stream, Verified,
    Way, Which, Why,
};
pub use sign::{Message, SecretFault, Signer, Verifier, VerifyError, WebhookSecret, verify};
