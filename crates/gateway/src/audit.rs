//! The audit log: a line of JSON for each call.
//!
//! ```text
//! [AUDIT] {"timestamp":"2027-01-15T08:00:00.005Z","phase":"outcome","action":"createLead",…}
//! ```
//!
//! A read or a refusal is one line, of phase `outcome`. A write is two: its `intent`, which has
//! reached the sink before the write is forwarded, and its `outcome`. Lines are made of names,
//! codes and numbers that Doorward itself knows; JSON escapes leave no control characters.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use doorward_catalog::{Environment, Method, Op};
use doorward_keys::KeyId;
use doorward_policy::Timestamp;
use ring::hmac;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use tokio::sync::oneshot;

use crate::audit_writer::{Message, Writer};
use crate::error::Error;
use crate::record::{CallFacts, NotRecorded, Outcome, Recorder, Recording};
use crate::request_id::RequestId;

/// Lines that wait to be written.
const QUEUE: usize = 8 * 1024;
/// Least bytes of the key under which bodies are committed to.
const KEY_MIN: usize = 32;
/// Time for an intent to reach the sink.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where audit lines go.
pub enum AuditSink {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// The end of a file, made with mode 0600 if it is not there.
    File(PathBuf),
    /// Anything else that can be written to.
    Other(Box<dyn std::io::Write + Send>),
}

/// Writes audit lines on a thread of its own.
///
/// When the sink fails, writes are refused and reads go on. Lines of reads and outcomes are kept
/// until the sink takes lines again, up to a bound; how many were lost is then said in a line with
/// action `audit.lost`.
pub struct AuditLog {
    queue: SyncSender<Message>,
    lost: Arc<AtomicU64>,
    key: hmac::Key,
}

impl AuditLog {
    /// Opens the sink. Bodies are committed to under `key`, of at least 32 bytes, which is this
    /// installation's own: with it, and the body, a line can be held against the body later.
    ///
    /// # Errors
    /// [`Error::AuditKey`] for a short key, [`Error::Audit`] when the sink can't be opened.
    pub fn open(sink: AuditSink, key: &SecretString) -> Result<Self, Error> {
        let key = key.expose_secret().as_bytes();
        if key.len() < KEY_MIN {
            return Err(Error::AuditKey(key.len()));
        }
        let lost = Arc::new(AtomicU64::new(0));
        let writer = Writer::open(sink, Arc::clone(&lost)).map_err(Error::Audit)?;
        let (queue, messages) = sync_channel(QUEUE);
        std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || writer.run(&messages))
            .map_err(Error::Audit)?;
        Ok(Self {
            queue,
            lost,
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
        })
    }

    /// Waits until all that was recorded before has reached the sink.
    ///
    /// # Errors
    /// When it has not within five seconds.
    pub async fn flush(&self) -> Result<(), NotRecorded> {
        let (done, wait) = oneshot::channel();
        self.send(Message::Flush(done))?;
        acknowledged(wait).await
    }

    fn send(&self, message: Message) -> Result<(), NotRecorded> {
        self.queue.try_send(message).map_err(|error| {
            let (TrySendError::Full(message) | TrySendError::Disconnected(message)) = error;
            if matches!(message, Message::Line(_)) {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
            NotRecorded
        })
    }

    fn line(&self, call: &CallFacts, outcome: Option<&Outcome>) -> Vec<u8> {
        let decision = match outcome {
            Some(outcome) if !outcome.allowed => "denied",
            _ => "allowed",
        };
        let line = Line {
            timestamp: call.at,
            phase: if outcome.is_some() {
                "outcome"
            } else {
                "intent"
            },
            action: call.op.map_or("unknown", Op::id),
            client: call.client.as_deref(),
            client_key_id: call.client_key_id,
            environment: call.environment.map(Environment::as_str),
            workspace: call.workspace.as_deref(),
            operation: call.op.map(Op::id),
            method: call.method.map(Method::as_str),
            resource: call.op.map(|op| op.facts().path),
            decision,
            reason: call.stranger.or(outcome.and_then(|outcome| outcome.reason)),
            status: outcome
                .map(|outcome| outcome.status)
                .filter(|status| *status != 0),
            result: match outcome {
                None => "pending",
                Some(outcome) if outcome.success => "success",
                Some(_) => "failure",
            },
            request_id: call.request_id,
            source_ip: call.source.to_string(),
            metadata: Metadata {
                latency_us: outcome
                    .map(|o| u64::try_from(o.latency.as_micros()).unwrap_or(u64::MAX)),
                bytes_in: call.bytes_in,
                bytes_out: outcome.map(|outcome| outcome.bytes_out),
                body_commitment: call.body_sha256.map(|digest| self.commitment(&digest)),
                as_workspace: call.as_workspace.as_deref(),
                upstream_key: call.upstream_key.as_deref(),
            },
        };
        as_line(&line)
    }

    fn commitment(&self, digest: &[u8; 32]) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(b"doorward body 1\0");
        context.update(digest);
        let mut text = String::from("hmac-sha256:");
        for byte in context.sign().as_ref() {
            text.extend(
                [byte >> 4, byte & 15]
                    .map(|nibble| char::from_digit(u32::from(nibble), 16).unwrap_or_default()),
            );
        }
        text
    }
}

impl Recorder for AuditLog {
    fn intent<'a>(&'a self, call: &'a CallFacts) -> Recording<'a, Option<doorward_ledger::LeafId>> {
        if !call.writes() {
            return Box::pin(std::future::ready(Ok(None)));
        }
        let (done, wait) = oneshot::channel();
        let sent = self.send(Message::Intent(self.line(call, None), done));
        Box::pin(async move {
            sent?;
            acknowledged(wait).await.map(|()| None)
        })
    }

    fn outcome(&self, call: &CallFacts, _: Option<doorward_ledger::LeafId>, outcome: &Outcome) {
        // A full queue is counted; the call itself can't be undone.
        let _ = self.send(Message::Line(self.line(call, Some(outcome))));
    }
}

async fn acknowledged(wait: oneshot::Receiver<bool>) -> Result<(), NotRecorded> {
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(Ok(true)) => Ok(()),
        _ => Err(NotRecorded),
    }
}

pub(crate) fn as_line(value: &impl Serialize) -> Vec<u8> {
    let mut line = b"[AUDIT] ".to_vec();
    // Strings and numbers alone: this can't fail.
    let _ = serde_json::to_writer(&mut line, value);
    line.push(b'\n');
    line
}

#[derive(Serialize)]
struct Line<'a> {
    timestamp: Timestamp,
    phase: &'static str,
    action: &'static str,
    client: Option<&'a str>,
    client_key_id: Option<KeyId>,
    environment: Option<&'static str>,
    workspace: Option<&'a str>,
    operation: Option<&'static str>,
    method: Option<&'static str>,
    resource: Option<&'static str>,
    decision: &'static str,
    reason: Option<&'static str>,
    status: Option<u16>,
    result: &'static str,
    request_id: RequestId,
    source_ip: String,
    metadata: Metadata<'a>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_us: Option<u64>,
    bytes_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes_out: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_commitment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    as_workspace: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream_key: Option<&'a str>,
}
