//! Events on disk: one SQLite file in write-ahead mode, one thread that writes it and commits what
//! came meanwhile together, and connections beside it that read.

mod checkpoints;
mod copy;
mod delivered;
mod deliveries;
mod erase;
mod event_rows;
mod keyring;
mod list;
mod marks;
mod open;
mod options;
mod people;
mod queue;
mod read;
mod release;
mod replays;
mod retention;
mod room;
mod schema;
mod take;
mod walk;
mod write;
mod writer;

pub use delivered::{Backlog, DeliveryFilter, DeliveryPage, DeliveryPlace};
pub use deliveries::{Delivery, DeliveryState, Due, Lane, Outcome};
pub use erase::Erased;
pub use list::{EventFilter, Order, Page, Place};
pub use open::EventStore;
pub use options::{Figures, StoreOptions};
pub use read::EventReader;
pub use replays::{NewReplay, Replay, ReplayState};
pub use retention::{Retained, Retention};
