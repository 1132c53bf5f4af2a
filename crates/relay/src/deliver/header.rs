//! Headers that are added to deliveries, with what is known of the event in them.

use std::fmt;

use http::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use crate::events::Event;

/// Headers that are the delivery's own.
const OWN: [&str; 14] = [
    "host",
    "content-length",
    "content-type",
    "content-encoding",
    "transfer-encoding",
    "connection",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "keep-alive",
    "proxy-connection",
    "proxy-authorization",
    "user-agent",
];
const OWN_PREFIX: &str = "webhook-";

/// A header that is added: `{id}`, `{type}`, `{workspace}`, `{campaign}`, `{origin}` and `{attempt}`
/// in its value stand for what they say of the event; `{{` is a brace.
#[derive(Clone)]
pub struct HeaderTemplate {
    name: HeaderName,
    parts: Vec<Part>,
}

#[derive(Clone)]
enum Part {
    Text(SecretString),
    Id,
    Type,
    Workspace,
    Campaign,
    Origin,
    Attempt,
}

/// Why a header can't be added.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderFault {
    /// Its name is none.
    #[error("'{0}' is no name of a header")]
    Name(String),
    /// Doorward sets it.
    #[error("'{0}' is set by Doorward")]
    Own(String),
    /// Its value has characters that a header can't have.
    #[error("the value of '{0}' has characters that a header can't have")]
    Value(String),
    /// Its value names something that is not known.
    #[error(
        "the value of '{0}' has a brace that stands for nothing; there are {{id}}, {{type}}, \
         {{workspace}}, {{campaign}}, {{origin}} and {{attempt}}, and {{{{ is a brace"
    )]
    Placeholder(String),
}

impl HeaderTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it; the value is in no error, for it may be a secret.
    pub fn parse(name: &str, value: &SecretString) -> Result<Self, HeaderFault> {
        let name: HeaderName = name
            .parse()
            .map_err(|_| HeaderFault::Name(doorward_catalog::shown(name)))?;
        if OWN.contains(&name.as_str()) || name.as_str().starts_with(OWN_PREFIX) {
            return Err(HeaderFault::Own(name.to_string()));
        }
        let text = value.expose_secret();
        if HeaderValue::from_str(text).is_err() {
            return Err(HeaderFault::Value(name.to_string()));
        }
        let parts = parts(text).ok_or_else(|| HeaderFault::Placeholder(name.to_string()))?;
        Ok(Self { name, parts })
    }

    /// The header for an attempt with an event.
    pub(super) fn fill(&self, event: &Event, attempt: u32) -> Option<(HeaderName, HeaderValue)> {
        let mut value = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => value.push_str(text.expose_secret()),
                Part::Id => value.push_str(&event.id.to_string()),
                Part::Type => escape(&mut value, &event.event_type),
                Part::Workspace => escape(&mut value, &event.workspace),
                Part::Campaign => escape(&mut value, event.campaign.as_deref().unwrap_or_default()),
                Part::Origin => value.push_str(event.origin.as_str()),
                Part::Attempt => value.push_str(&attempt.to_string()),
            }
        }
        let mut value = HeaderValue::try_from(value).ok()?;
        value.set_sensitive(true);
        Some((self.name.clone(), value))
    }
}

impl fmt::Debug for HeaderTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeaderTemplate({})", self.name)
    }
}

fn parts(mut text: &str) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    let mut plain = String::new();
    while let Some((before, after)) = text.split_once('{') {
        plain.push_str(before);
        if let Some(rest) = after.strip_prefix('{') {
            plain.push('{');
            text = rest;
            continue;
        }
        let (name, rest) = after.split_once('}')?;
        let part = match name {
            "id" => Part::Id,
            "type" => Part::Type,
            "workspace" => Part::Workspace,
            "campaign" => Part::Campaign,
            "origin" => Part::Origin,
            "attempt" => Part::Attempt,
            _ => return None,
        };
        if !plain.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut plain).into()));
        }
        parts.push(part);
        text = rest;
    }
    plain.push_str(text);
    if !plain.is_empty() {
        parts.push(Part::Text(plain.into()));
    }
    Some(parts)
}

/// Adds what somebody else chose: visible ASCII and spaces as they are, all else by percent.
fn escape(value: &mut String, text: &str) {
    for byte in text.bytes() {
        if (byte.is_ascii_graphic() || byte == b' ') && byte != b'%' {
            value.push(char::from(byte));
        } else {
            value.push_str(&format!("%{byte:02X}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{Body, EventId, Origin};

    fn event() -> Event {
        Event {
            seq: 1,
            id: EventId::from_bytes([7; 16]),
            source: 1,
            workspace: "w1".into(),
            event_type: "Sehr heiß\r\nX: 1 100%".into(),
            campaign: None,
            subject: None,
            event_ms: None,
            received_ms: 0,
            origin: Origin::Backfill,
            quarantined: None,
            size: 0,
            body: Body::NotRead,
        }
    }

    fn filled(value: &str) -> Result<String, HeaderFault> {
        let template = HeaderTemplate::parse("X-A", &value.into())?;
        let (name, value) = template.fill(&event(), 3).unwrap();
        assert_eq!(name, "x-a");
        Ok(value.to_str().unwrap().to_owned())
    }

    #[test]
    fn what_is_known_of_the_event_stands_in_it() {
        assert_eq!(
            filled("{id}/{workspace}/{campaign}/{origin}").unwrap(),
            format!("evt_{}/w1//backfill", "07".repeat(16))
        );
        assert_eq!(filled("plain {{x}} {attempt}").unwrap(), "plain {x}} 3");
        assert_eq!(
            filled("{type}").unwrap(),
            "Sehr hei%C3%9F%0D%0AX: 1 100%25",
            "nobody adds a header by the name of a label"
        );
        assert_eq!(filled("").unwrap(), "");
    }

    #[test]
    fn what_stands_for_nothing_or_is_our_own_is_refused() {
        for bad in ["{", "{nothing}", "a {id", "{}"] {
            let fault = filled(bad).unwrap_err();
            assert!(matches!(fault, HeaderFault::Placeholder(_)), "{bad}");
        }
        assert!(matches!(filled("a\nb"), Err(HeaderFault::Value(_))));
        for own in ["Host", "webhook-id", "Content-Length", "Connection"] {
            let fault = HeaderTemplate::parse(own, &"x".into()).unwrap_err();
            assert!(matches!(fault, HeaderFault::Own(_)), "{own}");
        }
        assert!(HeaderTemplate::parse("a b", &"x".into()).is_err());
    }
}
