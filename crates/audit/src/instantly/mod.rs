//! Instantly's own audit log and listings, read into the store.
//!
//! | part | idea |
//! |---|---|
//! | [`pull_once`] | reads what is new in `GET /audit-logs`, each record once |
//! | [`poll_once`] | lists keys and members, which the log lacks, and records what changed |
//!
//! Of a record nothing is kept that names a person: no user name, no e-mail address, no user agent.
//! An account's address is kept as the subject that stands for it in the ledger. The address a call
//! came from is kept in the store, for as long as the records are.

mod listing;
mod poll;
mod pull;
mod record;
mod told;

pub use listing::{ListedKey, ListedMember, ListingChange};
pub use poll::{Polled, poll_once};
pub use pull::{PullOptions, Pulled, Source, pull_once, read_to};

pub(crate) use listing::Listing;
pub(crate) use poll::LISTING;
pub(crate) use pull::{POSITION, Position, blocking};
