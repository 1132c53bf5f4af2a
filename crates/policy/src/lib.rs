//! Who may do what: from a client and the facts of a request to allow or deny, with the reason.
//!
//! Two steps, apart in time:
//!
//! 1. A [`Grant`] is what an operator writes down: use cases, operations, scopes, perhaps a
//!    break-glass. [`Grant::resolve`] turns it into an [`EffectiveGrant`], the very set of
//!    operations, or refuses it with a [`GrantRefused`] that says what to do instead. The ceiling
//!    of the client's [`Environment`](doorward_catalog::Environment) is enforced here.
//! 2. [`decide`] answers one request from a [`ClientView`] and [`RequestFacts`] in a few
//!    comparisons, without allocation. [`authorize`] does the same and, when the answer is yes,
//!    wraps the request in [`Authorized`], which nothing outside this crate can make: what
//!    forwards requests takes an `Authorized<Request>`, so a forward without a decision does not
//!    compile.
//!
//! The crate is pure. The clock is an argument, as a [`Timestamp`].
//!
//! ```
//! use doorward_catalog::{Environment, Op};
//! use doorward_policy::{
//!     ClientView, Grant, RequestFacts, Terms, Timestamp, WorkspaceKind, authorize,
//! };
//! use std::sync::Arc;
//!
//! let now = Timestamp::from_seconds(1_800_000_000);
//! let grant = Grant::for_use_case("analytics-dashboard");
//! let effective = grant.resolve(Environment::Production, WorkspaceKind::Live, now)?;
//! let (name, workspace): (Arc<str>, Arc<str>) = ("figures".into(), "ws_1".into());
//! let client = ClientView::new(&name, &workspace, &effective);
//!
//! let read = RequestFacts::new(Op::GetCampaignAnalytics, &workspace, now);
//! assert!(authorize(&client, &read, &Terms::GRANT_ALONE, "the request").is_ok());
//!
//! let write = RequestFacts::new(Op::CreateLead, &workspace, now);
//! let denial = authorize(&client, &write, &Terms::GRANT_ALONE, "the request").unwrap_err();
//! assert_eq!(denial.reason().code(), "scope_missing");
//! assert_eq!(
//!     denial.to_string(),
//!     "client 'figures' lacks leads:create for createLead; ask for the use case lead-import, \
//!      campaign-launcher, writer or crm-sync, or for leads:create",
//! );
//! # Ok::<(), doorward_policy::GrantRefused>(())
//! ```

mod authorized;
mod condition_facts;
mod conditions;
mod decide;
mod deny;
mod grant;
mod inputs;
mod learning;
mod least;
mod refused;
mod resolve;
mod time;

pub use authorized::{Authorized, authorize};
pub use condition_facts::{ConditionFacts, PolicyUsed};
pub use conditions::{
    Approval, Approvals, Conditions, Judgement, NoApprovals, NoConditions, Terms,
};
pub use decide::{ClientView, Decision, RequestFacts, decide, decide_audit};
pub use deny::{Denial, DenyReason};
pub use grant::{BREAK_GLASS_MAX_MILLIS, BreakGlass, Grant, WorkspaceKind};
pub use inputs::{AUDIT_ACTION, Inputs};
pub use learning::{LEARNING_MAX_MILLIS, Learning};
pub use refused::{GrantRefused, Via};
pub use resolve::EffectiveGrant;
pub use time::{Timestamp, TimestampError};
