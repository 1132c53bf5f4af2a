//! The emulated Instantly API v2: state, quirks, limits, webhooks and faults, with no account.
//!
//! [`Sandbox`] answers requests in process; [`Sandbox::spawn`] puts it on a socket, with a control
//! API beside. Scopes are decided here by this crate's own code, from the same facts as the
//! gateway's but not through its policy, so that the two can be held against each other.

mod body;
mod call;
mod clock;
mod control;
mod cx;
mod delivery;
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
mod sandbox;
mod scopes;
mod seed;
mod server;
mod settings;
mod state;
mod summary;
mod table;
#[cfg(test)]
mod testing;
mod world;

pub use clock::Clock;
pub use faults::{Effect, Fault};
pub use request::{BODY_MAX, Ending, Fate, Incoming, Outgoing};
pub use sandbox::{Builder, Sandbox, SandboxError};
pub use server::{Running, serve};
pub use settings::{ListKeys, OversizedLimit, ScopeError, Settings};
pub use summary::{KeySummary, Summary, WorkspaceSummary};
pub use world::World;
