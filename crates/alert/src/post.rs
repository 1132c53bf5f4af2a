//! What all channels have in common: one message, sent once, and what became of it.

use std::time::Duration;

use doorward_audit::web::Answer;
use doorward_policy::Timestamp;
use doorward_webhook::retry_after;
use http::header::RETRY_AFTER;

use crate::alert::Told;

/// Most bytes of an answer; nothing is made of it.
pub(crate) const ANSWER_MAX: usize = 64 * 1024;

/// A message as a channel gets it.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) told: Told,
    /// How many others the channel did not get, because they were too many.
    pub(crate) withheld: u64,
}

impl Message {
    /// What is said of those that were withheld.
    pub(crate) fn withheld_note(&self) -> Option<String> {
        (self.withheld > 0).then(|| {
            format!(
                "{} earlier alerts were not sent here, since there were too many; `doorward alert \
                 list` shows them",
                self.withheld
            )
        })
    }
}

/// Why a message did not arrive. Holds no address and no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missed {
    pub(crate) why: String,
    /// Whether it may arrive later; `None` within it when the receiver asked for no time.
    pub(crate) again: Option<Option<Duration>>,
}

impl Missed {
    pub(crate) fn later(why: impl std::fmt::Display) -> Self {
        Self {
            why: why.to_string(),
            again: Some(None),
        }
    }

    pub(crate) fn for_good(why: impl std::fmt::Display) -> Self {
        Self {
            why: why.to_string(),
            again: None,
        }
    }
}

/// What an answer over HTTP means: what it says, or why the message did not arrive.
pub(crate) fn judge(answer: &Answer, now: Timestamp) -> Result<String, Missed> {
    let status = answer.status.as_u16();
    if answer.status.is_success() {
        return Ok(format!("answered {status}"));
    }
    let why = format!("the receiver answered {status}");
    if answer.status.is_server_error() || matches!(status, 408 | 425 | 429) {
        let asked = answer.headers.get(RETRY_AFTER);
        let asked = asked.and_then(|value| value.to_str().ok());
        return Err(Missed {
            why,
            again: Some(asked.and_then(|value| retry_after(value, now))),
        });
    }
    Err(Missed::for_good(why))
}
