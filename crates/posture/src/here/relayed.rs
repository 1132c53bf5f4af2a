//! Where webhooks come in.

use doorward_policy::Timestamp;

use crate::live::Seen;

/// A source: Doorward's receiving end of a subscription.
#[derive(Debug, Clone)]
pub struct SourceFacts {
    /// Doorward's id of it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it is reached from outside, whole.
    pub url: String,
    /// Instantly's id of the subscription; none for a source that something else sends to.
    pub subscription: Option<String>,
    /// The networks that deliveries may come from; any when there are none.
    pub allow: Vec<String>,
    /// When the secret in force was made.
    pub secret_made_at: Option<Timestamp>,
    /// Up to when what Instantly sent was held against what came; none when it never was.
    pub reconciled_to: Seen<Option<Timestamp>>,
    /// The events in quarantine.
    pub quarantined: Seen<Quarantined>,
    /// The event types that destinations take of it; none when one takes them all.
    pub used_types: Option<Vec<String>>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Events in quarantine, by when they came.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quarantined {
    /// In the last day.
    pub today: u64,
    /// In the day before.
    pub yesterday: u64,
}
