//! What binds the ledger to the rest of Doorward: acts become leaves, people's values are sealed on
//! the way in and opened on the way out.
//!
//! | part | idea |
//! |---|---|
//! | [`Audit`] | the open record: [`record`](Audit::record) waits for the disk, [`note`](Audit::note) does not |
//! | [`Draft`] | an act before it is a leaf; whatever is about people goes through its methods |
//! | [`Person`] | a value that stands for somebody: a random subject in the ledger, a key in the store |
//! | [`Claim`] | what an application says it did |
//! | [`Entry`] | a leaf as it is shown and handed on |
//! | [`Filter`], [`find`] | which entries |
//! | [`instantly`] | Instantly's own audit log, keys and members, read into the store |
//! | [`reconcile`] | Instantly's own audit log held against the ledger |
//! | [`Witnesses`] | others who vouch that the ledger only ever grew |
//! | [`TransitSigner`] | a signing key that a service keeps to itself |
//! | [`Format`], [`Exporter`] | entries in formats that others read |
//! | [`Sinks`] | the record handed on as it grows |
//! | [`StoreAnchor`] | the last signed checkpoint, in the store |
//!
//! People's keys are in the store, wrapped under the audit key, and never beside the ledger: a
//! copy of the ledger's folder alone tells nobody's name or address, and destroying a key
//! ([`Audit::erase`]) forgets the person in every copy of it.

mod anchor;
mod audit;
mod background;
mod call_end;
mod claim;
mod commitments;
mod draft;
mod entry;
mod error;
mod export;
mod find;
mod forget;
mod in_time;
mod inbox;
pub mod instantly;
mod interrupted;
mod keyring;
mod options;
mod people;
mod random;
pub mod reconcile;
mod refusals;
mod signer;
mod sink;
pub mod web;
mod witness;

pub use anchor::StoreAnchor;
pub use audit::{Audit, Recorded};
pub use call_end::{CallEnd, Ended};
pub use claim::{CLAIM_MAX, Claim, ClaimResource, ClaimResult, Claimant};
pub use draft::{Draft, SEALED_MAX};
pub use entry::{Entry, Show};
pub use error::{AuditError, Result};
pub use export::{Exporter, Format, OCSF_VERSION, export};
pub use find::{Filter, Found, find, find_last};
pub use options::{AuditOptions, system_time};
pub use people::{PERSON_MAX, Person, PersonKind, Unsealed};
pub use signer::{TransitOptions, TransitSigner};
pub use sink::{
    BatchBody, FileSink, HttpsSink, ReadySinks, Retry, SinkConfig, SinkFormat, SinkKind,
    SinkMetrics, Sinks, Start, SyslogSink,
};
pub use witness::{
    COSIGNED_PATH, Refusal, Witness, WitnessOptions, WitnessStatus, WitnessWatch, Witnesses,
};
