//! Where alerts go, and which of them.

mod slack;
mod smtp;
mod webhook;

use std::collections::BTreeSet;
use std::time::Duration;

use doorward_policy::Timestamp;
use secrecy::SecretString;

use crate::error::{AlertError, Result};
use crate::kind::{AlertKind, Severity};
use crate::post::{Message, Missed};

pub use smtp::{Smtp, SmtpTls};

/// One channel.
#[derive(Debug, Clone)]
pub struct ChannelConfig {
    /// Its name.
    pub name: String,
    /// Where it leads.
    pub kind: ChannelKind,
    /// Which alerts go there.
    pub route: Route,
    /// Most messages in an hour; critical ones have as many places again.
    pub per_hour: usize,
    /// Longest time for one attempt, connecting included.
    pub timeout: Duration,
}

impl ChannelConfig {
    /// Everything from warnings on, sixty messages an hour.
    pub fn new(name: &str, kind: ChannelKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            route: Route::default(),
            per_hour: 60,
            timeout: Duration::from_secs(10),
        }
    }
}

/// Where a channel leads.
#[derive(Debug, Clone)]
pub enum ChannelKind {
    /// An endpoint of one's own, by Standard Webhooks.
    Webhook(WebhookChannel),
    /// Slack, or what takes its webhooks: Mattermost, Rocket.Chat, Discord's `/slack`.
    Slack(SlackChannel),
    /// Mail. Boxed, since it is much larger.
    Smtp(Box<Smtp>),
}

/// An endpoint that takes signed messages by `POST`.
#[derive(Debug, Clone)]
pub struct WebhookChannel {
    /// `https://…`; `http://` to this machine alone. It is not shown: it may hold a token.
    pub url: SecretString,
    /// Signs each message: `whsec_` and base64 of 24 to 64 bytes.
    pub secret: SecretString,
    /// Trust these certificate authorities (PEM) instead of the system's.
    pub ca: Option<Vec<u8>>,
}

/// An incoming webhook of Slack's kind.
#[derive(Debug, Clone)]
pub struct SlackChannel {
    /// `https://…`; `http://` to this machine alone. It is a secret.
    pub url: SecretString,
    /// Trust these certificate authorities (PEM) instead of the system's.
    pub ca: Option<Vec<u8>>,
}

/// Which alerts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Those at least as bad as this.
    pub from: Severity,
    /// Those of these kinds; with none, of all.
    pub kinds: BTreeSet<AlertKind>,
}

impl Default for Route {
    fn default() -> Self {
        Self {
            from: Severity::Warning,
            kinds: BTreeSet::new(),
        }
    }
}

impl Route {
    /// Whether an alert goes there.
    pub fn takes(&self, kind: AlertKind, severity: Severity) -> bool {
        severity >= self.from && (self.kinds.is_empty() || self.kinds.contains(&kind))
    }
}

/// A channel that can be sent to.
pub(crate) struct Channel {
    pub(crate) name: String,
    pub(crate) route: Route,
    pub(crate) per_hour: usize,
    way: Way,
}

enum Way {
    Webhook(webhook::Webhook),
    Slack(slack::Slack),
    Smtp(Box<smtp::Mailer>),
}

impl Channel {
    /// Says what does not fit, without showing it.
    pub(crate) fn new(config: ChannelConfig) -> Result<Self> {
        let timeout = config.timeout;
        let way = match config.kind {
            ChannelKind::Webhook(kind) => webhook::Webhook::new(&kind, timeout).map(Way::Webhook),
            ChannelKind::Slack(kind) => slack::Slack::new(&kind, timeout).map(Way::Slack),
            ChannelKind::Smtp(kind) => {
                smtp::Mailer::new(*kind, timeout).map(|mailer| Way::Smtp(Box::new(mailer)))
            }
        };
        let way = way.map_err(|why| AlertError::Channel {
            channel: config.name.clone(),
            why,
        })?;
        Ok(Self {
            name: config.name,
            route: config.route,
            per_hour: config.per_hour,
            way,
        })
    }

    /// `webhook`, `slack` or `smtp`.
    pub(crate) const fn kind(&self) -> &'static str {
        match self.way {
            Way::Webhook(_) => "webhook",
            Way::Slack(_) => "slack",
            Way::Smtp(_) => "smtp",
        }
    }

    /// Sends a message, once; what the receiver answered.
    pub(crate) async fn send(
        &self,
        message: &Message,
        now: Timestamp,
    ) -> std::result::Result<String, Missed> {
        match &self.way {
            Way::Webhook(webhook) => webhook.send(message, now).await,
            Way::Slack(slack) => slack.send(message, now).await,
            Way::Smtp(mailer) => mailer.send(message).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_takes_what_is_bad_enough_and_of_its_kinds() {
        let all = Route::default();
        assert!(all.takes(AlertKind::KeyDead, Severity::Warning));
        assert!(!all.takes(AlertKind::KeyDead, Severity::Info));
        let some = Route {
            from: Severity::High,
            kinds: [AlertKind::BreakGlass].into(),
        };
        assert!(some.takes(AlertKind::BreakGlass, Severity::Critical));
        assert!(!some.takes(AlertKind::BreakGlass, Severity::Warning));
        assert!(!some.takes(AlertKind::KeyDead, Severity::Critical));
    }
}
