//! A client of the Instantly API v2.
//!
//! ```
//! use doorward_upstream::{Client, Error, Op};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # // A sandbox stands in for Instantly.
//! # let sandbox = doorward_sandbox::Sandbox::builder().build()?.spawn("127.0.0.1:0").await?;
//! # let summary = sandbox.sandbox.summary(&sandbox.url);
//! # let keys = &summary.workspaces.first().ok_or("no workspace")?.keys;
//! # let named = |name| keys.iter().find(|key| key.name == name).map(|key| key.key.clone());
//! # let (key, narrow) = (named("reporting").ok_or("")?, named("lead-import").ok_or("")?);
//! # let base_url = sandbox.url.clone();
//! // Leave out the base URL to call Instantly.
//! let client = Client::builder().base_url(base_url).key(key.into()).build()?;
//!
//! // Typed calls for what security is about,
//! let mut keys = client.api_keys().list();
//! while let Some(key) = keys.next().await {
//!     let key = key?;
//!     println!("{} may {}", key.name, key.scopes.join(", "));
//! }
//!
//! // and any of the 173 operations by name.
//! let answer = client.request(Op::ListCampaign, None, &[("limit", "5")], None).await?;
//! let campaigns: serde_json::Value = answer.json()?;
//! assert!(campaigns["items"].is_array());
//!
//! // A key's scopes are found by one read that it may not make.
//! let other = client.with_key(narrow.into())?;
//! let found = other.probe().await;
//! assert_eq!(found.scopes, Some("leads:create, lead_lists:read".parse()?));
//! assert_eq!(found.calls, 1);
//!
//! // What it may not do is told apart from what failed.
//! match other.workspace().get().await {
//!     Err(Error::WrongScope { required, .. }) => assert_eq!(required, ["workspaces:read"]),
//!     other => panic!("{other:?}"),
//! }
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
mod identify;
mod keys;
mod names;
mod pace;
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
pub use identify::Identified;
pub use pace::Pace;
pub use pages::{Items, Pages, Walk, page_max};
pub use pair::{ReaderWriter, ScopedKey};
pub use probe::{Extent, Liveness, Probe, is_entry_of, is_no_entry_of};
pub use response::Response;
pub use retry::RetryPolicy;
pub use secrecy::SecretString;
pub use transport::{Body, BodyError, Failure, Transport};
