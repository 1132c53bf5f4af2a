//! Settings of the record: its key, its review, and where it is handed on to.

use std::path::PathBuf;

use super::reader::TableReader;
use super::{non_empty, reference};

/// Most sinks.
const SINKS_MAX: usize = 32;

/// The record's settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuditConfig {
    /// Reference of the key under which people are found and their keys wrapped.
    pub(crate) key: String,
    /// Days within which the record is to be reviewed.
    pub(crate) review_days: usize,
    /// Where it is handed on to.
    pub(crate) sinks: Vec<SinkSettings>,
}

/// One sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SinkSettings {
    /// Under which its place is remembered.
    pub(crate) name: String,
    /// Where entries go.
    pub(crate) to: SinkTo,
    /// Whether entries are OCSF events.
    pub(crate) ocsf: bool,
    /// Whether people's values are in clear.
    pub(crate) people: bool,
    /// Whether a new sink begins with what comes from now on; by its kind if it is not said.
    pub(crate) from_now: Option<bool>,
}

/// Where entries go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SinkTo {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A rotating file; relative to the data folder.
    File {
        path: PathBuf,
        max_mib: usize,
        daily: bool,
        keep: usize,
    },
    /// An HTTPS endpoint.
    Https {
        /// The URL, or a reference to it.
        url: String,
        secret: Option<String>,
        bearer: Option<String>,
        ca: Option<PathBuf>,
    },
    /// A syslog receiver.
    Syslog {
        host: String,
        port: u16,
        tls: bool,
        ca: Option<PathBuf>,
    },
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self {
            key: "file:secrets/audit-key".to_owned(),
            review_days: 7,
            sinks: Vec::new(),
        }
    }
}

impl AuditConfig {
    /// Reads the table.
    pub(super) fn read(&mut self, table: &mut TableReader<'_, '_>) {
        table.text("key", &mut self.key, reference);
        table.number("review_days", &mut self.review_days, 1..=3_650);
        let sinks = &mut self.sinks;
        table.tables("sink", SINKS_MAX, |table| {
            let sink = read_sink(table);
            if sinks.iter().any(|other| other.name == sink.name) {
                table.missing("a name of its own", "another sink has the same");
            }
            sinks.push(sink);
        });
    }
}

fn read_sink(table: &mut TableReader<'_, '_>) -> SinkSettings {
    let mut kind = String::new();
    table.text("to", &mut kind, |text| match text {
        "stdout" | "stderr" | "file" | "https" | "syslog" => Ok(text.to_owned()),
        _ => Err("choose \"stdout\", \"stderr\", \"file\", \"https\" or \"syslog\"".to_owned()),
    });
    let mut sink = SinkSettings {
        name: kind.clone(),
        to: SinkTo::Stdout,
        ocsf: false,
        people: false,
        from_now: None,
    };
    table.text("name", &mut sink.name, |text| {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !text.is_empty() && text.len() <= 64 && text.chars().all(plain) {
            Ok(text.to_owned())
        } else {
            Err("write 1 to 64 lower-case letters, digits and dashes".to_owned())
        }
    });
    table.text("format", &mut sink.ocsf, |text| match text {
        "json" => Ok(false),
        "ocsf" => Ok(true),
        _ => Err("choose \"json\" or \"ocsf\"".to_owned()),
    });
    table.flag("people", &mut sink.people);
    table.text("from", &mut sink.from_now, |text| match text {
        "beginning" => Ok(Some(false)),
        "now" => Ok(Some(true)),
        _ => Err("choose \"beginning\" or \"now\"".to_owned()),
    });
    sink.to = match kind.as_str() {
        "stdout" => SinkTo::Stdout,
        "stderr" => SinkTo::Stderr,
        "file" => read_file(table),
        "https" => read_https(table),
        "syslog" => read_syslog(table),
        _ => {
            table.missing(
                "to",
                "choose \"stdout\", \"stderr\", \"file\", \"https\" or \"syslog\"",
            );
            SinkTo::Stdout
        }
    };
    sink
}

fn path(text: &str) -> Result<PathBuf, String> {
    non_empty(text).map(PathBuf::from)
}

fn optional_path(text: &str) -> Result<Option<PathBuf>, String> {
    path(text).map(Some)
}

fn optional_reference(text: &str) -> Result<Option<String>, String> {
    reference(text).map(Some)
}

fn read_file(table: &mut TableReader<'_, '_>) -> SinkTo {
    let (mut file, mut max_mib) = (PathBuf::from("audit.jsonl"), 100);
    let (mut daily, mut keep) = (false, 10);
    table.text("path", &mut file, path);
    table.number("max_mib", &mut max_mib, 1..=1_048_576);
    table.flag("daily", &mut daily);
    table.number("keep", &mut keep, 0..=10_000);
    SinkTo::File {
        path: file,
        max_mib,
        daily,
        keep,
    }
}

fn read_https(table: &mut TableReader<'_, '_>) -> SinkTo {
    let (mut url, mut secret, mut bearer, mut ca) = (String::new(), None, None, None);
    table.text("url", &mut url, |text| {
        if text.starts_with("https://") || text.starts_with("http://") {
            Ok(text.to_owned())
        } else {
            reference(text).map_err(|_| {
                "write https://… or, when the address is a secret, a reference to it".to_owned()
            })
        }
    });
    table.text("secret", &mut secret, optional_reference);
    table.text("bearer", &mut bearer, optional_reference);
    table.text("ca", &mut ca, optional_path);
    if url.is_empty() {
        table.missing("url", "say where batches are sent");
    }
    SinkTo::Https {
        url,
        secret,
        bearer,
        ca,
    }
}

fn read_syslog(table: &mut TableReader<'_, '_>) -> SinkTo {
    let (mut host, mut port, mut tls, mut ca) = (String::new(), 6_514, true, None);
    table.text("host", &mut host, |text| non_empty(text).map(str::to_owned));
    table.number("port", &mut port, 1..=65_535);
    table.flag("tls", &mut tls);
    table.text("ca", &mut ca, optional_path);
    if host.is_empty() {
        table.missing("host", "say where the receiver is");
    }
    SinkTo::Syslog {
        host,
        port: u16::try_from(port).unwrap_or(6_514),
        tls,
        ca,
    }
}
