//! Making spans, and sending them.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use doorward_gateway::{Outcome, Trace};
use http::HeaderValue;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc::Receiver;
use tokio::time::{sleep, timeout};

use super::{Ended, Tally};
use crate::caller::schemes;
use crate::exit::Failure;

/// Most calls whose spans are sent at once.
const BATCH: usize = 512;
/// What is left waits no longer for more.
const GATHER: Duration = Duration::from_secs(1);
/// How long one sending may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// A receiver that is away is told of once in so long.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Sends to a receiver.
///
/// # Errors
/// When it can't be set up.
pub(super) fn exporter(
    endpoint: &str,
    authorization: Option<&SecretString>,
) -> Result<SpanExporter, Failure> {
    let tls = endpoint.starts_with("https:");
    let connector = schemes(tls)?;
    let connector = if tls {
        connector.https_only().enable_http1().build()
    } else {
        connector.https_or_http().enable_http1().build()
    };
    let authorization = authorization
        .map(|secret| {
            let mut value = HeaderValue::from_str(secret.expose_secret().trim_end())?;
            value.set_sensitive(true);
            Ok(value)
        })
        .transpose()
        .map_err(|_: http::header::InvalidHeaderValue| {
            Failure::usage("traces.authorization: the secret can't be sent in a header")
        })?;
    let mut exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(HyperClient::new(connector, PATIENCE, authorization))
        .with_endpoint(endpoint)
        .with_protocol(Protocol::HttpBinary)
        .with_timeout(PATIENCE)
        .build()
        .map_err(|error| Failure::usage(format_args!("traces.endpoint: {error}")))?;
    let resource = Resource::builder_empty().with_attributes([
        KeyValue::new("service.name", "doorward"),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
    ]);
    exporter.set_resource(&resource.build());
    Ok(exporter)
}

/// Sends spans until nobody can tell of calls any more.
pub(super) async fn run(
    exporter: SpanExporter,
    mut ended: Receiver<Box<Ended>>,
    tally: Arc<Tally>,
) {
    let scope = InstrumentationScope::builder("doorward").build();
    let mut told: Option<Instant> = None;
    let mut calls = Vec::with_capacity(BATCH);
    while ended.recv_many(&mut calls, BATCH).await > 0 {
        let more = async {
            while calls.len() < BATCH {
                let Some(call) = ended.recv().await else {
                    return;
                };
                calls.push(call);
            }
        };
        tokio::select! {
            () = more => {}
            () = sleep(GATHER) => {}
        }
        let count = calls.len() as u64;
        let spans: Vec<SpanData> = calls.drain(..).flat_map(|call| of(&call, &scope)).collect();
        let sent = spans.len() as u64;
        let why = match timeout(PATIENCE, exporter.export(spans)).await {
            Ok(Ok(())) => {
                tally.sent.fetch_add(sent, Ordering::Relaxed);
                continue;
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it took too long".to_owned(),
        };
        tally.dropped.fetch_add(count, Ordering::Relaxed);
        if told.is_none_or(|at| at.elapsed() >= TELL_EVERY) {
            tracing::warn!(why, "spans could not be delivered and were dropped");
            told = Some(Instant::now());
        }
    }
}

/// The spans of a call: its own, and that of what was sent to the API for it.
fn of(ended: &Ended, scope: &InstrumentationScope) -> Vec<SpanData> {
    let Ended { call, outcome, at } = ended;
    let Some(trace) = call.trace else {
        return Vec::new();
    };
    let began = at.checked_sub(outcome.latency).unwrap_or(*at);
    let name = call.op.map_or("unknown operation", |op| op.id());
    let mut said = vec![
        KeyValue::new("doorward.request_id", call.request_id.to_string()),
        KeyValue::new("doorward.decision", decision(outcome)),
        KeyValue::new("http.response.status_code", i64::from(outcome.status)),
    ];
    let mut say = |key: &'static str, value: Option<&str>| {
        said.extend(value.map(|value| KeyValue::new(key, value.to_owned())));
    };
    say("doorward.client", call.client.as_deref());
    say("doorward.workspace", call.workspace.as_deref());
    say("doorward.operation", call.op.map(|op| op.id()));
    say("doorward.reason", outcome.reason);
    say(
        "http.request.method",
        call.method.map(|method| method.as_str()),
    );
    let span = |id: u64, parent: u64, remote, kind, name: Cow<'static, str>| SpanData {
        span_context: context(&trace, id),
        parent_span_id: SpanId::from(parent),
        parent_span_is_remote: remote,
        span_kind: kind,
        name,
        start_time: began,
        end_time: *at,
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: scope.clone(),
    };
    let parent = trace.parent.unwrap_or_default();
    let own = SpanData {
        attributes: said,
        status: if outcome.status >= 500 || outcome.status == 0 {
            Status::error(outcome.reason.unwrap_or_default())
        } else {
            Status::Unset
        },
        ..span(
            trace.span,
            parent,
            trace.parent.is_some(),
            SpanKind::Server,
            name.into(),
        )
    };
    let mut spans = vec![own];
    if let Some(took) = outcome.upstream {
        let sent = began + outcome.before;
        let status = outcome.answered.map(i64::from);
        let status = status.map(|status| KeyValue::new("http.response.status_code", status));
        spans.push(SpanData {
            start_time: sent,
            end_time: earlier(sent + took, *at),
            attributes: status.into_iter().collect(),
            ..span(
                trace.upstream_span,
                trace.span,
                false,
                SpanKind::Client,
                format!("{name} at the API").into(),
            )
        });
    }
    spans
}

fn earlier(one: SystemTime, other: SystemTime) -> SystemTime {
    one.min(other)
}

fn decision(outcome: &Outcome) -> &'static str {
    if outcome.allowed { "allowed" } else { "denied" }
}

fn context(trace: &Trace, span: u64) -> SpanContext {
    SpanContext::new(
        TraceId::from(trace.trace_id),
        SpanId::from(span),
        TraceFlags::SAMPLED,
        false,
        TraceState::NONE,
    )
}
