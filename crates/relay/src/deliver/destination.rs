//! Where events are delivered, and how.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use doorward_webhook::{BreakerSettings, Filter, RetryPlan, Signer};
use http::Uri;
use ipnet::IpNet;
use secrecy::SecretString;

use super::header::HeaderTemplate;
use super::tls::{ClientIdentity, Trust};
use crate::events::Event;

/// A condition on events beyond types, campaigns and workspaces.
pub trait Want: Send + Sync {
    /// Whether an event is wanted; its body is at hand.
    fn wants(&self, event: &Event) -> bool;
}

/// A destination as it is delivered to: settings with every secret in them.
#[derive(Clone)]
pub struct Destination {
    /// Its number, never given again.
    pub number: i64,
    /// Changes with anything of this: what runs with another is begun anew.
    pub version: u64,
    /// Its name, for what is told.
    pub name: String,
    /// Whether it is delivered to. One that is not keeps its place, and what it is owed.
    pub active: bool,
    /// `https://host[:port]/path?query`. `http` goes to the networks in [`allow`](Self::allow)
    /// alone.
    pub url: Uri,
    /// What it wants.
    pub filter: Filter,
    /// What else an event must be.
    pub condition: Option<Arc<dyn Want>>,
    /// Whether it gets our own envelope, in the place of the payload as it was received.
    pub normalised: bool,
    /// Headers that are added.
    pub headers: Vec<HeaderTemplate>,
    /// What deliveries are signed with.
    pub signer: Option<Signer>,
    /// What else must not be kept of an answer: secrets of the headers and of the signer.
    pub secrets: Vec<SecretString>,
    /// Whether the events of one lead are delivered one after the other.
    pub in_order: bool,
    /// Most attempts under way at once.
    pub concurrency: usize,
    /// Most attempts begun in a second; none for as many as go.
    pub rate: Option<u32>,
    /// How long an attempt may take, from the name to the end of the answer.
    pub timeout: Duration,
    /// When it is tried again.
    pub plan: RetryPlan,
    /// Statuses for which it is not tried again.
    pub permanent: Vec<u16>,
    /// When it is left alone.
    pub breaker: BreakerSettings,
    /// Networks that are reached though they are not of the public internet.
    pub allow: Vec<IpNet>,
    /// Whose certificates are trusted.
    pub trust: Trust,
    /// The certificate that it is shown.
    pub identity: Option<ClientIdentity>,
    /// After which event deliveries begin, of one that has not begun: 0 is all that there are;
    /// `None` is what comes from now on.
    pub begin_after: Option<i64>,
}

/// Why a destination can't be delivered to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DestinationFault {
    /// Its address is none.
    #[error("its address is not https://host[:port]/path")]
    Url,
    /// It is an address of a network that is not allowed.
    #[error(
        "its address is of a private network; allow that network if it is meant, or use another"
    )]
    Private,
    /// Its certificates can't be used.
    #[error(transparent)]
    Tls(#[from] super::tls::TlsFault),
}

impl Destination {
    /// One with the usual settings: everything, as it was received, to be signed by nobody.
    pub fn new(number: i64, name: &str, url: Uri) -> Self {
        Self {
            number,
            version: 1,
            name: name.to_owned(),
            active: true,
            url,
            filter: Filter::default(),
            condition: None,
            normalised: false,
            headers: Vec::new(),
            signer: None,
            secrets: Vec::new(),
            in_order: false,
            concurrency: 16,
            rate: None,
            timeout: Duration::from_secs(20),
            plan: RetryPlan::default(),
            permanent: Vec::new(),
            breaker: BreakerSettings::default(),
            allow: Vec::new(),
            trust: Trust::System,
            identity: None,
            begin_after: None,
        }
    }

    /// Whether it can be spoken to as it is set: its address, and its TLS. Nothing is connected to.
    ///
    /// # Errors
    /// Why it can't.
    pub fn check(&self) -> Result<(), DestinationFault> {
        super::client::Client::new(self, Arc::new(super::reach::SystemNames)).map(drop)
    }

    /// Whether it wants an event. None in quarantine is wanted by anybody.
    pub fn wants(&self, event: &Event) -> bool {
        event.quarantined.is_none()
            && self.filter.wants(
                &event.event_type,
                event.campaign.as_deref(),
                &event.workspace,
            )
            && self
                .condition
                .as_ref()
                .is_none_or(|condition| condition.wants(event))
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its address may hold a token.
        write!(f, "Destination({}, {})", self.number, self.name)
    }
}
