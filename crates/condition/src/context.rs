//! What a policy is evaluated on, made of one request and read only as far as it is asked for.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::LazyLock;

use cedar_policy::{
    Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression,
};
use doorward_catalog::Op;
use doorward_policy::{Timestamp, WorkspaceKind};
use serde_json::Value;

use crate::fields::{Fields, Type, Unsure, taken};
use crate::ids::{Body, Ids, is_address, is_uuid};
use crate::kind::Kind;
use crate::leads::leads_written;
use crate::needs::{Named, Needs};
use crate::request::{Asked, Asker, pairs};
use crate::schema::groups_of;

/// A request, read once and no further than it is asked for.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    pub(crate) asked: Asked<'a>,
    query: OnceCell<Vec<(String, String)>>,
    body: OnceCell<Option<Value>>,
    ids: OnceCell<Ids>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(asked: Asked<'a>) -> Self {
        Self {
            asked,
            query: OnceCell::new(),
            body: OnceCell::new(),
            ids: OnceCell::new(),
        }
    }

    fn query(&self) -> &[(String, String)] {
        self.query.get_or_init(|| pairs(self.asked.query))
    }

    fn body(&self) -> Body<'_> {
        if self.asked.body.is_empty() {
            return Body::None;
        }
        let read = || serde_json::from_slice(self.asked.body).ok();
        match self.body.get_or_init(read) {
            Some(value) => Body::Read(value),
            None => Body::Unread,
        }
    }

    pub(crate) fn ids(&self) -> &Ids {
        self.ids
            .get_or_init(|| Ids::read(&self.asked, self.query(), self.body()))
    }

    pub(crate) fn leads_in_call(&self) -> u32 {
        leads_written(self.asked.op, self.asked.body)
    }
}

/// The members of a context, and what could not be read for sure.
pub(crate) struct Made {
    members: Vec<(String, RestrictedExpression)>,
    doubts: Vec<Doubt>,
}

#[derive(Debug, PartialEq)]
enum Doubt {
    Kind(Kind),
    Query(Box<str>),
    Body(Box<str>),
    /// Of the body's members none can be told.
    WholeBody,
    Parameter,
}

impl Made {
    /// A context of nothing yet but what costs nothing.
    fn new(now: Timestamp, today: crate::request::Day, as_workspace: Option<&str>) -> Self {
        const HOUR_MS: i64 = 3_600_000;
        let (hours, days) = (
            now.millis().div_euclid(HOUR_MS),
            now.millis().div_euclid(24 * HOUR_MS),
        );
        let long = RestrictedExpression::new_long;
        let count = |count: u64| long(i64::try_from(count).unwrap_or(i64::MAX));
        let mut made = Self {
            members: Vec::with_capacity(12),
            doubts: Vec::new(),
        };
        made.put("hour", long(hours.rem_euclid(24)));
        // The first day of all was a Thursday.
        made.put("weekday", long((days + 3).rem_euclid(7) + 1));
        made.put("leads_today", count(today.leads));
        made.put("calls_today", count(today.calls));
        if let Some(id) = as_workspace {
            made.put(
                "as_workspace",
                RestrictedExpression::new_string(id.to_owned()),
            );
        }
        made
    }

    fn put(&mut self, name: &str, value: RestrictedExpression) {
        self.members.push((name.to_owned(), value));
    }

    fn put_ids(&mut self, kind: Kind, ids: Option<&BTreeSet<String>>) {
        match ids {
            Some(ids) => {
                let ids = ids.iter().cloned().map(RestrictedExpression::new_string);
                self.put(kind.field(), RestrictedExpression::new_set(ids));
            }
            None => self.doubts.push(Doubt::Kind(kind)),
        }
    }

    fn put_clock(&mut self, needs: &Needs, now: Timestamp, source: Option<std::net::IpAddr>) {
        if needs.now {
            // Cedar knows no fractions of other than three digits.
            let whole = Timestamp::from_seconds(now.millis().div_euclid(1_000));
            self.put("now", RestrictedExpression::new_datetime(whole.to_string()));
        }
        if let Some(source) = source.filter(|_| needs.source_ip) {
            // What a listener on both families calls ::ffff:10.0.0.1 is 10.0.0.1.
            let source = source.to_canonical().to_string();
            self.put("source_ip", RestrictedExpression::new_ip(source));
        }
    }

    /// Of a request, as far as `needs` go.
    pub(crate) fn of(reading: &Reading<'_>, needs: &Needs) -> Self {
        let asked = &reading.asked;
        let mut made = Self::new(asked.now, asked.today, asked.as_workspace);
        made.put_clock(needs, asked.now, Some(asked.source));
        if needs.leads_in_call {
            let leads = i64::from(reading.leads_in_call());
            made.put("leads_in_call", RestrictedExpression::new_long(leads));
        }
        for kind in Kind::ALL {
            if needs.kinds.contains(kind) {
                made.put_ids(kind, reading.ids().of(kind));
            }
        }
        if needs.parameter {
            made.put_parameter(asked);
        }
        let taken = taken(asked.op);
        if !needs.query.is_none() {
            made.put_query(reading.query(), &taken.query, &needs.query);
        }
        if !needs.body.is_none() {
            made.put_body(reading.body(), &taken.body, &needs.body);
        }
        made
    }

    /// Of what was kept of a request.
    pub(crate) fn of_kept(kept: &crate::kept::Kept<'_>, needs: &Needs) -> Self {
        let facts = kept.facts;
        let today = crate::request::Day {
            calls: facts.calls_today,
            leads: facts.leads_today,
        };
        let mut made = Self::new(kept.now, today, kept.as_workspace);
        made.put_clock(needs, kept.now, facts.source);
        let leads = i64::from(facts.leads_in_call);
        made.put("leads_in_call", RestrictedExpression::new_long(leads));
        for kind in Kind::ALL {
            if facts.unsure.contains(kind.field()) {
                made.doubts.push(Doubt::Kind(kind));
            } else {
                let none = BTreeSet::new();
                made.put_ids(kind, Some(facts.ids.get(kind.field()).unwrap_or(&none)));
            }
        }
        made
    }

    fn put_parameter(&mut self, asked: &Asked<'_>) {
        match asked.parameter {
            Some(id) if is_uuid(id) || is_address(id) => {
                let id = RestrictedExpression::new_string(id.to_lowercase());
                self.put("parameter", id);
            }
            Some(id) => self.put("parameter", RestrictedExpression::new_string(id.to_owned())),
            None => self.doubts.push(Doubt::Parameter),
        }
    }

    fn put_query(&mut self, given: &[(String, String)], fields: &Fields, wanted: &Named) {
        let mut known = Vec::new();
        for (name, field) in fields.iter().filter(|(name, _)| wanted.has(name)) {
            let values: Vec<&str> = given
                .iter()
                .filter(|(given, _)| **given == **name)
                .map(|(_, value)| value.as_str())
                .collect();
            if values.is_empty() {
                continue;
            }
            match field.parameter(&values) {
                Ok(Some(value)) => known.push((name.to_string(), value)),
                Ok(None) => {}
                Err(Unsure) => self.doubts.push(Doubt::Query(name.clone())),
            }
        }
        self.put_record("query", known);
    }

    fn put_body(&mut self, body: Body<'_>, fields: &Fields, wanted: &Named) {
        let members = match body {
            Body::None | Body::Read(Value::Null) => return self.put_record("body", Vec::new()),
            Body::Read(Value::Object(members)) => members,
            Body::Read(_) | Body::Unread => return self.doubts.push(Doubt::WholeBody),
        };
        let mut known = Vec::new();
        for (name, field) in fields.iter().filter(|(name, _)| wanted.has(name)) {
            let Some(value) = members.get(&**name) else {
                continue;
            };
            match Type::value(field, value) {
                Ok(Some(value)) => known.push((name.to_string(), value)),
                Ok(None) => {}
                Err(Unsure) => self.doubts.push(Doubt::Body(name.clone())),
            }
        }
        self.put_record("body", known);
    }

    fn put_record(&mut self, name: &str, members: Vec<(String, RestrictedExpression)>) {
        match RestrictedExpression::new_record(members) {
            Ok(record) => self.put(name, record),
            Err(_) => self.doubts.push(Doubt::WholeBody),
        }
    }

    /// Whether something that `needs` ask for could not be read for sure.
    pub(crate) fn leaves_in_doubt(&self, needs: &Needs) -> bool {
        self.doubts.iter().any(|doubt| match doubt {
            Doubt::Kind(kind) => needs.kinds.contains(*kind),
            Doubt::Query(name) => needs.query.has(name),
            Doubt::Body(name) => needs.body.has(name),
            Doubt::WholeBody => !needs.body.is_none() || !needs.query.is_none(),
            Doubt::Parameter => needs.parameter,
        })
    }

    /// The request that Cedar is asked; `None` if it can't be made.
    pub(crate) fn request(self, asker: &Asker<'_>, op: Op) -> Option<Request> {
        let context = Context::from_pairs(self.members).ok()?;
        let types = TYPES.as_ref()?;
        let principal = uid(&types.client, asker.name);
        let resource = uid(&types.workspace, asker.workspace);
        let action = uid(&types.action, op.id());
        Request::new(principal, action, resource, context, None).ok()
    }
}

/// The entities that a request is about; `None` if they can't be made.
pub(crate) fn entities(asker: &Asker<'_>, op: Op) -> Option<Entities> {
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let attributes = |pairs: &[(&str, &str)]| -> HashMap<String, RestrictedExpression> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), text(value)))
            .collect()
    };
    let client = attributes(&[
        ("name", asker.name),
        ("environment", asker.environment.as_str()),
        ("owner", asker.owner),
        ("purpose", asker.purpose),
        ("workspace", asker.workspace),
    ]);
    let kind = match asker.workspace_kind {
        WorkspaceKind::Sandbox => "sandbox",
        WorkspaceKind::Live => "live",
    };
    let workspace = attributes(&[("name", asker.workspace), ("kind", kind)]);
    let (types, none) = (TYPES.as_ref()?, HashSet::new());
    let entities = [
        Entity::new(uid(&types.client, asker.name), client, none.clone()).ok()?,
        Entity::new(uid(&types.workspace, asker.workspace), workspace, none).ok()?,
        ACTIONS.get(op as usize)?.clone(),
    ];
    Entities::from_entities(entities, None).ok()
}

struct Types {
    client: EntityTypeName,
    workspace: EntityTypeName,
    action: EntityTypeName,
}

static TYPES: LazyLock<Option<Types>> = LazyLock::new(|| {
    Some(Types {
        client: "Client".parse().ok()?,
        workspace: "Workspace".parse().ok()?,
        action: "Action".parse().ok()?,
    })
});

static ACTIONS: LazyLock<Vec<Entity>> = LazyLock::new(|| {
    let Some(types) = TYPES.as_ref() else {
        return Vec::new();
    };
    let action = |op: Op| {
        let groups = groups_of(op).into_iter();
        let groups = groups.map(|name| uid(&types.action, &name)).collect();
        Entity::new_no_attrs(uid(&types.action, op.id()), groups)
    };
    Op::ALL.into_iter().map(action).collect()
});

fn uid(of: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(of.clone(), EntityId::new(id))
}
