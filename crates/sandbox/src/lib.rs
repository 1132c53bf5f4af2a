//! The emulated Instantly API v2: state, quirks, limits, webhooks and faults, with no account.
//!
//! [`Sandbox`] answers requests in process; [`server`] puts it on a socket. Scopes are decided here
//! by this crate's own code, from the same facts as the gateway's but not through its policy, so
//! that the two can be held against each other.

mod call;
mod clock;
mod cx;
mod dispatch;
mod ids;
mod ops;
mod reply;
mod table;
mod world;

pub use clock::Clock;
pub use world::World;
