//! What becomes of a call's end: metrics, a span, a line of the log.

use std::sync::Arc;

use doorward_gateway::{CallFacts, Outcome, Telemetry, Tracing};

use super::metrics::Metrics;
use super::traces::Spans;

/// Told by the gateway of how calls end.
pub(super) struct Told {
    metrics: Arc<Metrics>,
    spans: Option<Spans>,
}

impl Told {
    pub(super) fn new(metrics: Arc<Metrics>, spans: Option<Spans>) -> Self {
        Self { metrics, spans }
    }
}

impl Telemetry for Told {
    fn call_ended(&self, call: &CallFacts, outcome: &Outcome) {
        self.metrics.call_ended(call, outcome);
        if let Some(spans) = &self.spans {
            spans.call_ended(call, outcome);
        }
        // Nobody's data: who acts, the path's parameter and the source are left out.
        tracing::debug!(
            request_id = %call.request_id,
            client = call.client.as_deref(),
            workspace = call.workspace.as_deref(),
            as_workspace = call.as_workspace.as_deref(),
            operation = call.op.map(|op| op.id()),
            allowed = outcome.allowed,
            status = outcome.status,
            reason = outcome.reason,
            bytes_in = call.bytes_in,
            bytes_out = outcome.bytes_out,
            latency_us = u64::try_from(outcome.latency.as_micros()).unwrap_or(u64::MAX),
            "call"
        );
    }

    fn call_counted(&self, call: &CallFacts, reason: &'static str) {
        self.metrics.call_counted(call, reason);
    }

    fn tracing(&self) -> Option<Tracing> {
        self.spans.as_ref().map(Spans::tracing)
    }
}
