//! What calls tell while they are under way and when they end: for metrics, traces and logs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::records::record::{CallFacts, Outcome};
use crate::records::trace::Tracing;

/// Told of how calls end. On the path of requests: returns at once, without blocking.
pub trait Telemetry: Send + Sync {
    /// A call ended. Told once of each, when it is recorded; what is about people in the facts is
    /// not to be passed on.
    fn call_ended(&self, call: &CallFacts, outcome: &Outcome);

    /// A call was refused for a reason that is counted rather than recorded.
    fn call_counted(&self, call: &CallFacts, reason: &'static str) {
        let _ = (call, reason);
    }

    /// How calls are traced; `None` when they are not.
    fn tracing(&self) -> Option<Tracing> {
        None
    }
}

/// How much is going on now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Figures {
    /// Open connections.
    pub connections: usize,
    /// Calls whose answer has not been passed on.
    pub calls: usize,
    /// Writes that were sent and not answered.
    pub writes: usize,
    /// Bytes of request bodies held.
    pub body_bytes: usize,
}

/// What all calls of a gateway tell.
#[derive(Default)]
pub(crate) struct Watch {
    pub(crate) telemetry: Option<Arc<dyn Telemetry>>,
    calls: AtomicUsize,
    connections: AtomicUsize,
}

impl Watch {
    pub(crate) fn new(telemetry: Option<Arc<dyn Telemetry>>) -> Self {
        Self {
            telemetry,
            ..Self::default()
        }
    }

    pub(crate) fn ended(&self, call: &CallFacts, outcome: &Outcome) {
        if let Some(telemetry) = &self.telemetry {
            telemetry.call_ended(call, outcome);
        }
    }

    pub(crate) fn counted(&self, call: &CallFacts, reason: &'static str) {
        if let Some(telemetry) = &self.telemetry {
            telemetry.call_counted(call, reason);
        }
    }

    pub(crate) fn tracing(&self) -> Option<Tracing> {
        self.telemetry.as_ref()?.tracing()
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// A call is under way as long as what is returned lives.
    pub(crate) fn call(self: &Arc<Self>) -> Counted {
        Counted::new(self, |watch| &watch.calls)
    }

    /// A connection is open as long as what is returned lives.
    pub(crate) fn connection(self: &Arc<Self>) -> Counted {
        Counted::new(self, |watch| &watch.connections)
    }
}

/// Counted while it lives.
pub(crate) struct Counted {
    pub(crate) watch: Arc<Watch>,
    what: fn(&Watch) -> &AtomicUsize,
}

impl Counted {
    fn new(watch: &Arc<Watch>, what: fn(&Watch) -> &AtomicUsize) -> Self {
        what(watch).fetch_add(1, Ordering::Relaxed);
        Self {
            watch: Arc::clone(watch),
            what,
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.what)(&self.watch).fetch_sub(1, Ordering::Relaxed);
    }
}
