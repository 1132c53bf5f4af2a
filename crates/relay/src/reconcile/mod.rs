//! Fetching back what did not come: what Instantly lists as sent, and what can be told from e-mails and
//! leads where it lists nothing.

mod fill;
mod lookup;
mod rebuild;
mod rows;

use serde::{Deserialize, Serialize};

pub use fill::fill;
pub use rebuild::rebuild;

/// A span of time, in milliseconds of Unix time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// From then on.
    pub from_ms: i64,
    /// Until before then.
    pub to_ms: i64,
}

/// A source whose subscription is reconciled.
#[derive(Debug, Clone)]
pub struct Subscribed {
    /// Number of the source.
    pub source: i64,
    /// Instantly's id of its workspace.
    pub workspace: String,
    /// Where the subscription leads.
    pub url: String,
    /// What is subscribed to; none for a custom label.
    pub event: Option<String>,
    /// Only this campaign's, by id.
    pub campaign: Option<String>,
}

impl Subscribed {
    /// Whether the subscription is told of an event of this type and campaign.
    fn wants(&self, event_type: &str, campaign: Option<&str>) -> bool {
        use doorward_catalog::event::{ALL_EVENTS, delivered_name};
        let of_campaign = self.campaign.as_deref();
        let of_campaign = of_campaign.is_none_or(|wanted| campaign == Some(wanted));
        let of_type = self
            .event
            .as_deref()
            .is_some_and(|event| event == ALL_EVENTS || delivered_name(event) == event_type);
        of_campaign && of_type
    }
}

/// What a reconciliation found, in numbers of events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciled {
    /// Tries that Instantly lists for this source.
    pub tries: u64,
    /// Events of them that were here already.
    pub received: u64,
    /// Events that were taken in now, as Instantly lists them.
    pub recovered: u64,
    /// Events that were made of e-mails and leads.
    pub reconstructed: u64,
    /// Events that Instantly lists without a payload, and that are not here.
    pub unrecoverable: u64,
    /// The first of those.
    pub missing: Vec<Missing>,
    /// Whether everything was looked at: there may be more than is looked at at once.
    pub whole: bool,
}

/// An event that can't be fetched back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Instantly's id of its last try.
    pub webhook_event: String,
    /// When that was, in milliseconds of Unix time.
    pub at_ms: i64,
}

/// Most events that are told as missing one by one.
const MISSING_TOLD: usize = 100;

impl Reconciled {
    /// Adds what another found.
    pub fn add(&mut self, other: Self) {
        self.tries += other.tries;
        self.received += other.received;
        self.recovered += other.recovered;
        self.reconstructed += other.reconstructed;
        self.unrecoverable += other.unrecoverable;
        self.missing.extend(other.missing);
        self.missing.truncate(MISSING_TOLD);
        self.whole &= other.whole;
    }
}

/// Why a reconciliation ended before its end. What was taken in stays.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReconcileError {
    /// Instantly could not be asked.
    #[error("Instantly could not be asked: {0}")]
    Instantly(#[from] doorward_upstream::Error),
    /// An event could not be stored.
    #[error("an event could not be stored: {0}")]
    Take(#[from] crate::events::TakeError),
    /// The events could not be read.
    #[error("the events could not be read: {0}")]
    Read(#[from] crate::RelayError),
    /// The work was cut off.
    #[error("the work was cut off")]
    CutOff,
}
