//! What a sink is told.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::backoff::Retry;
use crate::entry::Show;

/// One sink.
#[derive(Debug, Clone)]
pub struct SinkConfig {
    /// Its name, of lower-case letters, digits and dashes. The place it came to is remembered under
    /// this name.
    pub name: String,
    /// Where entries go.
    pub kind: SinkKind,
    /// What is made of an entry.
    pub format: SinkFormat,
    /// How people's values are shown.
    pub show: Show,
    /// Where a sink begins that never ran before.
    pub start: Start,
    /// How long a receiver that fails is waited for.
    pub retry: Retry,
}

impl SinkConfig {
    /// The usual: entries as JSON, people as subjects. Files and receivers get the ledger from its
    /// beginning, the console what comes from now on.
    pub fn new(name: &str, kind: SinkKind) -> Self {
        let start = match kind {
            SinkKind::Stdout | SinkKind::Stderr => Start::End,
            _ => Start::Beginning,
        };
        Self {
            name: name.to_owned(),
            kind,
            format: SinkFormat::Json,
            show: Show::Subjects,
            start,
            retry: Retry::default(),
        }
    }
}

/// Where entries go.
#[derive(Debug, Clone)]
pub enum SinkKind {
    /// Standard output: `[AUDIT] ` and JSON, a line each.
    Stdout,
    /// Standard error, the same.
    Stderr,
    /// A file, JSON, a line each.
    File(FileSink),
    /// An HTTPS endpoint, in signed batches.
    Https(HttpsSink),
    /// A syslog receiver.
    Syslog(SyslogSink),
}

/// What is made of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SinkFormat {
    /// An [`Entry`](crate::Entry) as JSON.
    Json,
    /// An OCSF event as JSON.
    Ocsf,
}

/// Where a sink begins that never ran before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// With the first leaf that is kept.
    Beginning,
    /// With what comes from now on.
    End,
}

/// A file that is rotated: `audit.jsonl`, then `audit.jsonl.1`, the newest first.
#[derive(Debug, Clone)]
pub struct FileSink {
    /// The file; its folder must exist.
    pub path: PathBuf,
    /// Rotated before it grows beyond this; 0 for never.
    pub max_bytes: u64,
    /// Rotated when a day begins, UTC.
    pub daily: bool,
    /// Old files that are kept.
    pub keep: u32,
}

impl FileSink {
    /// A file of up to 100 MiB, and ten old ones.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            max_bytes: 100 * 1024 * 1024,
            daily: false,
            keep: 10,
        }
    }
}

/// How a batch is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchBody {
    /// JSON, a line each: `application/x-ndjson`.
    Lines,
    /// One JSON array: `application/json`.
    Array,
}

/// An HTTPS endpoint that takes batches by `POST`.
#[derive(Debug, Clone)]
pub struct HttpsSink {
    /// `https://…`; `http://` to this machine alone. It is not shown: it may hold a token.
    pub url: SecretString,
    /// Signs each batch as Standard Webhooks say: `whsec_` and base64 of 24 to 64 bytes.
    pub secret: Option<SecretString>,
    /// Sent as `Authorization: Bearer …`.
    pub bearer: Option<SecretString>,
    /// Trust these certificate authorities (PEM) instead of the system's.
    pub ca: Option<PathBuf>,
    /// How a batch is written.
    pub body: BatchBody,
    /// Most entries of a batch.
    pub max_entries: usize,
    /// Most bytes of a batch; one entry that is larger is sent alone.
    pub max_bytes: usize,
    /// How long a batch that is not full waits for more.
    pub linger: Duration,
    /// Longest time for one attempt, connecting included.
    pub timeout: Duration,
}

impl HttpsSink {
    /// Up to 500 entries or 1 MiB, once a second.
    pub fn new(url: impl Into<SecretString>) -> Self {
        Self {
            url: url.into(),
            secret: None,
            bearer: None,
            ca: None,
            body: BatchBody::Lines,
            max_entries: 500,
            max_bytes: 1024 * 1024,
            linger: Duration::from_secs(1),
            timeout: Duration::from_secs(30),
        }
    }
}

/// A receiver of syslog (RFC 5424) over TLS (RFC 5425).
#[derive(Debug, Clone)]
pub struct SyslogSink {
    /// Its name or address.
    pub host: String,
    /// Its port; 6514 is the usual one.
    pub port: u16,
    /// Off only to this machine, for a local relay.
    pub tls: bool,
    /// Trust these certificate authorities (PEM) instead of the system's.
    pub ca: Option<PathBuf>,
    /// This machine's name in messages; what the system says when it is not given.
    pub hostname: Option<String>,
    /// The application's name in messages.
    pub app_name: String,
    /// Most bytes of a message; of an entry that is larger, `metadata` is left out.
    pub max_bytes: usize,
    /// Longest time for connecting, and for sending a batch.
    pub timeout: Duration,
}

impl SyslogSink {
    /// Messages of up to 8 KiB, which every receiver should take, over TLS.
    pub fn new(host: &str, port: u16) -> Self {
        Self {
            host: host.to_owned(),
            port,
            tls: true,
            ca: None,
            hostname: None,
            app_name: "doorward".to_owned(),
            max_bytes: 8 * 1024,
            timeout: Duration::from_secs(10),
        }
    }
}
