//! An act before it is a leaf: people are named in clear, and nothing is sealed yet.

use std::sync::Arc;

use doorward_ledger::{
    Act, Body, CommitmentKey, Event, Leaf, LeafBytes, LeafId, Resource, Sealed, SubjectKey, Text,
};
use doorward_policy::Timestamp;
use serde_json::Value;

use crate::error::Result;
use crate::people::Person;
use crate::random::random_in_clear;

/// Most bytes of what is sealed as a whole (`inputs`, `claim`, `note`).
pub const SEALED_MAX: usize = 16 * 1024;
/// Most digits of a number that is kept in clear: a telephone number has more.
const DIGITS_MAX: usize = 6;
/// Hexadecimal digits of Doorward's own random ids.
const RANDOM_DIGITS: std::ops::RangeInclusive<usize> = 16..=32;

/// An act to be recorded. Whatever is about people goes through its methods, never into `act` or
/// `event` directly.
#[derive(Debug, Clone)]
pub struct Draft {
    /// When it happened.
    pub at: Timestamp,
    /// The act; its sealed members are set from what the methods were told.
    pub act: Act,
    /// The kind.
    pub event: Event,
    people: Vec<(Place, Person)>,
    body: Option<([u8; 32], u64)>,
    whole: Option<Whole>,
}

/// Where a person's value goes.
#[derive(Debug, Clone)]
enum Place {
    Actor,
    Source,
    Id(String),
}

/// What is sealed as a whole, and under whose key.
#[derive(Debug, Clone)]
struct Whole {
    value: Vec<u8>,
    whose: Person,
}

impl Draft {
    /// An act with nobody in it.
    pub const fn new(at: Timestamp, act: Act, event: Event) -> Self {
        Self {
            at,
            act,
            event,
            people: Vec::new(),
            body: None,
            whole: None,
        }
    }

    /// The acting person, sealed. Without an actor in `act`, nothing is set.
    #[must_use]
    pub fn person(mut self, person: Person) -> Self {
        self.people.push((Place::Actor, person));
        self
    }

    /// Where the call came from, sealed.
    #[must_use]
    pub fn source(mut self, address: std::net::IpAddr) -> Self {
        self.people.push((Place::Source, Person::at(address)));
        self
    }

    /// An id of what is acted on, by its parameter's name: in clear when it can't be anything but
    /// an id, else sealed.
    #[must_use]
    pub fn id(mut self, name: &str, value: &str) -> Self {
        match Self::person_behind(name, value) {
            Some(person) => self.people.push((Place::Id(name.to_owned()), person)),
            None => {
                let resource = self.act.resource.get_or_insert_with(Resource::default);
                resource
                    .ids
                    .insert(name.to_owned(), Text::Clear(value.to_owned()));
            }
        }
        self
    }

    /// Who an [`id`](Self::id) would be sealed for; `None` when it can't be anything but an id.
    pub fn person_behind(name: &str, value: &str) -> Option<Person> {
        (!is_plain_id(name, value)).then(|| Person::named(value))
    }

    /// The request's body: committed to under the month's key, never kept.
    #[must_use]
    pub fn body(mut self, sha256: [u8; 32], bytes: u64) -> Self {
        self.body = Some((sha256, bytes));
        self
    }

    /// The event's sealed text (an intent's or a decision's `inputs`, a claim's `claim`, a
    /// review's `note`), under the key of `whose`. At most [`SEALED_MAX`] bytes; more is left out.
    #[must_use]
    pub fn sealed(mut self, value: &Value, whose: Person) -> Self {
        let value = value.to_string().into_bytes();
        if value.len() <= SEALED_MAX {
            self.whole = Some(Whole { value, whose });
        }
        self
    }

    pub(crate) fn has_body(&self) -> bool {
        self.body.is_some()
    }

    /// Everybody whose key is needed.
    pub(crate) fn persons(&self) -> impl Iterator<Item = &Person> {
        let people = self.people.iter().map(|(_, person)| person);
        people.chain(self.whole.iter().map(|whole| &whole.whose))
    }

    /// The leaf. `keys` gives the key of each of [`persons`](Self::persons), in order.
    pub(crate) fn into_leaf(
        mut self,
        keys: &[Arc<SubjectKey>],
        commitments: Option<&CommitmentKey>,
    ) -> Result<(LeafId, LeafBytes)> {
        let id = LeafId::from_random(random_in_clear()?);
        let mut keys = keys.iter();
        for (place, person) in std::mem::take(&mut self.people) {
            let Some(key) = keys.next() else { break };
            let seal =
                |field: &str| person.with_value(|value| seal(key, id, field, value.as_bytes()));
            match place {
                Place::Actor => {
                    if let Some(actor) = &mut self.act.actor {
                        actor.person = Some(seal("actor.person")?);
                    }
                }
                Place::Source => self.act.source = Some(seal("source")?),
                Place::Id(name) => {
                    let sealed = seal(&format!("resource.{name}"))?;
                    let resource = self.act.resource.get_or_insert_with(Resource::default);
                    resource.ids.insert(name, Text::Sealed(sealed));
                }
            }
        }
        if let (Some((sha256, bytes)), Some(key)) = (self.body, commitments) {
            set_body(
                &mut self.event,
                Body {
                    bytes,
                    commitment: Some(key.commit(id, "body", &sha256)),
                },
            );
        }
        if let (Some(whole), Some(key)) = (self.whole, keys.next()) {
            set_whole(&mut self.event, |field| seal(key, id, field, &whole.value))?;
        }
        let leaf = Leaf::new(id, self.at, self.act, self.event).to_bytes()?;
        Ok((id, leaf))
    }
}

pub(crate) fn seal(key: &SubjectKey, leaf: LeafId, field: &str, value: &[u8]) -> Result<Sealed> {
    Ok(key.seal(leaf, field, value, random_in_clear()?)?)
}

fn set_body(event: &mut Event, new: Body) {
    match event {
        Event::Intent { body, .. } | Event::Outcome { body, .. } => *body = Some(new),
        Event::WebhookReceived { body, .. } | Event::WebhookQuarantined { body, .. } => *body = new,
        _ => {}
    }
}

fn set_whole(event: &mut Event, seal: impl Fn(&str) -> Result<Sealed>) -> Result<()> {
    match event {
        Event::Intent { inputs, .. } | Event::Decision { inputs, .. } => {
            *inputs = Some(seal("inputs")?);
        }
        Event::Claim { claim } => *claim = Some(seal("claim")?),
        Event::Review { note, .. } => *note = Some(seal("note")?),
        _ => {}
    }
    Ok(())
}

/// Whether a value can be nothing but an id: no address, no name, no text somebody chose.
fn is_plain_id(name: &str, value: &str) -> bool {
    let uuid = is_uuid(value.as_bytes());
    let number =
        (1..=DIGITS_MAX).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit());
    let ours = value
        .split_once('_')
        .is_some_and(|(prefix, rest)| is_our_prefix(prefix) && is_random(rest));
    !name.contains("email") && (uuid || number || ours)
}

/// 36 bytes, all looked at at once: what nearly all ids are.
fn is_uuid(text: &[u8]) -> bool {
    let Ok(text) = <&[u8; 36]>::try_from(text) else {
        return false;
    };
    let [
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        _,
        a,
        _,
        _,
        _,
        _,
        b,
        _,
        _,
        _,
        _,
        c,
        _,
        _,
        _,
        _,
        d,
        ..,
    ] = text;
    let dashes = text.iter().filter(|byte| **byte == b'-').count();
    let fits = |byte: &u8| (*byte == b'-') | byte.is_ascii_hexdigit();
    let fit = text.iter().fold(true, |all, byte| all & fits(byte));
    fit && dashes == 4 && [a, b, c, d].into_iter().all(|dash| *dash == b'-')
}

/// What Doorward's own random ids begin with.
fn is_our_prefix(prefix: &str) -> bool {
    matches!(prefix, "ws" | "uk" | "cl" | "leaf" | "sub" | "key")
}

/// Whether a text is made of random digits; nobody's name is.
fn is_random(text: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    RANDOM_DIGITS.contains(&text.len()) && text.bytes().all(digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_ledger::{ReadLeaf, SubjectId, Verdict};
    use proptest::prelude::*;

    fn key() -> Arc<SubjectKey> {
        Arc::new(SubjectKey::new(SubjectId::from_random([1; 16]), &[2; 32]))
    }

    fn draft() -> Draft {
        Draft::new(
            Timestamp::from_seconds(1_800_000_000),
            Act::new("deleteAccount", Verdict::Pending),
            Event::Intent {
                operation: "deleteAccount".to_owned(),
                body: None,
                inputs: None,
            },
        )
    }

    #[test]
    fn ids_of_things_are_clear_and_ids_of_people_sealed() {
        let uuid = "019a0000-1111-7222-8333-444455556666";
        let draft = draft()
            .id("id", uuid)
            .id("email", "ann@example.com")
            .source("::ffff:198.51.100.7".parse().unwrap());
        let keys: Vec<_> = draft.persons().map(|_| key()).collect();
        let (id, bytes) = draft.into_leaf(&keys, None).unwrap();
        let text = String::from_utf8(bytes.as_bytes().to_vec()).unwrap();
        assert!(text.contains(uuid), "{text}");
        assert!(!text.contains("ann") && !text.contains("198.51"), "{text}");
        let ReadLeaf::Known(leaf) = ReadLeaf::from_bytes(bytes.as_bytes()).unwrap() else {
            panic!("a known leaf")
        };
        let source = leaf.act.source.unwrap();
        assert_eq!(
            &**key().open(id, "source", &source).unwrap(),
            b"198.51.100.7"
        );
    }

    #[test]
    fn what_somebody_may_have_chosen_is_no_id() {
        for id in [
            "cl_7a8780e7c0acfba1",
            "123456",
            "019A0000-1111-7222-8333-444455556666",
        ] {
            assert!(is_plain_id("id", id), "{id}");
        }
        for text in [
            "cl_annsmith",
            "key_AnnSmith1980",
            "4917012345678",
            "1234567",
            "cl_",
            "",
        ] {
            assert!(!is_plain_id("id", text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_with_an_at_sign_or_a_space_is_clear(name in "[a-z_]{1,8}", value in ".{0,10}[@ .].{0,10}") {
            prop_assert!(!is_plain_id(&name, &value));
        }

        #[test]
        fn no_text_makes_a_draft_fail(value in ".{0,400}") {
            let draft = draft().id("id", &value).person(Person::named(&value));
            let keys: Vec<_> = draft.persons().map(|_| key()).collect();
            prop_assert!(draft.into_leaf(&keys, None).is_ok());
        }
    }
}
