//! Syslog: messages of RFC 5424, with octet counting (RFC 5425), over TLS.
//!
//! Syslog knows no acknowledgement. What was sent within the last half minute before a connection
//! broke is sent again over the next one, also when there is nothing else to send.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use doorward_policy::Timestamp;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::config::{SinkFormat, SyslogSink};
use super::line::{Deliver, Failure, Limits, Line};
use super::net::{Duplex, Endpoint, OwnRuntime};
use super::stop::Stop;
use crate::entry::Entry;

/// Log audit.
const FACILITY: u8 = 13;
/// The name of the structured data. 32473 is IANA's number for those who have none of their own.
const SD_ID: &str = "doorward@32473";
/// Sent again over a new connection: how old, and how much.
const RECENT: Duration = Duration::from_secs(30);
const RECENT_BYTES: usize = 1024 * 1024;
/// How long a connection is listened to before it is written to: a moment for the news that it is
/// gone, if there are any.
const LISTEN: Duration = Duration::from_millis(1);
/// Longest farewell.
const FAREWELL: Duration = Duration::from_millis(500);

/// Sends messages.
pub(super) struct Syslog {
    endpoint: Endpoint,
    timeout: Duration,
    message: Message,
    connection: Option<Box<dyn Duplex>>,
    recent: VecDeque<(Instant, Vec<u8>)>,
    runtime: OwnRuntime,
}

impl Syslog {
    /// Says what does not fit.
    pub(super) fn new(
        config: &SyslogSink,
        format: SinkFormat,
        ca: Option<&[u8]>,
    ) -> Result<Self, &'static str> {
        let SyslogSink {
            host,
            port,
            tls,
            hostname,
            app_name,
            max_bytes,
            timeout,
            ..
        } = config;
        let endpoint = if *tls {
            Endpoint::tls(host, *port, ca, *timeout)?
        } else {
            Endpoint::plain(host, *port, *timeout)?
        };
        let hostname = hostname.clone().or_else(system_hostname);
        Ok(Self {
            endpoint,
            timeout: *timeout,
            message: Message {
                format,
                hostname: header(hostname.as_deref().unwrap_or_default(), 255),
                app_name: header(app_name, 48),
                process: std::process::id(),
                max_bytes: *max_bytes,
            },
            connection: None,
            recent: VecDeque::new(),
            runtime: OwnRuntime::new()?,
        })
    }

    /// Sends frames, and before them what may have got lost.
    fn transmit(&mut self, frames: &[u8], stop: &Stop) -> Result<(), Failure> {
        self.settle();
        let connection = self.connection.take();
        let sending = send(&self.endpoint, connection, &self.recent, frames);
        let timeout = self.timeout;
        let sent = self
            .runtime
            .run(stop, async { tokio::time::timeout(timeout, sending).await });
        match sent {
            None => Err(Failure::Stopped),
            Some(Err(_)) => Err(Failure::later(format!(
                "the receiver took nothing within {} s",
                self.timeout.as_secs_f32()
            ))),
            Some(Ok(Err(why))) => Err(Failure::later(why)),
            Some(Ok(Ok(stream))) => {
                self.connection = Some(stream);
                Ok(())
            }
        }
    }

    /// Forgets what arrived for certain, or as good as.
    fn settle(&mut self) {
        let mut bytes: usize = self.recent.iter().map(|(_, frames)| frames.len()).sum();
        while let Some((at, frames)) = self.recent.front() {
            if at.elapsed() < RECENT && bytes <= RECENT_BYTES {
                break;
            }
            bytes -= frames.len();
            self.recent.pop_front();
        }
    }
}

/// Sends frames over the connection, or over a new one after what may have got lost.
async fn send(
    endpoint: &Endpoint,
    connection: Option<Box<dyn Duplex>>,
    recent: &VecDeque<(Instant, Vec<u8>)>,
    frames: &[u8],
) -> Result<Box<dyn Duplex>, String> {
    let broke = |error: std::io::Error| format!("the connection broke: {error}");
    let mut stream = match listened(connection).await {
        Some(stream) => stream,
        None => {
            let mut stream = endpoint.connect().await?;
            for (_, frames) in recent {
                stream.write_all(frames).await.map_err(broke)?;
            }
            stream
        }
    };
    stream.write_all(frames).await.map_err(broke)?;
    stream.flush().await.map_err(broke)?;
    Ok(stream)
}

/// The connection, if it is there still. A receiver says nothing, or that it is gone.
async fn listened(connection: Option<Box<dyn Duplex>>) -> Option<Box<dyn Duplex>> {
    let mut stream = connection?;
    let mut said = [0; 256];
    let heard = tokio::time::timeout(LISTEN, stream.read(&mut said)).await;
    (!matches!(heard, Ok(Ok(0) | Err(_)))).then_some(stream)
}

impl Deliver for Syslog {
    fn limits(&self) -> Limits {
        Limits {
            entries: 256,
            bytes: 256 * 1024,
            linger: Duration::ZERO,
        }
    }

    fn text(&self, entry: &Entry) -> Vec<u8> {
        let message = self.message.of(entry);
        [format!("{} ", message.len()).into_bytes(), message].concat()
    }

    fn deliver(&mut self, lines: &[Line], _: Timestamp, stop: &Stop) -> Result<(), Failure> {
        let frames: Vec<u8> = lines.iter().flat_map(|line| &line.text).copied().collect();
        self.transmit(&frames, stop)?;
        self.recent.push_back((Instant::now(), frames));
        Ok(())
    }

    fn check(&mut self, stop: &Stop) -> Result<(), Failure> {
        self.settle();
        if self.recent.is_empty() {
            return Ok(());
        }
        self.transmit(&[], stop)
    }

    fn close(&mut self) {
        if let Some(mut stream) = self.connection.take() {
            // What is on its way arrives before the end does. Nobody can be told if not.
            let _ = self.runtime.run(&Stop::new(), async {
                tokio::time::timeout(FAREWELL, stream.shutdown()).await
            });
        }
    }
}

/// How messages are written.
struct Message {
    format: SinkFormat,
    hostname: String,
    app_name: String,
    process: u32,
    max_bytes: usize,
}

impl Message {
    fn of(&self, entry: &Entry) -> Vec<u8> {
        let text = self.text(entry, &self.format.json(entry));
        if text.len() <= self.max_bytes || entry.metadata.is_empty() {
            return text;
        }
        let metadata = [("truncated".to_owned(), Value::Bool(true))];
        let short = Entry {
            metadata: metadata.into_iter().collect(),
            ..entry.clone()
        };
        self.text(&short, &self.format.json(&short))
    }

    fn text(&self, entry: &Entry, json: &[u8]) -> Vec<u8> {
        let priority = FACILITY * 8 + severity(entry);
        // A time that is none is the header's nil value.
        let time = entry
            .at()
            .map_or_else(|| "-".to_owned(), |at| at.to_string());
        let mut text = format!(
            "<{priority}>1 {time} {} {} {} {} ",
            self.hostname,
            self.app_name,
            self.process,
            header(&entry.kind, 32)
        );
        structured(entry, &mut text);
        text.push(' ');
        ascii(json, &mut text);
        text.into_bytes()
    }
}

/// RFC 5424, section 6.2.1: 2 critical, 3 error, 4 warning, 5 notice, 6 informational.
fn severity(entry: &Entry) -> u8 {
    if entry.kind == "finding" {
        let found = entry.metadata.get("severity").and_then(Value::as_str);
        return match found {
            Some("critical") => 2,
            Some("high") => 3,
            Some("medium") => 4,
            _ => 5,
        };
    }
    match entry.result.as_str() {
        "refused" | "unknown" => 4,
        "failure" => 3,
        _ => 6,
    }
}

/// A header's value: printable ASCII without spaces, so long at most; `-` when there is none.
fn header(text: &str, most: usize) -> String {
    let plain: String = text
        .chars()
        .filter(char::is_ascii_graphic)
        .take(most)
        .collect();
    if plain.is_empty() {
        "-".to_owned()
    } else {
        plain
    }
}

/// The main members, for receivers that read no JSON.
fn structured(entry: &Entry, text: &mut String) {
    let some = |value: &Option<String>| value.clone();
    let members = [
        ("seq", Some(entry.seq.to_string())),
        ("id", entry.id.map(|id| id.to_string())),
        ("action", Some(entry.action.clone())),
        ("result", Some(entry.result.clone())),
        ("user", some(&entry.user)),
        ("client", some(&entry.client)),
        ("environment", some(&entry.environment)),
        ("workspace", some(&entry.workspace)),
        ("operation", some(&entry.operation)),
        ("decision", some(&entry.decision)),
        ("reason", some(&entry.reason)),
        ("status", entry.status.map(|status| status.to_string())),
        ("request_id", some(&entry.request_id)),
        ("source_ip", some(&entry.source_ip)),
    ];
    text.push('[');
    text.push_str(SD_ID);
    for (name, value) in members {
        let Some(value) = value else { continue };
        text.push(' ');
        text.push_str(name);
        text.push_str("=\"");
        for char in value.chars() {
            if matches!(char, '"' | '\\' | ']') {
                text.push('\\');
            }
            // Allowed, and read wrongly by many.
            text.push(if char.is_control() { ' ' } else { char });
        }
        text.push('"');
    }
    text.push(']');
}

/// JSON without a character beyond ASCII: then the message needs no byte order mark.
fn ascii(json: &[u8], text: &mut String) {
    for char in String::from_utf8_lossy(json).chars() {
        if char.is_ascii() {
            text.push(char);
        } else {
            for unit in char.encode_utf16(&mut [0; 2]) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
}

fn system_hostname() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(max_bytes: usize) -> Message {
        Message {
            format: SinkFormat::Json,
            hostname: header("gate 1", 255),
            app_name: header("doorward", 48),
            process: 7,
            max_bytes,
        }
    }

    fn entry() -> Entry {
        Entry {
            seq: 3,
            timestamp: "2027-01-15T08:00:00.005Z".to_owned(),
            kind: "outcome".to_owned(),
            action: "listLeads".to_owned(),
            result: "success".to_owned(),
            user: Some("a\"b]c\\d".to_owned()),
            ..Entry::default()
        }
    }

    #[test]
    fn is_a_message_of_the_standard() {
        let text = String::from_utf8(message(8192).of(&entry())).unwrap();
        assert_eq!(
            text,
            "<110>1 2027-01-15T08:00:00.005Z gate1 doorward 7 outcome [doorward@32473 seq=\"3\" \
             action=\"listLeads\" result=\"success\" user=\"a\\\"b\\]c\\\\d\"] \
             {\"seq\":3,\"timestamp\":\"2027-01-15T08:00:00.005Z\",\"kind\":\"outcome\",\
             \"action\":\"listLeads\",\"result\":\"success\",\"user\":\"a\\\"b]c\\\\d\"}"
        );
    }

    #[test]
    fn an_entry_that_is_too_large_goes_without_its_metadata() {
        let mut large = entry();
        large
            .metadata
            .insert("x".to_owned(), "y".repeat(9000).into());
        let text = String::from_utf8(message(8192).of(&large)).unwrap();
        assert!(text.len() < 1000 && text.contains("\"metadata\":{\"truncated\":true}"));
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_header_or_the_json(user in any::<String>(), kind in any::<String>()) {
            let entry = Entry { user: Some(user.clone()), kind, ..entry() };
            let text = String::from_utf8(message(1 << 20).of(&entry)).unwrap();
            let begin = text.find("[doorward@32473 ").unwrap();
            prop_assert_eq!(text[..begin].split(' ').count(), 7);
            let (mut end, mut escaped, mut quoted) = (begin, false, false);
            for (at, char) in text[begin..].char_indices() {
                match char {
                    '"' if !escaped => quoted = !quoted,
                    ']' if !quoted => { end = begin + at; break }
                    _ => {}
                }
                escaped = char == '\\' && !escaped;
            }
            let json = &text[end + 2..];
            prop_assert!(json.is_ascii());
            let read: Entry = serde_json::from_str(json).unwrap();
            prop_assert_eq!(read.user, Some(user));
        }
    }
}
