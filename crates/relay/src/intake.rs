//! From a payload to the event that is taken in.

use bytes::Bytes;
use doorward_webhook::{Canonicaliser, EventKeys, Fault, Limits, Misfit, facts};
use ring::digest;

use crate::events::{EventKey, NewEvent, Origin, Quarantine};

/// Whose events they are.
#[derive(Debug, Clone, Copy)]
pub struct Of<'a> {
    /// Number of the source.
    pub source: i64,
    /// Instantly's id of its workspace.
    pub workspace: &'a str,
}

/// Makes events of payloads, one after the other, in the same memory.
#[derive(Debug)]
pub struct Intake {
    keys: EventKeys,
    canonicaliser: Canonicaliser,
    limits: Limits,
}

impl Intake {
    /// Under the keys of a store; payloads have at most so many bytes.
    pub fn new(keys: EventKeys, bytes: usize) -> Self {
        Self {
            keys,
            canonicaliser: Canonicaliser::default(),
            limits: Limits {
                bytes,
                ..Limits::default()
            },
        }
    }

    /// The event of a payload. What does not fit comes out quarantined, never refused: whoever sent it
    /// proved who it is.
    pub fn event(&mut self, of: Of<'_>, body: Bytes, received_ms: i64, origin: Origin) -> NewEvent {
        let found = match self.canonicaliser.run(&body, &self.limits) {
            Ok(payload) => {
                let key = EventKey::new(self.keys.of_event(of.workspace, payload));
                match facts(payload) {
                    Ok(facts) => {
                        let other = facts.belongs_to(of.workspace).err();
                        (key, Some(facts), other.map(misfit))
                    }
                    Err(fault) => (key, None, Some(misfit(fault))),
                }
            }
            Err(fault) => {
                let key = EventKey::new(self.keys.of_bytes(of.workspace, &body));
                (key, None, Some(unfit(fault)))
            }
        };
        let (key, facts, quarantined) = found;
        let event = NewEvent {
            quarantined,
            ..blank(of, key, received_ms, origin, body)
        };
        // Quarantined or not, a person is a person: the body is sealed under that key.
        match facts {
            Some(facts) => NewEvent {
                event_type: facts.event_type,
                campaign: facts.campaign.or(facts.campaign_name),
                lead: facts.lead,
                event_ms: facts.at.map(|at| at.millis()),
                ..event
            },
            None => event,
        }
    }

    /// An event that is kept apart for what was seen of it before its body was read: the body as far as
    /// it is kept, and SHA-256 of all of it where that is more.
    pub fn apart(
        &self,
        of: Of<'_>,
        (kept, whole): (Bytes, Option<[u8; 32]>),
        received_ms: i64,
        why: Quarantine,
    ) -> NewEvent {
        let key = match whole {
            Some(sha256) => self.keys.of_hash(of.workspace, &sha256),
            None => self.keys.of_bytes(of.workspace, &kept),
        };
        NewEvent {
            quarantined: Some(why),
            ..blank(of, EventKey::new(key), received_ms, Origin::Webhook, kept)
        }
    }
}

fn blank(of: Of<'_>, key: EventKey, received_ms: i64, origin: Origin, body: Bytes) -> NewEvent {
    NewEvent {
        key,
        source: of.source,
        workspace: of.workspace.to_owned(),
        event_type: String::new(),
        campaign: None,
        lead: None,
        event_ms: None,
        received_ms,
        origin,
        quarantined: None,
        body,
    }
}

/// SHA-256 of a body that is not kept whole.
#[derive(Clone)]
pub struct Hashing(digest::Context);

impl Default for Hashing {
    fn default() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }
}

impl Hashing {
    /// Takes more of it.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash.
    pub fn finish(self) -> [u8; 32] {
        let mut hash = [0; 32];
        let digest = self.0.finish();
        hash.iter_mut()
            .zip(digest.as_ref())
            .for_each(|(to, from)| *to = *from);
        hash
    }
}

fn unfit(fault: Fault) -> Quarantine {
    match fault {
        Fault::TooLong => Quarantine::TooLarge,
        Fault::TooDeep | Fault::TooMany => Quarantine::TooDeep,
        Fault::SameName => Quarantine::DuplicateMember,
        _ => Quarantine::NotJson,
    }
}

fn misfit(misfit: Misfit) -> Quarantine {
    match misfit {
        Misfit::NotAnObject => Quarantine::NotAnObject,
        Misfit::NoWorkspace | Misfit::OtherWorkspace => Quarantine::OtherWorkspace,
        _ => Quarantine::NoType,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORKSPACE: &str = "0195f3a2-1b2c-7d3e-8f40-5a6b00000001";

    fn made(body: &str) -> NewEvent {
        let mut intake = Intake::new(EventKeys::new(&[7; 32]), 1024);
        let of = Of {
            source: 3,
            workspace: WORKSPACE,
        };
        intake.event(
            of,
            Bytes::copy_from_slice(body.as_bytes()),
            5,
            Origin::Webhook,
        )
    }

    #[test]
    fn facts_are_read_and_spelling_does_not_matter() {
        let one = made(&format!(
            r#"{{"event_type":"reply_received","workspace":"{WORKSPACE}","lead_email":"Ann@Example.com",
            "campaign_id":"c1","timestamp":"2026-03-02T10:00:00.000Z","n":1.0}}"#
        ));
        assert_eq!((&*one.event_type, one.source), ("reply_received", 3));
        assert_eq!(one.lead.as_deref(), Some("ann@example.com"));
        assert_eq!(one.campaign.as_deref(), Some("c1"));
        assert_eq!(one.event_ms, Some(1_772_445_600_000));
        assert_eq!(one.quarantined, None);
        let other = made(&format!(
            r#"{{ "n":1.0, "workspace":"{WORKSPACE}", "campaign_id":"c1","event_type":"reply\u005freceived",
            "timestamp":"2026-03-02T10:00:00.000Z", "lead_email":"Ann@Example.com" }}"#
        ));
        assert_eq!(one.key, other.key);
    }

    #[test]
    fn what_does_not_fit_is_kept_apart_and_says_why() {
        let deep = format!("{}{}", "[".repeat(60), "]".repeat(60));
        let long = format!("\"{}\"", "x".repeat(2_000));
        let other = r#"{"event_type":"x","workspace":"0195f3a2-1b2c-7d3e-8f40-5a6b00000002"}"#;
        for (body, why) in [
            ("", Quarantine::NotJson),
            ("event=x", Quarantine::NotJson),
            ("[]", Quarantine::NotAnObject),
            (r#"{"a":1,"a":2}"#, Quarantine::DuplicateMember),
            (&deep, Quarantine::TooDeep),
            (&long, Quarantine::TooLarge),
            ("{}", Quarantine::NoType),
            (other, Quarantine::OtherWorkspace),
        ] {
            let event = made(body);
            assert_eq!(event.quarantined, Some(why), "{body}");
            assert_eq!(event.body, body.as_bytes());
            assert_eq!(event.key, made(body).key);
        }
        let body = r#"{"event_type":"x","workspace":"another","email":"ann@example.com"}"#;
        let event = made(body);
        assert_eq!(event.quarantined, Some(Quarantine::OtherWorkspace));
        assert_eq!(event.lead.as_deref(), Some("ann@example.com"));
    }
}
