//! The way in: webhooks received, made durable, delivered and replayed.
//!
//! What holds:
//! - An event that was taken is on disk before anybody hears of it, and is stored once however often
//!   it comes ([`EventStore::take`]).
//! - Receipt writes nothing for a destination: a destination is a cursor over the events, with a row
//!   for each delivery that was tried. What is past the cursor and has no row is sent again.
//! - A body is sealed under a key of the person it is about. Erasing the person destroys the key.

pub mod deliver;
mod error;
pub mod events;
pub mod intake;
pub mod receive;
pub mod reconcile;
mod store;

pub use error::{RelayError, Result};
pub use store::{
    Backlog, Delivery, DeliveryFilter, DeliveryPage, DeliveryPlace, DeliveryState, Due, Erased,
    EventFilter, EventReader, EventStore, Figures, Lane, NewReplay, Order, Outcome, Page, Place,
    Replay, ReplayState, Retained, Retention, StoreOptions,
};
