//! Delivering: each destination is sent what it wants, by tasks of its own.
//!
//! A destination has a task that reads the events after its cursor, and one for each of its replays;
//! they share its connections, its rate, its breaker and how many attempts may be under way. None
//! waits for another destination, and nothing of a backlog is in memory but the next few events.
//!
//! What came of an attempt is written, with how far the cursor may move by it, in one commit; an
//! event whose outcome was not written is sent again, with the same id. With
//! [`in_order`](Destination::in_order) an event of a lead is sent when those before it have arrived
//! or are given up.

mod answer;
mod client;
mod clock;
mod destination;
mod dispatcher;
mod finish;
mod header;
mod line;
mod message;
mod observe;
mod order;
mod reach;
mod replay;
mod runner;
mod select;
mod supervise;
mod tls;
mod window;

pub use clock::Clock;
pub use destination::{Destination, DestinationFault, Want};
pub use dispatcher::{DeliverOptions, Dispatcher, Scrub};
pub use header::{HeaderFault, HeaderTemplate};
pub use line::DestinationFigures;
pub use observe::{DeliveryObserver, NobodyObserves, Tried};
pub use reach::{Looked, Names, SystemNames};
pub use replay::{ReplayFilter, count_replay};
pub use tls::{ClientIdentity, TlsFault, Trust};
