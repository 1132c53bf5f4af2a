//! Reconciliation: Instantly's own audit log held against the ledger.
//!
//! | part | idea |
//! |---|---|
//! | [`reconcile`] | which record is the trace of which call, and what is left over on either side; pure |
//! | [`traces`] | which operations leave which records |
//! | [`OurCall`], [`TheirRecord`] | the two sides |
//! | [`Report`] | what was found |
//! | [`reconcile_since`], [`reconcile_open`] | both sides read from store and ledger: once, and on and on |
//! | [`watch_instantly`] | reads, lists and reconciles for as long as the server runs |
//!
//! Doorward sends each call with its name in the user agent (`doorward/0.1.0 req_…`), and Instantly
//! keeps user agents in its log. A record that names a call is that call's, and one that names none
//! is none of ours, however alike they are. Where the log does not keep names, records and calls
//! are assigned by operation, key, thing and time.

mod assignment;
mod facts;
mod findings;
mod graph;
mod judge;
mod ours;
mod report;
mod run;
#[cfg(test)]
mod tests;
mod traces;
mod watch;

pub use facts::{Fate, Known, ObjectKind, Objects, OurCall, TheirRecord, Windows};
pub use judge::{Answer, Match, Question, reconcile};
pub use report::{Around, KeyClass, LISTED_MAX, Missing, Report, Sighting};
pub use run::{ReconcileOptions, learnt_keys, reconcile_open, reconcile_since};
pub use traces::{Trace, could_leave, object_of, traces};
pub use watch::{WatchHandle, WatchOptions, WatchStatus, watch_instantly};
