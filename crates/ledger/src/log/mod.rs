//! The log: appends leaves durably, builds tiles behind, and signs what is durable.
//!
//! ```text
//! append ─► queue ─► writer thread ─► segment, one sync a batch ─► acknowledged
//!                                        └─► publisher thread ─► tiles ─► checkpoint ─► anchor
//! ```
//!
//! Every failed write halts the log until it is opened again: what is on disk is then read, not
//! assumed. [`Reader`] and [`Cursor`] read beside it, also from another process.

mod anchor;
mod clock;
mod cursor;
mod error;
mod files;
mod index;
mod open;
mod options;
mod prune;
mod publisher;
mod queue;
mod reader;
mod repair;
mod run;
mod writer;

pub use anchor::{Anchor, AnchorError, FileAnchor};
pub use clock::{Clock, SystemClock};
pub use cursor::{Cursor, CursorFile, Record};
pub use error::{AppendError, Halt, LogError};
pub(crate) use files::{Files, partial_folder};
pub use open::Opened;
pub use options::{LogOptions, Tuning};
pub use queue::Ticket;
pub use reader::Reader;
pub(crate) use reader::read_minimum;
pub use run::{Log, Status};
