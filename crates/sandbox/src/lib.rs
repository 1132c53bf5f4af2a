//! The emulated Instantly API v2: state, quirks, limits, webhooks and faults, with no account.
//!
//! [`Sandbox`] answers requests in process; [`server`] puts it on a socket. Scopes are decided here
//! by this crate's own code, from the same facts as the gateway's but not through its policy, so
//! that the two can be held against each other.

mod body;
mod call;
mod clock;
mod cx;
mod dispatch;
mod faults;
mod ids;
mod keyring;
mod limiter;
mod ops;
mod pipeline;
mod record;
mod reply;
mod request;
mod router;
mod scopes;
mod seed;
mod settings;
mod table;
#[cfg(test)]
mod testing;
mod world;

pub use clock::Clock;
pub use faults::{Effect, Fault};
pub use request::{BODY_MAX, Ending, Fate, Incoming, Outgoing};
pub use settings::{ListKeys, OversizedLimit, ScopeError, Settings};
pub use world::World;
