//! How a call ended, on its way to a leaf: told where it happened, sealed and written where it is
//! recorded.

use std::net::IpAddr;
use std::sync::Arc;

use doorward_ledger::{
    Act, Actor, ActorKind, Body, CommitmentKey, Decision, Event, LeafBytes, LeafId, OutcomeActor,
    OutcomeId, OutcomeLeaf, OutcomeResource, Resource, SubjectKey, Verdict,
};
use doorward_policy::Timestamp;

use crate::draft::{Draft, seal};
use crate::error::Result;
use crate::people::Person;
use crate::random::random_in_clear;

/// Whoever knows how a call ended: asked for it when it is recorded, on another thread.
pub trait Ended: Send + Sync {
    /// How it ended.
    fn end(&self) -> CallEnd<'_>;
}

/// How a call ended. People are in clear here: who calls for whom, from where, and the parameter's
/// value, which is sealed where it may be about somebody.
#[derive(Debug, Clone, Copy)]
pub struct CallEnd<'a> {
    /// When.
    pub at: Timestamp,
    /// The operation's id, or what else was asked for.
    pub action: &'a str,
    /// The operation's id, if it was one.
    pub operation: Option<&'a str>,
    /// What was acted on: its kind and the path's template.
    pub resource: Option<(&'a str, &'a str)>,
    /// The path's parameter: its name and its value.
    pub parameter: Option<(&'a str, &'a str)>,
    /// How the act ended.
    pub result: Verdict,
    /// What was decided.
    pub decision: Decision,
    /// Why it was refused or failed.
    pub reason: Option<&'a str>,
    /// Name of the policy that stood against it, or that its approval lifted.
    pub policy: Option<&'a str>,
    /// The leaf of its intent.
    pub intent: Option<LeafId>,
    /// The status that the caller got.
    pub status: Option<u16>,
    /// From the request's head to the answer's end, in microseconds.
    pub latency_us: u64,
    /// SHA-256 and length of the request's body, where no intent has them.
    pub body: Option<([u8; 32], u64)>,
    /// Length of the answer's body, if there was an answer.
    pub answer_bytes: Option<u64>,
    /// The person whom the client names.
    pub person: Option<&'a str>,
    /// Where the call came from.
    pub source: IpAddr,
    /// Name of the client.
    pub client: Option<&'a str>,
    /// Public id of the client key.
    pub client_key: Option<&'a str>,
    /// Where the client runs.
    pub environment: Option<&'a str>,
    /// Doorward's id of the workspace.
    pub workspace: Option<&'a str>,
    /// The sub-workspace acted on.
    pub sub_workspace: Option<&'a str>,
    /// Doorward's id of the upstream key that was used.
    pub upstream_key: Option<&'a str>,
    /// The call's name.
    pub request_id: Option<&'a str>,
}

/// The people in the end of a call.
pub(crate) struct PeopleOf {
    actor: Option<Person>,
    source: Person,
    parameter: Option<Person>,
}

/// Their keys.
pub(crate) struct KeysOf {
    actor: Option<Arc<SubjectKey>>,
    source: Arc<SubjectKey>,
    parameter: Option<Arc<SubjectKey>>,
}

impl PeopleOf {
    /// The key of each, as `key` gives them.
    pub(crate) fn keys(&self, key: impl Fn(&Person) -> Result<Arc<SubjectKey>>) -> Result<KeysOf> {
        Ok(KeysOf {
            actor: self.actor.as_ref().map(&key).transpose()?,
            source: key(&self.source)?,
            parameter: self.parameter.as_ref().map(&key).transpose()?,
        })
    }
}

impl CallEnd<'_> {
    /// The people in it.
    pub(crate) fn people(&self) -> PeopleOf {
        let behind = |(name, value): (&str, &str)| Draft::person_behind(name, value);
        PeopleOf {
            actor: self.person.map(Person::named),
            source: Person::at(self.source),
            parameter: self.parameter.and_then(behind),
        }
    }

    /// The leaf. `people` and `keys` are those of [`people`](Self::people).
    pub(crate) fn leaf(
        &self,
        people: &PeopleOf,
        keys: &KeysOf,
        commitments: Option<&CommitmentKey>,
    ) -> Result<LeafBytes> {
        let id = LeafId::from_random(random_in_clear()?);
        let sealed = |field: &str, person: &Person, key: &SubjectKey| {
            person.with_value(|value| seal(key, id, field, value.as_bytes()))
        };
        let actor = people.actor.as_ref().zip(keys.actor.as_deref());
        let behind = people.parameter.as_ref().zip(keys.parameter.as_deref());
        let id_of = match (self.parameter, behind) {
            (Some((name, _)), Some((person, key))) => {
                let id = sealed(&format!("resource.{name}"), person, key)?;
                Some((name, OutcomeId::Sealed(id)))
            }
            (Some((name, value)), None) => Some((name, OutcomeId::Clear(value))),
            (None, _) => None,
        };
        let resource = match (self.resource, id_of) {
            (None, None) => None,
            (known, id) => {
                let (kind, path) = known.unzip();
                Some(OutcomeResource {
                    id,
                    path,
                    kind: kind.unwrap_or_default(),
                })
            }
        };
        let leaf = OutcomeLeaf {
            action: self.action,
            actor: OutcomeActor {
                claimed: self.person.is_some(),
                name: self.client,
                person: actor
                    .map(|(person, key)| sealed("actor.person", person, key))
                    .transpose()?,
            },
            answer: self.answer_bytes.map(|bytes| Body {
                bytes,
                commitment: None,
            }),
            at: self.at,
            body: self
                .body
                .zip(commitments)
                .map(|((sha256, bytes), key)| Body {
                    bytes,
                    commitment: Some(key.commit(id, "body", &sha256)),
                }),
            client: self.client,
            client_key: self.client_key,
            decision: self.decision,
            environment: self.environment,
            id,
            intent: self.intent,
            latency_us: self.latency_us,
            policy: self.policy,
            operation: self.operation,
            reason: self.reason,
            request_id: self.request_id,
            resource,
            result: self.result,
            source: Some(sealed("source", &people.source, &keys.source)?),
            status: self.status,
            sub_workspace: self.sub_workspace,
            upstream_key: self.upstream_key,
            workspace: self.workspace,
        };
        Ok(leaf.to_bytes()?)
    }
}

/// The same as a draft, to be recorded as other acts are.
impl From<CallEnd<'_>> for Draft {
    fn from(end: CallEnd<'_>) -> Self {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let act = Act {
            metadata: end
                .policy
                .map(|name| ("policy".to_owned(), name.into()))
                .into_iter()
                .collect(),
            actor: Some(Actor {
                kind: ActorKind::Client,
                name: text(end.client),
                person: None,
                claimed: end.person.is_some(),
            }),
            resource: end.resource.map(|(kind, path)| Resource {
                kind: kind.to_owned(),
                path: Some(path.to_owned()),
                ..Resource::default()
            }),
            client: text(end.client),
            client_key: text(end.client_key),
            environment: text(end.environment),
            workspace: text(end.workspace),
            sub_workspace: text(end.sub_workspace),
            upstream_key: text(end.upstream_key),
            decision: Some(end.decision),
            reason: text(end.reason),
            request_id: text(end.request_id),
            ..Act::new(end.action, end.result)
        };
        let event = Event::Outcome {
            intent: end.intent,
            operation: text(end.operation),
            status: end.status,
            latency_us: end.latency_us,
            body: None,
            answer: end.answer_bytes.map(|bytes| Body {
                bytes,
                commitment: None,
            }),
        };
        let mut draft = Self::new(end.at, act, event).source(end.source);
        if let Some(person) = end.person {
            draft = draft.person(Person::named(person));
        }
        if let Some((name, value)) = end.parameter {
            draft = draft.id(name, value);
        }
        match end.body {
            Some((sha256, bytes)) => draft.body(sha256, bytes),
            None => draft,
        }
    }
}

#[cfg(test)]
mod tests {
    use doorward_ledger::{Leaf, ReadLeaf, SubjectId, Text};
    use proptest::prelude::*;

    use super::*;

    fn key_of(person: &Person) -> Arc<SubjectKey> {
        // One of its own for each, so that values under another's do not open.
        let first = person.value().bytes().fold(1_u8, u8::wrapping_add);
        let subject = SubjectId::from_random([first; 16]);
        Arc::new(SubjectKey::new(subject, &[first; 32]))
    }

    /// What a leaf says, its sealed values opened.
    fn read(bytes: &LeafBytes, people: &[(&str, Person)]) -> (Leaf, Vec<(String, String)>) {
        let ReadLeaf::Known(leaf) = ReadLeaf::from_bytes(bytes.as_bytes()).unwrap() else {
            panic!("a known leaf")
        };
        let mut leaf = *leaf;
        let mut opened = Vec::new();
        let act = &mut leaf.act;
        let actor = act.actor.as_mut().and_then(|actor| actor.person.take());
        let source = act.source.take();
        let ids = act
            .resource
            .iter_mut()
            .flat_map(|resource| resource.ids.iter_mut());
        let id = ids.into_iter().find_map(|(_, id)| {
            match std::mem::replace(id, Text::Clear(String::new())) {
                Text::Sealed(sealed) => Some(sealed),
                clear => {
                    *id = clear;
                    None
                }
            }
        });
        for (field, sealed) in [
            ("actor.person", actor),
            ("source", source),
            ("resource.id", id),
        ] {
            let Some(sealed) = sealed else { continue };
            let (_, person) = people.iter().find(|(of, _)| *of == field).unwrap();
            let value = key_of(person).open(leaf.id, field, &sealed).unwrap();
            opened.push((field.to_owned(), String::from_utf8(value.to_vec()).unwrap()));
        }
        leaf.id = LeafId::from_random([0; 16]);
        (leaf, opened)
    }

    fn name() -> impl Strategy<Value = Option<String>> {
        prop::option::of(prop_oneof![
            "[a-z_-]{1,12}",
            ".{0,12}",
            "019a0000-1111-7222-8333-4444[0-9a-f]{8}"
        ])
    }

    proptest! {
        #[test]
        fn the_leaf_is_the_one_of_the_same_draft(
            names in prop::collection::vec(name(), 12),
            numbers in any::<(u32, Option<u16>, Option<u32>, u32, bool, bool, bool)>(),
            millis in 0_i64..4_000_000_000_000,
        ) {
            let (latency, status, answer, source, allowed, with_body, with_intent) = numbers;
            let text = |at: usize| names[at].as_deref();
            let end = CallEnd {
                at: Timestamp::from_millis(millis),
                action: text(0).unwrap_or("unknown"),
                operation: text(0),
                resource: text(1).zip(Some("/leads/{id}")),
                parameter: text(2).map(|value| ("id", value)),
                result: if allowed { Verdict::Success } else { Verdict::Refused },
                decision: if allowed { Decision::Allow } else { Decision::Deny },
                reason: text(3),
                policy: text(4),
                intent: with_intent.then(|| LeafId::from_random([7; 16])),
                status,
                latency_us: latency.into(),
                body: with_body.then_some(([9; 32], 17)),
                answer_bytes: answer.map(u64::from),
                person: text(5),
                source: std::net::Ipv4Addr::from(source).into(),
                client: text(6),
                client_key: text(7),
                environment: text(8),
                workspace: text(9),
                sub_workspace: text(10),
                upstream_key: text(11),
                request_id: text(3),
            };
            let commitments = CommitmentKey::new("2026-11", &[5; 32]);
            let people = end.people();
            let keys = people.keys(|person| Ok(key_of(person))).unwrap();
            let ours = end.leaf(&people, &keys, Some(&commitments)).unwrap();
            let draft = Draft::from(end);
            let keys: Vec<_> = draft.persons().map(key_of).collect();
            let (_, theirs) = draft.into_leaf(&keys, Some(&commitments)).unwrap();
            let all: Vec<_> = [
                ("actor.person", people.actor),
                ("source", Some(people.source)),
                ("resource.id", people.parameter),
            ]
            .into_iter()
            .filter_map(|(field, person)| Some((field, person?)))
            .collect();
            let (mut ours, ours_opened) = read(&ours, &all);
            let (mut theirs, theirs_opened) = read(&theirs, &all);
            // Commitments are to the leaf's own id.
            for leaf in [&mut ours, &mut theirs] {
                if let Event::Outcome { body: Some(body), .. } = &mut leaf.event {
                    prop_assert!(body.commitment.take().is_some());
                }
            }
            prop_assert_eq!(ours_opened, theirs_opened);
            prop_assert_eq!(ours, theirs);
        }
    }
}
