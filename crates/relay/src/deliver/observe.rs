//! Who is told of deliveries.

use std::time::Duration;

use crate::store::DeliveryState;

/// An attempt that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Number of the destination.
    pub destination: i64,
    /// Number of the replay; 0 for what is delivered as it comes.
    pub replay: i64,
    /// Number of the event.
    pub seq: i64,
    /// Which attempt it was, from 1 on.
    pub attempt: u32,
    /// How the delivery stands now.
    pub state: DeliveryState,
    /// The answer's status.
    pub status: Option<u16>,
    /// How long the attempt took.
    pub took: Duration,
    /// From the receipt of the event to its arrival; of one that arrived.
    pub since_received: Option<Duration>,
}

/// Is told of deliveries. Calls must not block.
pub trait DeliveryObserver: Send + Sync {
    /// An attempt was made.
    fn tried(&self, _tried: &Tried) {}
    /// The destination answered 410: it is to be disabled. Nothing more is sent to it until it is
    /// set anew.
    fn gone(&self, _destination: i64) {}
    /// The destination is left alone from now on, or is back.
    fn breaker(&self, _destination: i64, _open: bool) {}
    /// A replay is done.
    fn replayed(&self, _destination: i64, _replay: i64) {}
}

/// Nobody is told.
#[derive(Debug, Clone, Copy, Default)]
pub struct NobodyObserves;

impl DeliveryObserver for NobodyObserves {}
