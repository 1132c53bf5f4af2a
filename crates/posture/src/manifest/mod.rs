//! The manifest: the declared state of workspaces, in one or many TOML files.
//!
//! It is read whole: all faults are told at once, each with its file, line and column, and what to do.
//! Secrets are never in it; where one is needed, a reference to it is.

mod declared;
mod faults;
mod lasting;
mod read;
mod reader;
mod schema;
mod sections;
mod thresholds;
mod types;
mod write;

#[cfg(test)]
mod tests;

pub use declared::rule;
pub use faults::{Fault, Faults};
pub use lasting::{as_text as lasting_text, parse as parse_lasting};
pub use read::{Source, read};
pub use schema::schema;
pub use types::{
    ClientSpec, ControlsSpec, DestinationSpec, KeySpec, Kind, Manifest, MemberSpec,
    SubscriptionSpec, ThresholdSpec, WorkspaceSpec,
};
pub use write::{Written, write};
