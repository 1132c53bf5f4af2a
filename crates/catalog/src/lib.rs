//! What the Instantly API v2 is: operations, scopes and their algebra, routes, use cases,
//! environments, wire types, limits, the key format. Pure facts: no I/O, no clock, no randomness.
//!
//! Everything here is held by tests against the tables in `shared/facts`.
//!
//! ```
//! use doorward_catalog::{Op, ScopeSet, route};
//!
//! let found = route("POST", "/api/v2/campaigns/0195-c1/activate").unwrap();
//! assert_eq!(found.op, Op::ActivateCampaign);
//! // The vendor's action is `update`, whatever the method suggests.
//! let scopes: ScopeSet = "campaigns:read".parse().unwrap();
//! assert!(!scopes.covers(found.op));
//! ```

pub mod activity;
pub mod environment;
pub mod event;
pub mod key_format;
pub mod limits;
pub mod operation;
pub mod people;
pub mod plan;
pub mod reach;
pub mod risk;
pub mod route;
pub mod scope;
pub mod scope_set;
pub mod shapes;
mod shown;
pub mod use_case;
pub mod wire;

pub use environment::{BeyondCeiling, Environment};
pub use key_format::UpstreamKeyFormat;
pub use operation::{Basis, Hazard, HazardSet, Method, Op, OpSet, Operation, Returns, Tag};
pub use plan::{Choice, ScopePlan, plan_scopes};
pub use risk::{Risk, RiskReason};
pub use route::{Matched, Params, RouteError, route};
pub use scope::{Action, ParseScopeError, Resource, Scope};
pub use scope_set::ScopeSet;
pub use shown::shown;
pub use use_case::UseCase;
