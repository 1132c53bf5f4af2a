//! Forgetting a person whom events are about.

use doorward_audit::Show;
use doorward_ledger::log::Record;
use doorward_ledger::{Event, SubjectId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::runtime::Handle as Runtime;

use crate::admin::deeds::{Acts, Deed};
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle};

/// How many events are about a person?
#[derive(Serialize, Deserialize)]
pub(crate) struct EventPerson {
    /// Who.
    pub(crate) who: Whom,
}

/// A person whom events may be about.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Whom {
    /// By e-mail address.
    Address(String),
    /// As the ledger knows the person, by what stands for the person and a leaf that has that.
    Subject(SubjectId, u64),
}

/// Destroys the key that events about a person are sealed under.
#[derive(Serialize, Deserialize)]
pub(crate) struct EventErase {
    /// Who.
    pub(crate) who: Whom,
}

/// What that came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ErasedEvents {
    /// Events whose bodies open no more.
    pub(crate) events: u64,
    /// Deliveries of them that were owed still, and are given up.
    pub(crate) given_up: u64,
}

// The address itself is what the ledger is not to have.
impl Acts for EventPerson {
    fn deed(&self) -> Option<Deed> {
        Some(Deed::new("event.search_person", "person", Event::Admin))
    }

    fn complete(deed: &mut Deed, answer: &u64) {
        let metadata = &mut deed.act.metadata;
        metadata.insert("events".to_owned(), (*answer).into());
    }
}

impl Acts for EventErase {
    fn deed(&self) -> Option<Deed> {
        Some(Deed::new("event.erase_person", "person", Event::Admin))
    }

    fn complete(deed: &mut Deed, answer: &ErasedEvents) {
        let metadata = &mut deed.act.metadata;
        metadata.insert("events".to_owned(), answer.events.into());
        metadata.insert("given_up".to_owned(), answer.given_up.into());
    }
}

impl Handle<EventPerson> for Admin {
    fn handle(&self, call: EventPerson) -> Result<u64, AdminError> {
        match self.parts.events.get()? {
            Some(events) => match self.address(call.who)? {
                Some(lead) => Ok(events.reader().about(&lead)?),
                None => Ok(0),
            },
            None => Ok(0),
        }
    }
}

impl Handle<EventErase> for Admin {
    fn handle(&self, call: EventErase) -> Result<ErasedEvents, AdminError> {
        let Some(events) = self.parts.events.get()? else {
            return Ok(ErasedEvents::default());
        };
        let Some(lead) = self.address(call.who)? else {
            return Ok(ErasedEvents::default());
        };
        let erased = Runtime::current().block_on(events.erase(&lead))?;
        Ok(ErasedEvents {
            events: erased.events,
            given_up: erased.given_up,
        })
    }
}

impl Admin {
    /// The address of a person, as far as it is known; nobody else is told it.
    fn address(&self, who: Whom) -> Result<Option<String>, AdminError> {
        let (subject, sequence) = match who {
            Whom::Address(address) => return Ok(Some(address)),
            Whom::Subject(subject, sequence) => (subject, sequence),
        };
        let audit = self.parts.audit.get()?;
        let leaf = audit.reader().leaf(sequence).map_err(AdminError::failed)?;
        let record = Record { sequence, leaf };
        let shown = |show| -> Result<Value, AdminError> {
            serde_json::to_value(audit.entry(&record, show)?).map_err(AdminError::failed)
        };
        let (sealed, open) = (shown(Show::Subjects)?, shown(Show::People)?);
        let named = counterpart(&sealed, &open, &subject.to_string());
        Ok(named.filter(|text| text.contains('@')).map(str::to_owned))
    }
}

/// What stands in the one where the other has this text.
fn counterpart<'a>(sealed: &Value, open: &'a Value, text: &str) -> Option<&'a str> {
    match sealed {
        Value::String(found) if found == text => open.as_str().filter(|open| *open != text),
        Value::Array(items) => items
            .iter()
            .zip(open.as_array()?)
            .find_map(|(sealed, open)| counterpart(sealed, open, text)),
        Value::Object(members) => members
            .iter()
            .find_map(|(name, sealed)| counterpart(sealed, open.get(name)?, text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_stands_for_a_person_is_found_wherever_it_stands() {
        let sealed = json!({ "a": ["x", { "b": "sub_1" }], "c": "sub_2" });
        let open = json!({ "a": ["x", { "b": "ann@example.com" }], "c": "sub_2 (erased)" });
        let found = |text| counterpart(&sealed, &open, text);
        assert_eq!(found("sub_1"), Some("ann@example.com"));
        assert_eq!(found("sub_3"), None);
        assert_eq!(found("x"), None, "it stands for nobody");
    }
}
