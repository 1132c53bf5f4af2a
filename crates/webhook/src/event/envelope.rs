//! Our own envelope around an event: `type`, `timestamp` and `data`, as Standard Webhooks advise.

use doorward_catalog::event::subscribed_name;
use doorward_policy::Timestamp;

use super::facts::{Facts, Form};
use crate::json::Canonical;

/// The name a type goes by in the envelope: that of the subscription which brings it. A click is
/// subscribed to as `email_link_clicked` and sent as `link_clicked`.
pub fn type_name(sent: &str) -> &str {
    subscribed_name(sent).unwrap_or(sent)
}

/// An event in our own envelope. `data` is the payload (of the enveloped form, what is in its
/// `data`), its numbers as they were sent. `sent_type` is there where the type goes by another name
/// than it was sent by: so the vendor's `link_clicked` and a label that somebody called
/// `email_link_clicked` are told apart. `timestamp` is the event's own time, or when it was
/// received.
pub fn normalised(facts: &Facts, payload: Canonical<'_>, received: Timestamp) -> Vec<u8> {
    let name = type_name(&facts.event_type);
    let data = match facts.form {
        Form::Flat => payload.bytes(),
        Form::Enveloped => payload
            .object()
            .and_then(|object| object.get("data"))
            .map_or(payload.bytes(), |data| data.bytes()),
    };
    let mut out = Vec::with_capacity(data.len() + 128);
    out.extend(b"{\"type\":");
    string(&mut out, name);
    if name != facts.event_type {
        out.extend(b",\"sent_type\":");
        string(&mut out, &facts.event_type);
    }
    out.extend(b",\"timestamp\":");
    string(&mut out, &facts.at.unwrap_or(received).to_string());
    out.extend(b",\"data\":");
    out.extend(data);
    out.push(b'}');
    out
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    crate::json::write_text(out, text);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::facts;
    use crate::json::{Canonicaliser, Limits};

    fn enveloped(payload: &str) -> String {
        let mut canonicaliser = Canonicaliser::default();
        let payload = canonicaliser
            .run(payload.as_bytes(), &Limits::default())
            .unwrap();
        let facts = facts(payload).unwrap();
        let out = normalised(&facts, payload, Timestamp::from_seconds(1_800_000_000));
        let out = String::from_utf8(out).unwrap();
        // It is JSON, one member a name.
        canonicaliser
            .run(out.as_bytes(), &Limits::default())
            .unwrap();
        out
    }

    #[test]
    fn a_click_and_a_label_of_its_name_are_told_apart() {
        assert_eq!(
            enveloped(
                r#"{"timestamp":"2026-08-13T11:11:58Z","event_type":"link_clicked","n":1.0}"#
            ),
            r#"{"type":"email_link_clicked","sent_type":"link_clicked","timestamp":"2026-08-13T11:11:58Z","data":{"event_type":"link_clicked","n":1.0,"timestamp":"2026-08-13T11:11:58Z"}}"#
        );
        assert_eq!(
            enveloped(r#"{"event_type":"email_link_clicked","n":1e400}"#),
            r#"{"type":"email_link_clicked","timestamp":"2027-01-15T08:00:00Z","data":{"event_type":"email_link_clicked","n":1e400}}"#
        );
    }

    #[test]
    fn the_data_of_an_envelope_stays_what_it_is() {
        assert_eq!(
            enveloped(r#"{"event_type":"a \"b\"\n","data":{"email":"a@b.c","x":[1,{"y":"}"}]}}"#),
            r#"{"type":"a \"b\"\n","timestamp":"2027-01-15T08:00:00Z","data":{"email":"a@b.c","x":[1,{"y":"}"}]}}"#
        );
    }
}
