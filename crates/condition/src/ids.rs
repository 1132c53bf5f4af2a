//! Which things a request names, as a policy is told.

use std::collections::BTreeSet;

use doorward_catalog::shapes::{self, Rest, Shape};
use serde_json::Value;

use crate::kind::{Kind, Kinds};
use crate::places::{ANY, Place, Reach, Row, row};
use crate::request::Asked;

/// Most characters of an id.
const ID_MAX: usize = 320;
/// Addresses that leads are looked for by: who else is found is not said.
const CONTACTS: &str = "contacts/*";

/// The ids of one request, by kind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ids {
    sets: [BTreeSet<String>; Kind::ALL.len()],
    /// The kinds of which something could not be read for sure.
    unsure: Kinds,
}

/// The body as far as it was read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Body<'a> {
    /// There is none.
    None,
    /// Read whole.
    Read(&'a Value),
    /// It is no JSON.
    Unread,
}

impl Ids {
    /// Reads the ids of a request.
    pub(crate) fn read(asked: &Asked<'_>, query: &[(String, String)], body: Body<'_>) -> Self {
        let mut ids = Self::default();
        let row = row(asked.op);
        if let Some(row) = row {
            for (place, kinds) in row.places {
                match place {
                    Place::Path => ids.take_path(asked.parameter, kinds),
                    Place::Query(name) => ids.take_query(query, name, kinds),
                    Place::Body(path) => match body {
                        Body::None => {}
                        Body::Read(value) => ids.take_body(value, path, kinds),
                        Body::Unread => ids.doubt(kinds),
                    },
                }
            }
            ids.reach(row, body);
        }
        ids.suspect(asked, query, body);
        ids
    }

    /// The ids of a kind: in lower case, sorted; `None` if one could not be read for sure.
    pub(crate) fn of(&self, kind: Kind) -> Option<&BTreeSet<String>> {
        (!self.unsure.contains(kind))
            .then(|| self.set(kind))
            .flatten()
    }

    fn set(&self, kind: Kind) -> Option<&BTreeSet<String>> {
        let at = Kind::ALL.iter().position(|each| *each == kind)?;
        self.sets.get(at)
    }

    fn add(&mut self, kind: Kind, id: String) {
        let at = Kind::ALL.iter().position(|each| *each == kind);
        if let Some(set) = at.and_then(|at| self.sets.get_mut(at)) {
            set.insert(id);
        }
    }

    fn doubt(&mut self, kinds: &[Kind]) {
        kinds.iter().for_each(|kind| self.unsure.insert(*kind));
    }

    fn take_path(&mut self, parameter: Option<&str>, kinds: &[Kind]) {
        match parameter {
            Some(id) => self.take_id(id, kinds),
            None => self.doubt(kinds),
        }
    }

    fn take_query(&mut self, query: &[(String, String)], name: &str, kinds: &[Kind]) {
        for (_, value) in query.iter().filter(|(given, _)| given == name) {
            let parts = value.split(',').map(str::trim);
            for id in parts.filter(|id| !id.is_empty()) {
                self.take_id(id, kinds);
            }
        }
    }

    fn take_body(&mut self, value: &Value, path: &str, kinds: &[Kind]) {
        let (name, rest) = match path.split_once('/') {
            Some((name, rest)) => (name, Some(rest)),
            None => (path, None),
        };
        match (name, value) {
            ("*", Value::Array(items)) => {
                for item in items {
                    match (rest, item) {
                        (Some(rest), item) => self.take_body(item, rest, kinds),
                        (None, Value::String(id)) => self.take_id(id, kinds),
                        (None, _) => self.doubt(kinds),
                    }
                }
            }
            ("*", _) | (_, Value::Array(_)) => self.doubt(kinds),
            (name, Value::Object(members)) => match (members.get(name), rest) {
                (None | Some(Value::Null), _) => {}
                (Some(inner), Some(rest)) => self.take_body(inner, rest, kinds),
                // No id at all is the API's way of saying none.
                (Some(Value::String(id)), None) if id.is_empty() => {}
                (Some(Value::String(id)), None) => {
                    let parts = id.split(',').map(str::trim);
                    parts.for_each(|id| self.take_id(id, kinds));
                }
                (Some(_), None) => self.doubt(kinds),
            },
            // A filter may also be given as one word: it names nothing.
            (_, Value::String(_) | Value::Null) if rest.is_none() => {}
            _ => self.doubt(kinds),
        }
    }

    /// Takes one id. Whatever it may be of, it is of: an id of a campaign or a list is in both sets,
    /// but an address is an account's, where it may be one.
    fn take_id(&mut self, id: &str, kinds: &[Kind]) {
        let address = is_address(id);
        for kind in kinds {
            let fits = match kind {
                Kind::Account => address,
                Kind::Lead => address || is_uuid(id),
                Kind::Workspace => is_word(id),
                Kind::Campaign | Kind::List | Kind::Subsequence | Kind::Tag => is_uuid(id),
            };
            let other = kinds.len() > 1 && kinds.contains(&Kind::Account);
            if fits {
                self.add(*kind, id.to_lowercase());
            } else if id == "no-tag" && *kind == Kind::Tag {
                // The API's own word for things without a tag.
            } else if !(other && (address || is_uuid(id))) {
                self.unsure.insert(*kind);
            }
        }
    }

    /// Adds what the call may reach without naming it.
    fn reach(&mut self, row: &Row, body: Body<'_>) {
        let members = match body {
            Body::Read(Value::Object(members)) => Some(members),
            _ => None,
        };
        let given = |name: &str| {
            members
                .and_then(|members| members.get(name))
                .is_some_and(|value| match value {
                    Value::Null | Value::Bool(false) => false,
                    Value::String(text) => !text.is_empty(),
                    Value::Array(items) => !items.is_empty(),
                    _ => true,
                })
        };
        // A member that the operation does not know picks nothing, and nor does one without an id.
        let picked = |kind: Kind| {
            row.places.iter().any(|(place, kinds)| match place {
                Place::Body(path) if *kinds == [kind] && !path.starts_with("to_") => {
                    let name = path.strip_suffix("/*").unwrap_or(path);
                    let value = members.and_then(|members| members.get(name));
                    *path != CONTACTS && value.is_some_and(|value| is_ids(kind, value))
                }
                _ => false,
            })
        };
        let denied = |name: &str| {
            let value = members.and_then(|members| members.get(name));
            value.is_some_and(|value| *value != Value::Bool(true) && *value != Value::Null)
        };
        let named = |ids: &Self, kind| ids.set(kind).is_some_and(|set| !set.is_empty());
        for kind in row.reaches.iter().copied() {
            let reached = match row.reach {
                Reach::Always => true,
                Reach::UnlessNamed => !named(self, kind),
                Reach::LeadFilter if kind == Kind::Lead => !picked(Kind::Lead),
                Reach::LeadFilter => {
                    let (in_campaign, in_list) = (picked(Kind::Campaign), picked(Kind::List));
                    let loose = given("ignore_resource_filter_clauses")
                        || given("smart_view_id")
                        || denied("in_campaign")
                        || denied("in_list");
                    in_campaign == in_list || loose
                }
                Reach::AccountFilter => {
                    let filtered = ["include_all_emails", "filter", "search"];
                    !given("emails") || filtered.into_iter().any(given)
                }
                Reach::ResourceFilter => {
                    let filtered = ["selected_all", "filter", "search"];
                    !given("resource_ids") || filtered.into_iter().any(given)
                }
            };
            if reached {
                self.add(kind, ANY.to_owned());
            }
        }
    }

    /// Doubts every kind that a member unknown to the catalog may hold ids of: the API may know it.
    fn suspect(&mut self, asked: &Asked<'_>, query: &[(String, String)], body: Body<'_>) {
        let shape = shapes::of(asked.op.id());
        let params = shape
            .map(|shape| shape.query.as_slice())
            .unwrap_or_default();
        for (name, _) in query {
            if !params.iter().any(|param| *param.name == **name) {
                self.unsure = self.unsure.union(Kinds::hinted(name));
            }
        }
        let expected = shape.and_then(|shape| shape.body.as_ref());
        match (body, expected) {
            (Body::Read(Value::Null), _) => {}
            (Body::Read(value), _) if !value.is_object() => self.unsure = Kinds::ALL,
            (Body::Read(value), Some(expected)) => self.suspect_in(value, &expected.shape),
            (Body::Read(value), None) => self.suspect_all(value),
            // Nobody knows what a body that can't be read names.
            (Body::Unread, _) => self.unsure = Kinds::ALL,
            (Body::None, _) => {}
        }
    }

    fn suspect_in(&mut self, value: &Value, shape: &Shape) {
        match value {
            Value::Object(members) => {
                for (name, inner) in members {
                    let known = shape.field(name).map(|field| &field.shape).or_else(|| {
                        let others = shape.any_of.iter().chain(&shape.one_of);
                        others
                            .filter_map(|other| other.field(name))
                            .map(|field| &field.shape)
                            .next()
                    });
                    match (known, &shape.rest) {
                        (Some(known), _) => self.suspect_in(inner, known),
                        // Names that the caller makes up, such as those of a lead's variables.
                        (None, Rest::Each(_)) => {}
                        (None, Rest::Open) if takes_anything(shape) => {}
                        (None, _) => {
                            self.unsure = self.unsure.union(Kinds::hinted(name));
                            self.suspect_all(inner);
                        }
                    }
                }
            }
            Value::Array(items) => {
                for item in items {
                    match &shape.item {
                        Some(known) => self.suspect_in(item, known),
                        None => self.suspect_all(item),
                    }
                }
            }
            _ => {}
        }
    }

    fn suspect_all(&mut self, value: &Value) {
        match value {
            Value::Object(members) => {
                for (name, inner) in members {
                    self.unsure = self.unsure.union(Kinds::hinted(name));
                    self.suspect_all(inner);
                }
            }
            Value::Array(items) => items.iter().for_each(|item| self.suspect_all(item)),
            _ => {}
        }
    }
}

/// Whether a member holds ids of a kind and nothing else.
fn is_ids(kind: Kind, value: &Value) -> bool {
    let is_id = |id: &str| is_uuid(id) || kind == Kind::Lead && is_address(id);
    match value {
        Value::String(ids) => ids.split(',').map(str::trim).all(is_id),
        Value::Array(ids) => !ids.is_empty() && ids.iter().all(|id| id.as_str().is_some_and(is_id)),
        _ => false,
    }
}

/// Whether an object is the caller's own, with no names of the API's in it.
fn takes_anything(shape: &Shape) -> bool {
    shape.fields.is_empty() && shape.any_of.is_empty() && shape.one_of.is_empty()
}

/// RFC 9562, hyphenated: the one spelling that every reader takes alike.
pub(crate) fn is_uuid(id: &str) -> bool {
    id.len() == 36
        && id.bytes().enumerate().all(|(n, byte)| match n {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// An address and nothing around it.
pub(crate) fn is_address(id: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"<>()[]\",;:\\".contains(c);
    id.len() <= ID_MAX
        && id.chars().all(plain)
        && id
            .split_once('@')
            .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'))
}

fn is_word(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
