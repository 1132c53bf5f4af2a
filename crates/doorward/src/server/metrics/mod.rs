//! Metrics: what is counted of calls, and the page that shows it with everything else.
//!
//! Another part of the server adds its own figures with [`Metrics::also`]: it is asked when the
//! page is, so that nothing is kept twice.
//!
//! ```ignore
//! let pacer = Arc::clone(&pacer);
//! metrics.also(move |text| {
//!     text.gauge("pace_waiting_calls", "Calls that wait for their turn", &[], pacer.waiting());
//! });
//! ```
//!
//! The counters are Doorward's own, over atomics: what is asked of them is little (a bounded set of
//! names, no allocation after the first use, no lock that a call waits for), and the page's other
//! figures are read from where they are kept.

mod calls;
mod histogram;
mod page;

use std::sync::{Mutex, PoisonError};

use doorward_gateway::{CallFacts, Figures, Outcome};

use self::calls::Calls;
use self::histogram::Histogram;
pub(super) use self::page::MetricsPage;
use crate::prometheus::Text;

type Also = Box<dyn Fn(&mut Text) + Send + Sync>;

/// All that is counted.
#[derive(Default)]
pub(crate) struct Metrics {
    calls: Calls,
    /// Whole, upstream and added: of reads, then of writes.
    latency: [[Histogram; 3]; 2],
    also: Mutex<Vec<Also>>,
}

/// The histograms, in the order in which they are kept.
const LATENCY: [(&str, &str); 3] = [
    (
        "call_seconds",
        "From a request's head to its answer's end, of calls that were carried out",
    ),
    (
        "upstream_seconds",
        "From sending a call to the head of the API's answer",
    ),
    (
        "added_seconds",
        "What Doorward took before it sent a call, less what the call waited for its turn",
    ),
];
const KINDS: [&str; 2] = ["read", "write"];

impl Metrics {
    /// Has more figures shown.
    pub(crate) fn also(&self, add: impl Fn(&mut Text) + Send + Sync + 'static) {
        let mut also = self.also.lock().unwrap_or_else(PoisonError::into_inner);
        also.push(Box::new(add));
    }

    /// Counts a call that ended.
    pub(super) fn call_ended(&self, call: &CallFacts, outcome: &Outcome) {
        self.calls
            .count(call, outcome.allowed, outcome.status, outcome.reason);
        let Some(upstream) = outcome.upstream else {
            return;
        };
        let [read, write] = &self.latency;
        let of_kind = if call.writes() { write } else { read };
        let added = outcome.before.saturating_sub(outcome.waited);
        let took = [outcome.latency, upstream, added];
        for (histogram, took) in of_kind.iter().zip(took) {
            histogram.observe(took);
        }
    }

    /// Counts a call that was refused with no record of its own.
    pub(super) fn call_counted(&self, call: &CallFacts, reason: &'static str) {
        self.calls.count(call, false, 429, Some(reason));
    }

    /// Adds it all to a page.
    pub(super) fn show(&self, now: Figures, text: &mut Text) {
        self.calls.show(text);
        for (of_kind, kind) in self.latency.iter().zip(KINDS) {
            for (histogram, (name, help)) in of_kind.iter().zip(LATENCY) {
                histogram.show(name, help, &[("kind", kind)], text);
            }
        }
        for (name, help, value) in [
            ("connections", "Open connections", now.connections),
            ("calls_under_way", "Calls not yet answered", now.calls),
            (
                "writes_under_way",
                "Writes sent and not yet answered",
                now.writes,
            ),
            ("body_bytes", "Bytes of request bodies held", now.body_bytes),
        ] {
            text.gauge(name, help, &[], value);
        }
        for add in self
            .also
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            add(text);
        }
    }
}
