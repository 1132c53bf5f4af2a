//! Alerts: what somebody should know now, told by webhook, chat or mail.
//!
//! ```text
//! raise ─► queue ─► told before? ─► ledger
//!                        │ no
//!                        ▼
//!                     routes ─► two queues per channel, ─► too many? ─► sent, tried again, given up
//!                               critical ones first
//! ```
//!
//! Whoever raises an alert waits for nothing. Every queue is bounded; what finds no room is counted,
//! logged, recorded, and told with the next that arrives. The same alert within a window is told once, and how often it came after. A channel
//! that fails holds up no other.
//!
//! An alert holds names, ids and counts, and no secret: what looks like a key is masked whatever
//! raised it. No data of people either, since it goes to chats and mailboxes.

mod alert;
mod channel;
mod dedupe;
mod deliver;
mod desk;
mod error;
mod kind;
mod lanes;
mod post;
mod rate;
mod record;
mod status;
mod trial;

pub use alert::{Alert, Told};
pub use channel::{ChannelConfig, ChannelKind, Route, SlackChannel, Smtp, SmtpTls, WebhookChannel};
pub use desk::{Alerts, Options, Prepared};
pub use error::{AlertError, Result};
pub use kind::{AlertKind, Severity};
pub use record::{RAISED, draft, told_by};
pub use status::{AlertStatus, ChannelStatus, Tried};
