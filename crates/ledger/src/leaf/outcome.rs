//! How a call ended, as a leaf that is written from what others hold.
//!
//! Nothing is recorded as often. To gather it in a [`Leaf`](super::Leaf) first takes a dozen
//! allocations, and to write that, whose members come in no order, many times as long as this.

use std::cell::RefCell;

use doorward_policy::Timestamp;
use serde::Serialize;

use super::{Body, Decision, LEAF_VERSION, LeafBytes, LeafId, Sealed, Verdict};
use crate::{Error, Result, jcs};

/// A leaf of the kind `outcome`, of version [`LEAF_VERSION`]: what
/// [`Event::Outcome`](super::Event::Outcome) and [`Act`](super::Act) say together.
#[derive(Debug)]
pub struct OutcomeLeaf<'a> {
    /// The operation's id, or what else was asked for.
    pub action: &'a str,
    /// Who called.
    pub actor: OutcomeActor<'a>,
    /// The answer's body.
    pub answer: Option<Body>,
    /// When it ended.
    pub at: Timestamp,
    /// The request's body, where no intent has it.
    pub body: Option<Body>,
    /// Name of the client.
    pub client: Option<&'a str>,
    /// Public id of the client key.
    pub client_key: Option<&'a str>,
    /// What was decided.
    pub decision: Decision,
    /// Where the client runs.
    pub environment: Option<&'a str>,
    /// Its name, which sealed values are bound to.
    pub id: LeafId,
    /// The leaf of its intent.
    pub intent: Option<LeafId>,
    /// From the request's head to the answer's end, in microseconds.
    pub latency_us: u64,
    /// Name of the policy that stood against it, or that its approval lifted.
    pub policy: Option<&'a str>,
    /// The operation's id, if it was one.
    pub operation: Option<&'a str>,
    /// Why it was refused or failed.
    pub reason: Option<&'a str>,
    /// The call's name.
    pub request_id: Option<&'a str>,
    /// What was acted on.
    pub resource: Option<OutcomeResource<'a>>,
    /// How the act ended.
    pub result: Verdict,
    /// Where the call came from, sealed in the field `source`.
    pub source: Option<Sealed>,
    /// The status that the caller got; absent if it got none.
    pub status: Option<u16>,
    /// The sub-workspace acted on.
    pub sub_workspace: Option<&'a str>,
    /// Doorward's id of the upstream key that was used.
    pub upstream_key: Option<&'a str>,
    /// Doorward's id of the workspace.
    pub workspace: Option<&'a str>,
}

/// Who called, as [`Actor`](super::Actor).
#[derive(Debug)]
pub struct OutcomeActor<'a> {
    /// Whether the person was named by the client and not checked.
    pub claimed: bool,
    /// The client's name.
    pub name: Option<&'a str>,
    /// The person, sealed in the field `actor.person`.
    pub person: Option<Sealed>,
}

/// What was acted on, as [`Resource`](super::Resource).
#[derive(Debug)]
pub struct OutcomeResource<'a> {
    /// The one id in the path, if it has one, by the name of its parameter.
    pub id: Option<(&'a str, OutcomeId<'a>)>,
    /// The path's template.
    pub path: Option<&'a str>,
    /// Such as `lead`.
    pub kind: &'a str,
}

/// An id, as [`Text`](super::Text).
#[derive(Debug)]
pub enum OutcomeId<'a> {
    /// Of a thing.
    Clear(&'a str),
    /// Sealed in the field `resource.<name>`.
    Sealed(Sealed),
}

impl OutcomeLeaf<'_> {
    /// The bytes to append to the log.
    ///
    /// # Errors
    ///
    /// When it is too large, or holds a whole number of more than 53 bits.
    pub fn to_bytes(&self) -> Result<LeafBytes> {
        thread_local! {
            static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        ROOM.with(|room| {
            // One that is taken is of another leaf, and there is none within a leaf.
            let mut room = room.try_borrow_mut().map_err(|_| Error::Seal)?;
            room.clear();
            let mut writer = Members(&mut room);
            self.write(&mut writer)?;
            LeafBytes::of_members(&room)
        })
    }

    /// Writes it member by member, in the order that the names have.
    fn write(&self, to: &mut Members<'_>) -> Result<()> {
        to.put("{\"action\":");
        to.text(self.action)?;
        self.actor.write(to)?;
        if let Some(answer) = &self.answer {
            to.put(",\"answer\":");
            to.body(answer)?;
        }
        to.put(",\"at\":");
        to.other(&self.at)?;
        if let Some(body) = &self.body {
            to.put(",\"body\":");
            to.body(body)?;
        }
        to.text_if(",\"client\":", self.client)?;
        to.text_if(",\"client_key\":", self.client_key)?;
        to.put(match self.decision {
            Decision::Allow => ",\"decision\":\"allow\"",
            Decision::Deny => ",\"decision\":\"deny\"",
            Decision::NeedsApproval => ",\"decision\":\"needs_approval\"",
        });
        to.text_if(",\"environment\":", self.environment)?;
        to.put(",\"id\":\"");
        self.id.with_text(|text| to.put(text));
        if let Some(intent) = self.intent {
            to.put("\",\"intent\":\"");
            intent.with_text(|text| to.put(text));
        }
        to.put("\",\"kind\":\"outcome\",\"latency_us\":");
        to.number(self.latency_us)?;
        if let Some(policy) = self.policy {
            to.put(",\"metadata\":{\"policy\":");
            to.text(policy)?;
            to.put("}");
        }
        to.text_if(",\"operation\":", self.operation)?;
        to.text_if(",\"reason\":", self.reason)?;
        to.text_if(",\"request_id\":", self.request_id)?;
        if let Some(resource) = &self.resource {
            resource.write(to)?;
        }
        to.put(match self.result {
            Verdict::Pending => ",\"result\":\"pending\"",
            Verdict::Success => ",\"result\":\"success\"",
            Verdict::Failure => ",\"result\":\"failure\"",
            Verdict::Refused => ",\"result\":\"refused\"",
            Verdict::Unknown => ",\"result\":\"unknown\"",
        });
        if let Some(source) = &self.source {
            to.put(",\"source\":");
            source.write(to);
        }
        if let Some(status) = self.status {
            to.put(",\"status\":");
            to.number(status.into())?;
        }
        to.text_if(",\"sub_workspace\":", self.sub_workspace)?;
        to.text_if(",\"upstream_key\":", self.upstream_key)?;
        to.put(",\"v\":");
        to.number(LEAF_VERSION)?;
        to.text_if(",\"workspace\":", self.workspace)?;
        to.put("}");
        Ok(())
    }
}

impl OutcomeActor<'_> {
    fn write(&self, to: &mut Members<'_>) -> Result<()> {
        to.put(",\"actor\":{");
        if self.claimed {
            to.put("\"claimed\":true,");
        }
        if let Some(name) = self.name {
            to.put("\"name\":");
            to.text(name)?;
            to.put(",");
        }
        if let Some(person) = &self.person {
            to.put("\"person\":");
            person.write(to);
            to.put(",");
        }
        to.put("\"type\":\"client\"}");
        Ok(())
    }
}

impl OutcomeResource<'_> {
    fn write(&self, to: &mut Members<'_>) -> Result<()> {
        to.put(",\"resource\":{");
        let mut first = true;
        let mut begin = |to: &mut Members<'_>, name: &str| {
            to.put(if std::mem::take(&mut first) { "" } else { "," });
            to.put(name);
        };
        if let Some((name, id)) = &self.id {
            begin(to, "\"ids\":{");
            to.text(name)?;
            to.put(":");
            match id {
                OutcomeId::Clear(id) => to.text(id)?,
                OutcomeId::Sealed(id) => id.write(to),
            }
            to.put("}");
        }
        if let Some(path) = self.path {
            begin(to, "\"path\":");
            to.text(path)?;
        }
        if !self.kind.is_empty() {
            begin(to, "\"type\":");
            to.text(self.kind)?;
        }
        to.put("}");
        Ok(())
    }
}

/// Members as they are written.
pub(super) struct Members<'w>(&'w mut Vec<u8>);

impl Members<'_> {
    /// Puts what is canonical already.
    pub(super) fn put(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// Any text, with its quotes.
    fn text(&mut self, text: &str) -> Result<()> {
        if !jcs::is_plain(text.as_bytes()) {
            return self.other(text);
        }
        self.0.reserve(text.len() + 2);
        self.0.push(b'"');
        self.0.extend_from_slice(text.as_bytes());
        self.0.push(b'"');
        Ok(())
    }

    fn text_if(&mut self, name: &str, text: Option<&str>) -> Result<()> {
        let Some(text) = text else { return Ok(()) };
        self.put(name);
        self.text(text)
    }

    fn number(&mut self, number: u64) -> Result<()> {
        if number > jcs::MAX_EXACT {
            return self.other(&number);
        }
        self.put(itoa::Buffer::new().format(number));
        Ok(())
    }

    fn body(&mut self, body: &Body) -> Result<()> {
        let Body { bytes, commitment } = body;
        self.put("{\"bytes\":");
        self.number(*bytes)?;
        if let Some(commitment) = commitment {
            self.put(",\"commitment\":");
            self.other(commitment)?;
        }
        self.put("}");
        Ok(())
    }

    /// Whatever is not written here.
    fn other<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        jcs::with_canonical(value, |bytes| self.0.extend_from_slice(bytes))
    }
}
