//! Sinks: the record handed on as it grows, to the console, a file, an HTTPS endpoint or syslog.
//!
//! ```text
//! ledger ─► cursor ─► entries ─► batch ─► receiver ─► cursor remembered, durably
//! ```
//!
//! Each sink follows the ledger on a thread of its own, from where it came to before, in order and
//! at least once: an entry that a receiver got just before a crash comes again, with the same
//! `seq`. Whatever happens to a receiver, the ledger does not wait.

mod backoff;
mod config;
mod file;
mod follow;
mod https;
mod line;
mod metrics;
mod net;
mod sinks;
mod stop;
mod stream;
mod syslog;

pub use backoff::Retry;
pub use config::{
    BatchBody, FileSink, HttpsSink, SinkConfig, SinkFormat, SinkKind, Start, SyslogSink,
};
pub use metrics::SinkMetrics;
pub use sinks::{ReadySinks, Sinks};
