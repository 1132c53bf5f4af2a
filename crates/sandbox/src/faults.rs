//! Faults on demand.

use std::time::Duration;

use doorward_catalog::Op;
use http::{HeaderValue, header};
use serde::{Deserialize, Serialize};

use crate::reply::Refusal;
use crate::request::{Ending, Outgoing};

/// Most faults that are held.
const FAULTS_MAX: usize = 1_000;
/// Longest wait a fault brings.
const WAIT_MAX: u64 = 600_000;

/// A fault: what goes wrong, and for which requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// What goes wrong.
    #[serde(flatten)]
    pub effect: Effect,
    /// Only this operation's requests, by its `operationId`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Only requests whose path starts so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only requests with a key of this workspace, or that act on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
    /// How many requests it strikes yet; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Effect {
    /// The answer comes late.
    Latency {
        /// By so many ms.
        ms: u64,
    },
    /// The request is answered with a status, not handled.
    Status {
        /// 400 to 599.
        status: u16,
        /// The envelope's message.
        #[serde(default)]
        message: Option<String>,
    },
    /// The request is answered 429, not handled.
    Storm {
        /// Seconds for a `Retry-After` header.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// The request is handled, and the connection reset within the answer's body.
    Reset {
        /// After so many bytes.
        #[serde(default)]
        after_bytes: usize,
    },
    /// The answer's body comes bit by bit.
    SlowBody {
        /// Bytes at a time.
        bytes: usize,
        /// Pause after each, ms.
        pause_ms: u64,
    },
    /// The answer carries another content type.
    WrongContentType {
        /// That one.
        #[serde(default = "html")]
        content_type: String,
    },
    /// The request is handled, and the connection closed without an answer.
    LostResponse,
    /// The answer ends before the length it announced.
    Truncated {
        /// So many bytes short.
        missing_bytes: usize,
    },
}

fn html() -> String {
    "text/html".to_owned()
}

/// The request a fault is looked up for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Target<'r> {
    pub(crate) op: Option<Op>,
    pub(crate) path: &'r str,
    /// The key's workspace and the one that is acted on.
    pub(crate) workspaces: [Option<&'r str>; 2],
}

impl Fault {
    fn strikes(&self, target: Target<'_>) -> bool {
        let operation = self.operation.as_deref();
        let path = self.path.as_deref();
        let workspace = self.workspace.as_deref();
        operation.is_none_or(|id| target.op.is_some_and(|op| op.id() == id))
            && path.is_none_or(|start| target.path.starts_with(start))
            && workspace.is_none_or(|id| target.workspaces.contains(&Some(id)))
    }
}

/// The faults that are set.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    list: Vec<Fault>,
}

impl Faults {
    pub(crate) fn list(&self) -> &[Fault] {
        &self.list
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
    }

    /// Sets one more.
    ///
    /// # Errors
    /// When there are too many, or it makes no sense.
    pub(crate) fn add(&mut self, fault: Fault) -> Result<(), &'static str> {
        match fault.effect {
            _ if self.list.len() >= FAULTS_MAX => return Err("too many faults"),
            Effect::Status { status, .. } if !(400..600).contains(&status) => {
                return Err("a fault's status is 400 to 599");
            }
            Effect::SlowBody { bytes: 0, .. } => {
                return Err("a slow body has some bytes at a time");
            }
            Effect::WrongContentType { ref content_type }
                if HeaderValue::from_str(content_type).is_err() =>
            {
                return Err("the content type is no header value");
            }
            _ => {}
        }
        if let Some(id) = &fault.operation
            && Op::from_id(id).is_none()
        {
            return Err("the API has no such operation");
        }
        self.list.push(fault);
        Ok(())
    }

    /// What strikes this request. Each fault that does has one less to strike.
    pub(crate) fn strike(&mut self, target: Target<'_>) -> Vec<Effect> {
        if self.list.is_empty() {
            return Vec::new();
        }
        let mut struck = Vec::new();
        for fault in self.list.iter_mut().filter(|fault| fault.strikes(target)) {
            match &mut fault.count {
                Some(0) => continue,
                Some(count) => *count -= 1,
                None => {}
            }
            struck.push(fault.effect.clone());
        }
        self.list.retain(|fault| fault.count != Some(0));
        struck
    }
}

/// The refusal that stands in for an answer, if one of the effects is one.
pub(crate) fn refusal(effects: &[Effect]) -> Option<Refusal> {
    effects.iter().find_map(|effect| match effect {
        Effect::Status { status, message } => {
            let message = message.as_deref().unwrap_or("a fault was asked for");
            Some(Refusal::new(*status, message))
        }
        Effect::Storm { retry_after } => {
            let mut refusal = Refusal::new(429, "Rate limit exceeded");
            refusal.retry_after = *retry_after;
            Some(refusal)
        }
        _ => None,
    })
}

/// Puts on an answer what is to become of it: waits add up, of endings the first counts.
pub(crate) fn spoil(outgoing: &mut Outgoing, effects: &[Effect]) {
    for effect in effects {
        let ending = match effect {
            Effect::Latency { ms } => {
                let wait = Duration::from_millis((*ms).min(WAIT_MAX));
                outgoing.fate.delay = outgoing.fate.delay.saturating_add(wait);
                continue;
            }
            Effect::WrongContentType { content_type } => {
                if let Ok(value) = HeaderValue::from_str(content_type) {
                    outgoing.headers.insert(header::CONTENT_TYPE, value);
                }
                continue;
            }
            Effect::Status { .. } | Effect::Storm { .. } => continue,
            Effect::Reset { after_bytes } => Ending::Reset {
                after: *after_bytes,
            },
            Effect::SlowBody { bytes, pause_ms } => Ending::Slow {
                bytes: *bytes,
                pause: Duration::from_millis((*pause_ms).min(WAIT_MAX)),
            },
            Effect::LostResponse => Ending::Lost,
            Effect::Truncated { missing_bytes } => Ending::Short {
                missing: *missing_bytes,
            },
        };
        if outgoing.fate.ending == Ending::Whole {
            outgoing.fate.ending = ending;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fault(value: serde_json::Value) -> Fault {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_fault_strikes_what_it_names_so_often() {
        let mut faults = Faults::default();
        let of = |value| fault(value);
        faults
            .add(of(
                json!({"kind": "storm", "operation": "listLeads", "count": 2}),
            ))
            .unwrap();
        faults
            .add(of(
                json!({"kind": "latency", "ms": 5, "path": "/api/v2/leads", "workspace": "w"}),
            ))
            .unwrap();
        let target = |op, workspace| Target {
            op: Some(op),
            path: op_path(op),
            workspaces: [Some(workspace), None],
        };
        fn op_path(op: Op) -> &'static str {
            op.facts().path
        }
        let storm = Effect::Storm { retry_after: None };
        let late = Effect::Latency { ms: 5 };
        assert_eq!(
            faults.strike(target(Op::ListLeads, "w")),
            [storm.clone(), late.clone()]
        );
        assert_eq!(faults.strike(target(Op::ListLeads, "v")), [storm]);
        assert_eq!(faults.strike(target(Op::ListLeads, "v")), []);
        assert_eq!(faults.strike(target(Op::CreateLead, "w")), [late]);
        assert_eq!(faults.strike(target(Op::ListEmail, "w")), []);
        assert_eq!(faults.list().len(), 1);
    }

    #[test]
    fn a_senseless_fault_is_refused() {
        let mut faults = Faults::default();
        for bad in [
            json!({"kind": "status", "status": 200}),
            json!({"kind": "slow_body", "bytes": 0, "pause_ms": 1}),
            json!({"kind": "wrong_content_type", "content_type": "a\nb"}),
            json!({"kind": "storm", "operation": "flyAway"}),
        ] {
            assert!(faults.add(fault(bad.clone())).is_err(), "{bad}");
        }
    }
}
