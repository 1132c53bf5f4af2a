//! What the sandbox remembers of the traffic: requests received, and how many at a time.

use std::collections::{BTreeMap, HashMap, VecDeque};

use doorward_catalog::Op;
use http::HeaderMap;
use serde_json::{Map, Value, json};

use crate::clock::{self, Millis};
use crate::limiter::Window;
use crate::request::{Incoming, Outgoing};

/// Requests that are remembered.
const RECEIVED_MAX: usize = 10_000;
/// Bytes of a target, and of all its headers, that are remembered.
const TEXT_MAX: usize = 2_048;

/// What was made of a request.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) op: Option<Op>,
    /// The key's workspace.
    pub(crate) workspace: Option<String>,
    /// The workspace acted on, where it is another.
    pub(crate) acted_on: Option<String>,
    /// The key's id, if the key is known.
    pub(crate) key_id: Option<String>,
    /// Whether a key was presented at all.
    pub(crate) key_given: bool,
}

#[derive(Debug)]
struct Received {
    number: u64,
    at: Millis,
    method: Box<str>,
    target: Box<str>,
    trace: Trace,
    status: u16,
    address: Box<str>,
    headers: Box<str>,
    body_bytes: usize,
}

/// The last requests, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Log {
    next: u64,
    entries: VecDeque<Received>,
}

impl Log {
    pub(crate) fn note(&mut self, request: &Incoming, answer: &Outgoing, trace: Trace, at: Millis) {
        if self.entries.len() >= RECEIVED_MAX {
            self.entries.pop_front();
        }
        self.next += 1;
        self.entries.push_back(Received {
            number: self.next,
            at,
            method: cut(&request.method).into(),
            target: cut(&request.target).into(),
            trace,
            status: answer.status,
            address: cut(&request.address).into(),
            headers: flatten(&request.headers).into(),
            body_bytes: request.body.len(),
        });
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }

    /// Entries after a number, oldest first, as JSON.
    pub(crate) fn list(&self, after: u64, limit: usize) -> Value {
        let from = self.entries.partition_point(|entry| entry.number <= after);
        let items: Vec<Value> = self
            .entries
            .range(from..)
            .take(limit)
            .map(Received::json)
            .collect();
        json!({ "items": items, "last": self.next })
    }
}

impl Received {
    fn json(&self) -> Value {
        let mut headers = Map::new();
        for line in self.headers.lines() {
            let (name, value) = line.split_once(": ").unwrap_or((line, ""));
            match headers.get_mut(name) {
                Some(Value::String(before)) => {
                    before.push_str(", ");
                    before.push_str(value);
                }
                _ => {
                    headers.insert(name.to_owned(), Value::from(value));
                }
            }
        }
        let path = self.target.split('?').next();
        json!({
            "number": self.number,
            "at": clock::text(self.at),
            "method": self.method,
            "path": path,
            "target": self.target,
            "operation": self.trace.op.map(Op::id),
            "workspace": self.trace.workspace,
            "as_workspace": self.trace.acted_on,
            "key_given": self.trace.key_given,
            "key_matched": self.trace.key_id.is_some(),
            "key_id": self.trace.key_id,
            "status": self.status,
            "address": self.address,
            "headers": headers,
            "body_bytes": self.body_bytes,
        })
    }
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(TEXT_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Headers as lines, without the key. Copied, because a header's bytes keep the connection's whole
/// buffer alive.
fn flatten(headers: &HeaderMap) -> String {
    let mut lines = String::with_capacity(256);
    for (name, value) in headers {
        if name == http::header::AUTHORIZATION {
            continue;
        }
        let value = String::from_utf8_lossy(value.as_bytes());
        if lines.len() + name.as_str().len() + value.len() > TEXT_MAX {
            break;
        }
        lines.push_str(name.as_str());
        lines.push_str(": ");
        lines.extend(value.chars().filter(|c| !c.is_control()));
        lines.push('\n');
    }
    lines
}

#[derive(Debug)]
struct Arrivals {
    requests: u64,
    second: Window,
    minute: Window,
}

impl Default for Arrivals {
    fn default() -> Arrivals {
        Arrivals {
            requests: 0,
            second: Window::new(1_000),
            minute: Window::new(60_000),
        }
    }
}

impl Arrivals {
    fn hit(&mut self, now: Millis) {
        self.requests += 1;
        self.second.hit(now);
        self.minute.hit(now);
    }

    fn json(&self) -> Value {
        json!({
            "requests": self.requests,
            "peak_per_second": self.second.peak(),
            "peak_per_minute": self.minute.peak(),
        })
    }
}

/// How many requests came: all, and by the workspace of their key.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    all: Arrivals,
    workspaces: HashMap<String, Arrivals>,
    statuses: BTreeMap<u16, u64>,
}

impl Stats {
    pub(crate) fn note(&mut self, workspace: Option<&str>, status: u16, now: Millis) {
        self.all.hit(now);
        *self.statuses.entry(status).or_default() += 1;
        let Some(id) = workspace else { return };
        match self.workspaces.get_mut(id) {
            Some(arrivals) => arrivals.hit(now),
            None => {
                let mut arrivals = Arrivals::default();
                arrivals.hit(now);
                self.workspaces.insert(id.to_owned(), arrivals);
            }
        }
    }

    pub(crate) fn json(&self) -> Value {
        let workspaces: Map<String, Value> = self
            .workspaces
            .iter()
            .map(|(id, arrivals)| (id.clone(), arrivals.json()))
            .collect();
        let statuses: Map<String, Value> = self
            .statuses
            .iter()
            .map(|(status, count)| (status.to_string(), Value::from(*count)))
            .collect();
        let mut all = self.all.json();
        if let Some(all) = all.as_object_mut() {
            all.insert("statuses".to_owned(), Value::Object(statuses));
            all.insert("workspaces".to_owned(), Value::Object(workspaces));
        }
        all
    }
}
