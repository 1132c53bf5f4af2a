//! Conditions beyond grants: policies in Cedar over the operations of the catalog.
//!
//! Grants allow; policies only take away. A policy is a text of one or more `forbid`s, held against
//! a schema that is made from the catalog ([`schema_text`]) when it is saved ([`check`]). One that
//! is annotated `@approval("required")` has a request wait for a person's approval.
//!
//! [`Policies`] are those in force. [`Policies::judge`] holds one request against the ones that
//! bear on its client and its operation, and reads of the request no more than they ask for. What
//! can't be evaluated, and what can't be read for sure, is refused: Cedar itself would pass over
//! it.
//!
//! [`EventCondition`] is the same for events that come in: which of them a destination gets.
//!
//! The crate is pure: the clock and what was counted are arguments.
//!
//! ```
//! use doorward_catalog::{Environment, Op};
//! use doorward_condition::{Asked, Asker, Day, Policies, PolicyText, schema_digest};
//! use doorward_policy::{Judgement, Timestamp, WorkspaceKind};
//!
//! let text = r#"
//!     forbid (principal, action, resource)
//!     unless { ["0195c1a0-0000-7000-8000-000000000001"].containsAll(context.campaigns) };
//! "#;
//! let policy = PolicyText { name: "own-campaigns", text, schema: schema_digest() };
//! let policies = Policies::read([policy], None);
//!
//! let asker = Asker {
//!     name: "importer", environment: Environment::Production, owner: "", purpose: "",
//!     workspace: "acme", workspace_kind: WorkspaceKind::Live,
//! };
//! let asked = Asked {
//!     op: Op::ActivateCampaign, parameter: Some("0195c1a0-0000-7000-8000-00000000000f"),
//!     query: "", body: b"", source: [10, 0, 0, 1].into(), as_workspace: None,
//!     now: Timestamp::from_seconds(1_800_000_000), today: Day::default(),
//! };
//! let judged = policies.judge(&asker, asked);
//! assert_eq!(judged.judgement(), Judgement::Deny("own-campaigns"));
//! ```

mod cast;
mod check;
mod context;
mod digest;
mod event;
mod fault;
mod fields;
mod ids;
mod kept;
mod kind;
mod leads;
mod needs;
mod places;
#[cfg(test)]
mod places_tests;
mod presets;
mod request;
mod rule;
mod schema;
mod set;

pub use check::{Bearing, check, loosened};
pub use digest::text_digest;
pub use event::{EVENT_TEXT_MAX, EventAsked, EventCondition, event_schema_text};
pub use fault::{At, PolicyFault};
pub use kept::{Again, Kept};
pub use kind::Kind;
pub use leads::{LEADS_UNBOUNDED, leads_written};
pub use places::ANY;
pub use presets::{PRESETS, Preset};
pub use request::{Asked, Asker, Day};
pub use rule::TEXT_MAX;
pub use schema::{schema_digest, schema_text};
pub use set::{Judged, Policies, PolicyText};
