//! What is done with a body once it is there: proved, read, made an event of.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use doorward_webhook::{EventKeys, Verified};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use super::read::Proof;
use super::source::Source;
use crate::events::{NewEvent, Origin, Quarantine};
use crate::intake::Intake;

/// Bodies above this are hashed and parsed apart from what serves connections.
const HEAVY: usize = 256 * 1024;

/// What makes events, as many as are made at once.
#[derive(Debug)]
pub(super) struct Intakes {
    keys: EventKeys,
    bytes: usize,
    idle: Mutex<Vec<Intake>>,
}

impl Intakes {
    pub(super) fn new(keys: EventKeys, bytes: usize) -> Self {
        Self {
            keys,
            bytes,
            idle: Mutex::default(),
        }
    }

    /// Does something with one that nobody else has. One that had a large body in it is let go, and
    /// its memory with it.
    pub(super) fn with<T>(&self, bytes: usize, work: impl FnOnce(&mut Intake) -> T) -> T {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut intake = idle.unwrap_or_else(|| Intake::new(self.keys.clone(), self.bytes));
        let made = work(&mut intake);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes <= HEAVY {
            idle.push(intake);
        }
        made
    }
}

/// What is to be done with a whole body.
pub(super) struct Work {
    pub(super) intakes: Arc<Intakes>,
    pub(super) source: Arc<Source>,
    pub(super) received_ms: i64,
    pub(super) proof: Proof,
    /// Whether it says that it is JSON, as it is.
    pub(super) readable: bool,
}

/// Why no event was made.
pub(super) enum Unmade {
    Refused(doorward_webhook::Why),
    Failed,
}

impl Work {
    /// Proves it where that is still to be done, and makes an event of it.
    pub(super) async fn run(self, body: Bytes) -> Result<(NewEvent, Verified), Unmade> {
        if body.len() <= HEAVY {
            return self.done(body);
        }
        let done = tokio::task::spawn_blocking(move || self.done(body));
        done.await.unwrap_or(Err(Unmade::Failed))
    }

    fn done(self, body: Bytes) -> Result<(NewEvent, Verified), Unmade> {
        let verified = match self.proof {
            Proof::Proved(verified) => verified,
            Proof::Open(pending) => pending
                .whole(&body)
                .map_err(|refused| Unmade::Refused(refused.why))?,
        };
        let (of, at) = (self.source.of(), self.received_ms);
        let event = self.intakes.with(body.len(), |intake| {
            if self.readable {
                intake.event(of, body, at, Origin::Webhook)
            } else {
                intake.apart(of, (body, None), at, Quarantine::ContentType)
            }
        });
        Ok((event, verified))
    }
}

/// Whether a body is to be read as JSON: it says so, or nothing, and is not packed.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let said = types.next();
    let plain = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .all(|coding| coding.as_bytes().eq_ignore_ascii_case(b"identity"));
    if types.next().is_some() || !plain {
        return false;
    }
    let Some(said) = said else { return true };
    let said = said.to_str().unwrap_or_default();
    let essence = said.split(';').next().unwrap_or_default().trim();
    let essence = essence.to_ascii_lowercase();
    essence == "application/json" || (essence.contains('/') && essence.ends_with("+json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_says_so_or_nothing() {
        let of = |pairs: &[(&str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                let name: http::HeaderName = name.parse().unwrap();
                headers.append(name, value.parse().unwrap());
            }
            is_json(&headers)
        };
        for good in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/a+json",
        ] {
            assert!(of(&[("content-type", good)]), "{good}");
        }
        assert!(of(&[]));
        for bad in ["text/plain", "", "json", "+json", "application/jsonp"] {
            assert!(!of(&[("content-type", bad)]), "{bad}");
        }
        let json = ("content-type", "application/json");
        assert!(!of(&[json, json]));
        assert!(!of(&[json, ("content-encoding", "gzip")]));
        assert!(of(&[json, ("content-encoding", "identity")]));
    }
}
