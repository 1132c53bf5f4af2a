//! A client of the Instantly API v2.
//!
//! ```no_run
//! use doorward_upstream::{Client, Op};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let key = std::env::var("INSTANTLY_API_KEY")?;
//! let client = Client::builder().key(key.into()).build()?;
//!
//! // Typed calls for what security is about,
//! let mut keys = client.api_keys().list();
//! while let Some(key) = keys.next().await {
//!     println!("{}", key?.name);
//! }
//! // and any of the 173 operations by name.
//! let campaigns = client.request(Op::ListCampaign, None, &[("limit", "5")], None).await?;
//! println!("{}", campaigns.json::<serde_json::Value>()?);
//! # Ok(()) }
//! ```
//!
//! What it takes care of:
//!
//! - **The key** goes to the configured host alone: `https://api.instantly.ai` unless set, plain
//!   http to this machine only, no redirect followed, no proxy read from the environment. It is in
//!   no `Debug` and no error text, even when a server echoes it.
//! - **Errors** say what the API confuses: a wrong scope (with the scopes required and found), a
//!   dead key and a block at the edge are three things ([`Error`]).
//! - **Retries** are for what may be done twice. A write is made again after 429 alone, since
//!   nothing was done then ([`RetryPolicy`]). When a write's answer is lost the error is
//!   [`Error::OutcomeUnknown`]; [`Error::outcome`] says of any error whether it may have been done.
//! - **Lists** are streams that end where the API's lists end ([`Client::pages`]).
//! - **Probing** a key for life and scopes takes one harmless read for most ([`Client::probe`]).
//! - **Two keys** in one client keep reading apart from writing ([`ReaderWriter`]).

mod base;
mod builder;
mod call;
mod classify;
mod client;
mod error;
mod keys;
mod pages;
mod pair;
mod probe;
pub mod resources;
mod response;
mod retry;
#[cfg(test)]
mod tests;
mod transport;

pub use base::{BaseUrl, INSTANTLY};
pub use builder::{ClientBuilder, USER_AGENT};
pub use call::Call;
pub use client::Client;
pub use doorward_catalog::{Op, Scope, ScopeSet, wire};
pub use error::{Error, Outcome};
pub use pages::{Items, Pages, Walk, page_max};
pub use pair::{ReaderWriter, ScopedKey};
pub use probe::{Extent, Liveness, Probe};
pub use response::Response;
pub use retry::RetryPolicy;
pub use secrecy::SecretString;
pub use transport::{Body, BodyError, Failure, Transport};
