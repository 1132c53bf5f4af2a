//! What goes in and what comes out.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use serde_json::Value;

use crate::reply::Refusal;

/// Most bytes of a request's body.
pub const BODY_MAX: usize = 10 * 1024 * 1024;

/// A request as it came, nothing decoded.
#[derive(Clone, Default)]
pub struct Incoming {
    /// The method, as sent.
    pub method: String,
    /// Path and query, as sent.
    pub target: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; its first bytes when it is oversized.
    pub body: Bytes,
    /// Whether the body is longer than [`BODY_MAX`], so that it was not read whole.
    pub oversized: bool,
    /// The caller's IP address, as text.
    pub address: String,
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Headers carry the key.
        f.debug_struct("Incoming")
            .field("method", &self.method)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl Incoming {
    /// The path of the target.
    pub(crate) fn path(&self) -> &str {
        self.target.split(['?', '#']).next().unwrap_or_default()
    }

    /// The query of the target, raw.
    pub(crate) fn query(&self) -> &str {
        let whole = self.target.split('#').next().unwrap_or_default();
        whole.split_once('?').map_or("", |(_, query)| query)
    }

    /// A header's value, if it is text.
    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// An answer, and what is to go wrong while it is sent.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// How it is to be sent.
    pub fate: Fate,
}

/// How an answer is sent.
#[derive(Debug, Clone, Default)]
pub struct Fate {
    /// How long to wait first.
    pub delay: Duration,
    /// What then becomes of it.
    pub ending: Ending,
}

/// What becomes of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Ending {
    /// It arrives.
    #[default]
    Whole,
    /// The connection is closed before the first byte.
    Lost,
    /// The connection is reset after so many bytes of the body.
    Reset {
        /// Bytes.
        after: usize,
    },
    /// The body comes bit by bit.
    Slow {
        /// Bytes at a time.
        bytes: usize,
        /// Pause after each.
        pause: Duration,
    },
    /// The connection is closed so many bytes short of the length that was announced.
    Short {
        /// Bytes.
        missing: usize,
    },
}

impl Outgoing {
    /// An answer with a body of that content type.
    pub(crate) fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Outgoing {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Outgoing {
            status,
            headers,
            body: body.into(),
            fate: Fate::default(),
        }
    }

    /// A JSON answer.
    pub(crate) fn json(status: u16, body: &impl serde::Serialize) -> Outgoing {
        match serde_json::to_vec(body) {
            Ok(bytes) => Outgoing::new(status, "application/json; charset=utf-8", bytes),
            // Values have text keys and finite numbers, so this is never reached.
            Err(_) => Outgoing::new(500, "text/plain", "the sandbox can't write its answer"),
        }
    }

    /// `204`.
    pub(crate) fn empty() -> Outgoing {
        Outgoing {
            status: 204,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            fate: Fate::default(),
        }
    }

    /// The body as JSON; `null` when it is none.
    pub fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl From<Refusal> for Outgoing {
    fn from(refusal: Refusal) -> Outgoing {
        let mut outgoing = Outgoing::json(refusal.body.status_code, &refusal.body);
        if let Some(seconds) = refusal.retry_after {
            outgoing
                .headers
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        outgoing
    }
}
