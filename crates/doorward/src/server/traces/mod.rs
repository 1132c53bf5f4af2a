//! Spans of calls, sent by OpenTelemetry's protocol. Off, it costs nothing; without the feature
//! `otel` it is not there.
//!
//! A call's end has all that its spans say, so that they are made then, on a task of their own: a
//! call under way only puts its end into a bounded queue. What does not fit is dropped and counted.

#[cfg(feature = "otel")]
mod export;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use doorward_gateway::{CallFacts, Outcome, Tracing};
use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;

use crate::context::Context;
use crate::exit::Failure;
use crate::prometheus::Text;

/// Ends that wait to be made spans of.
#[cfg(feature = "otel")]
const QUEUE: usize = 8 * 1_024;

/// A call that ended and is kept: what its spans are made from.
#[cfg_attr(
    not(feature = "otel"),
    expect(dead_code, reason = "read by the exporter")
)]
pub(super) struct Ended {
    call: CallFacts,
    outcome: Outcome,
    at: SystemTime,
}

/// What was sent, and what was not.
#[derive(Default)]
struct Tally {
    sent: AtomicU64,
    dropped: AtomicU64,
}

/// Takes ends of calls.
pub(super) struct Spans {
    tracing: Tracing,
    queue: Sender<Box<Ended>>,
    tally: Arc<Tally>,
}

/// The task that sends spans. It ends when nobody can tell it of calls any more.
pub(crate) struct Exporting {
    task: JoinHandle<()>,
    tally: Arc<Tally>,
}

/// Starts to send spans, if that is configured.
///
/// # Errors
/// When a secret or the system's certificate authorities can't be read.
#[cfg(feature = "otel")]
pub(super) fn start(
    context: &Context,
    secrets: &doorward_secrets::Secrets,
) -> Result<Option<(Spans, Exporting)>, Failure> {
    let config = &context.config.traces;
    let Some(endpoint) = &config.endpoint else {
        return Ok(None);
    };
    let authorization = context.traces_authorization()?;
    let authorization = authorization
        .map(|reference| secrets.read(&reference))
        .transpose()
        .map_err(|error| Failure::usage(format_args!("traces.authorization: {error}")))?;
    let exporter = export::exporter(endpoint, authorization.as_ref())?;
    let (queue, ended) = tokio::sync::mpsc::channel(QUEUE);
    let tally = Arc::<Tally>::default();
    let percent = u32::try_from(config.sample_percent).unwrap_or(100);
    let spans = Spans {
        tracing: Tracing {
            share: match percent {
                100.. => u32::MAX,
                percent => u32::MAX / 100 * percent,
            },
            propagate: config.propagate,
        },
        queue,
        tally: Arc::clone(&tally),
    };
    let exporting = Exporting {
        task: tokio::spawn(export::run(exporter, ended, Arc::clone(&tally))),
        tally,
    };
    Ok(Some((spans, exporting)))
}

/// There are none in this build.
#[cfg(not(feature = "otel"))]
pub(super) fn start(
    _: &Context,
    _: &doorward_secrets::Secrets,
) -> Result<Option<(Spans, Exporting)>, Failure> {
    Ok(None)
}

impl Spans {
    /// How calls are traced.
    pub(super) fn tracing(&self) -> Tracing {
        self.tracing
    }

    /// Keeps a call's end, if the call is one that is kept.
    pub(super) fn call_ended(&self, call: &CallFacts, outcome: &Outcome) {
        if !call.trace.is_some_and(|trace| trace.sampled) {
            return;
        }
        let mut call = call.clone();
        // Nobody's data gets near a span.
        call.actor = None;
        call.parameter = None;
        call.inputs = None;
        let ended = Ended {
            call,
            outcome: *outcome,
            at: SystemTime::now(),
        };
        if self.queue.try_send(Box::new(ended)).is_err() {
            self.tally.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Exporting {
    /// Shows what was sent on a page of metrics.
    pub(super) fn figures(&self) -> impl Fn(&mut Text) + Send + Sync + 'static {
        let tally = Arc::clone(&self.tally);
        move |text| {
            let sent = tally.sent.load(Ordering::Relaxed);
            text.counter("spans_sent_total", "Spans delivered", &[], sent);
            let dropped = tally.dropped.load(Ordering::Relaxed);
            text.counter(
                "spans_dropped_total",
                "Calls whose spans were not delivered",
                &[],
                dropped,
            );
        }
    }

    /// Waits until what is left was sent, or for so long. The gateway has ended by then.
    pub(super) async fn end(mut self, patience: std::time::Duration) {
        if tokio::time::timeout(patience, &mut self.task)
            .await
            .is_err()
        {
            self.task.abort();
        }
    }
}
