//! What of a request a policy asks for.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::kind::{Kind, Kinds};

/// Parts of the context that a policy asks for. What it does not ask for is not read.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Needs {
    pub(crate) kinds: Kinds,
    pub(crate) query: Named,
    pub(crate) body: Named,
    pub(crate) parameter: bool,
    pub(crate) leads_in_call: bool,
    pub(crate) now: bool,
    pub(crate) source_ip: bool,
    /// What the client used of the day. It is always told; who asks is to be told the truth of it.
    pub(crate) today: bool,
}

/// Fields of a query or a body.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) enum Named {
    #[default]
    None,
    These(BTreeSet<Box<str>>),
    All,
}

impl Named {
    pub(crate) fn is_none(&self) -> bool {
        *self == Named::None
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        match self {
            Named::None => false,
            Named::These(names) => names.contains(name),
            Named::All => true,
        }
    }

    fn join(&mut self, other: &Named) {
        match other {
            Named::None => {}
            Named::These(names) => names.iter().for_each(|name| self.add(Some(name))),
            Named::All => self.add(None),
        }
    }

    fn add(&mut self, name: Option<&str>) {
        match (&mut *self, name) {
            (Named::All, _) => {}
            (_, None) => *self = Named::All,
            (Named::These(names), Some(name)) => {
                names.insert(name.into());
            }
            (Named::None, Some(name)) => *self = Named::These([name.into()].into()),
        }
    }
}

impl Needs {
    /// Everything.
    pub(crate) fn all() -> Self {
        Self {
            kinds: Kinds::ALL,
            query: Named::All,
            body: Named::All,
            parameter: true,
            leads_in_call: true,
            now: true,
            source_ip: true,
            today: true,
        }
    }

    /// Adds what another asks for.
    pub(crate) fn join(&mut self, other: &Needs) {
        self.kinds = self.kinds.union(other.kinds);
        self.query.join(&other.query);
        self.body.join(&other.body);
        self.parameter |= other.parameter;
        self.leads_in_call |= other.leads_in_call;
        self.now |= other.now;
        self.source_ip |= other.source_ip;
        self.today |= other.today;
    }

    /// What a policy asks for, by its form in JSON.
    pub(crate) fn of(policy: &Value) -> Self {
        let mut needs = Self::default();
        let conditions = policy.get("conditions").and_then(Value::as_array);
        for condition in conditions.into_iter().flatten() {
            if let Some(body) = condition.get("body") {
                needs.walk(body);
            }
        }
        needs
    }

    fn walk(&mut self, expression: &Value) {
        if let Some(path) = context_path(expression) {
            return self.add(&path);
        }
        let Some(members) = expression.as_object() else {
            if let Value::Array(items) = expression {
                items.iter().for_each(|item| self.walk(item));
            }
            return;
        };
        for (name, inner) in members {
            match (name.as_str(), inner) {
                ("Value", _) => {}
                // Its names are the author's own.
                ("Record", Value::Object(fields)) => {
                    fields.values().for_each(|field| self.walk(field));
                }
                (_, Value::Object(_) | Value::Array(_)) => self.walk(inner),
                _ => {}
            }
        }
    }

    fn add(&mut self, path: &[&str]) {
        let Some((first, rest)) = path.split_first() else {
            *self = Self::all();
            return;
        };
        if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.field() == *first) {
            self.kinds.insert(kind);
        }
        match *first {
            "query" => self.query.add(rest.first().copied()),
            "body" => self.body.add(rest.first().copied()),
            "parameter" => self.parameter = true,
            "leads_in_call" => self.leads_in_call = true,
            "now" => self.now = true,
            "source_ip" => self.source_ip = true,
            "leads_today" | "calls_today" => self.today = true,
            _ => {}
        }
    }
}

/// The names in `context.a.b` or `context has a`; `None` for any other expression.
fn context_path(expression: &Value) -> Option<Vec<&str>> {
    let members = expression.as_object()?;
    if members.get("Var").and_then(Value::as_str) == Some("context") {
        return Some(Vec::new());
    }
    let access = members.get(".").or_else(|| members.get("has"))?;
    let mut path = context_path(access.get("left")?)?;
    path.push(access.get("attr")?.as_str()?);
    Some(path)
}

/// Whether a policy asks if a set of ids holds some, without asking for `"*"`: a call that reaches
/// things without naming them would pass it by.
pub(crate) fn overlooks_any(policy: &Value) -> bool {
    let mut found = Found::default();
    found.walk(policy.get("conditions").unwrap_or(&Value::Null));
    found.asks_for_some && !found.any
}

/// The strings that a policy's conditions have.
pub(crate) fn literals(policy: &Value) -> Vec<String> {
    let mut found = Found::default();
    found.walk(policy.get("conditions").unwrap_or(&Value::Null));
    found.literals
}

#[derive(Default)]
struct Found {
    asks_for_some: bool,
    any: bool,
    literals: Vec<String>,
}

impl Found {
    fn walk(&mut self, expression: &Value) {
        match expression {
            Value::Array(items) => items.iter().for_each(|item| self.walk(item)),
            Value::Object(members) => {
                for (name, inner) in members {
                    match (name.as_str(), inner) {
                        ("Value", Value::String(text)) => {
                            self.any |= text == crate::places::ANY;
                            self.literals.push(text.clone());
                        }
                        ("contains" | "containsAny", Value::Object(_)) => {
                            let of = inner.get("left").and_then(context_path);
                            let ids = |path: &Vec<&str>| {
                                let mut kinds = Kind::ALL.into_iter();
                                kinds.any(|kind| path.as_slice() == [kind.field()])
                            };
                            let right = inner.get("right").and_then(context_path);
                            self.asks_for_some |= of.as_ref().is_some_and(ids)
                                || (name == "containsAny" && right.as_ref().is_some_and(ids));
                            self.walk(inner);
                        }
                        _ => self.walk(inner),
                    }
                }
            }
            _ => {}
        }
    }
}
