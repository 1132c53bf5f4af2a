//! The fields of queries and bodies that policies may ask for, with their types.

use std::fmt::Write;
use std::sync::LazyLock;

use cedar_policy::RestrictedExpression;
use doorward_catalog::Op;
use doorward_catalog::shapes::{self, Field, Kind, Shape};
use serde_json::Value;

/// Most levels of records in records.
const DEPTH_MAX: usize = 4;

/// A type of Cedar's that a field has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Type {
    Bool,
    /// A whole number.
    Long,
    String,
    Set(Box<Type>),
    /// Each member may be left out.
    Record(Fields),
}

/// Names and types, in the vendor's order.
pub(crate) type Fields = Vec<(Box<str>, Type)>;

/// The value is not of the type that the catalog knows, so that nothing can be said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unsure;

/// What an operation takes that policies may ask for.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(crate) query: Fields,
    pub(crate) body: Fields,
    pub(crate) has_parameter: bool,
}

static TAKEN: LazyLock<Vec<Taken>> = LazyLock::new(|| Op::ALL.into_iter().map(read).collect());
static NOTHING: Taken = Taken {
    query: Vec::new(),
    body: Vec::new(),
    has_parameter: false,
};

/// What the operation takes.
pub(crate) fn taken(op: Op) -> &'static Taken {
    TAKEN.get(op as usize).unwrap_or(&NOTHING)
}

fn read(op: Op) -> Taken {
    let Some(shape) = shapes::of(op.id()) else {
        return Taken::default();
    };
    Taken {
        query: fields(&shape.query, 0),
        body: shape
            .body
            .as_ref()
            .map(|body| fields(&body.shape.fields, 0))
            .unwrap_or_default(),
        has_parameter: op.facts().path.contains('{'),
    }
}

fn fields(of: &[Field], depth: usize) -> Fields {
    let typed = |field: &Field| Some((field.name.clone(), Type::of(&field.shape, depth)?));
    of.iter().filter_map(typed).collect()
}

impl Type {
    /// The type of what has one: not of what may be of several kinds, and of lists of plain values
    /// alone.
    fn of(shape: &Shape, depth: usize) -> Option<Type> {
        let mut kinds = shape.kinds.iter().filter(|kind| **kind != Kind::Null);
        let (Some(kind), None) = (kinds.next(), kinds.next()) else {
            return None;
        };
        Some(match kind {
            Kind::Boolean => Type::Bool,
            Kind::Integer | Kind::Number => Type::Long,
            Kind::String => Type::String,
            Kind::List => match Type::of(shape.item.as_ref()?, depth)? {
                Type::Set(_) | Type::Record(_) => return None,
                plain => Type::Set(Box::new(plain)),
            },
            Kind::Object if depth < DEPTH_MAX => match fields(&shape.fields, depth + 1) {
                none if none.is_empty() => return None,
                fields => Type::Record(fields),
            },
            Kind::Object | Kind::Null => return None,
        })
    }

    /// Writes it in Cedar's schema syntax.
    pub(crate) fn write(&self, out: &mut String) {
        match self {
            Type::Bool => out.push_str("Bool"),
            Type::Long => out.push_str("Long"),
            Type::String => out.push_str("String"),
            Type::Set(item) => {
                out.push_str("Set<");
                item.write(out);
                out.push('>');
            }
            Type::Record(fields) => write_record(fields, out),
        }
    }

    /// A value of a body; `None` where there is none.
    pub(crate) fn value(&self, value: &Value) -> Result<Option<RestrictedExpression>, Unsure> {
        Ok(Some(match (self, value) {
            (_, Value::Null) => return Ok(None),
            (Type::Bool, Value::Bool(value)) => RestrictedExpression::new_bool(*value),
            (Type::Long, Value::Number(number)) => {
                RestrictedExpression::new_long(whole(number).ok_or(Unsure)?)
            }
            (Type::String, Value::String(text)) => RestrictedExpression::new_string(text.clone()),
            (Type::Set(item), Value::Array(values)) => {
                let values: Result<Vec<_>, _> = values
                    .iter()
                    .map(|value| item.value(value)?.ok_or(Unsure))
                    .collect();
                RestrictedExpression::new_set(values?)
            }
            (Type::Record(fields), Value::Object(members)) => {
                let mut known = Vec::new();
                for (name, field) in fields {
                    let Some(value) = members.get(&**name) else {
                        continue;
                    };
                    if let Some(value) = field.value(value)? {
                        known.push((name.to_string(), value));
                    }
                }
                RestrictedExpression::new_record(known).map_err(|_| Unsure)?
            }
            _ => return Err(Unsure),
        }))
    }

    /// The value of a parameter of a query, from all that was given under its name.
    pub(crate) fn parameter(&self, given: &[&str]) -> Result<Option<RestrictedExpression>, Unsure> {
        if let Type::Set(item) = self {
            let values: Result<Vec<_>, _> = given.iter().map(|text| item.one(text)).collect();
            return Ok(Some(RestrictedExpression::new_set(values?)));
        }
        match given {
            [] => Ok(None),
            [text] => self.one(text).map(Some),
            // Readers differ in which of two they take.
            _ => Err(Unsure),
        }
    }

    fn one(&self, text: &str) -> Result<RestrictedExpression, Unsure> {
        match self {
            Type::Bool => match text {
                "true" => Ok(RestrictedExpression::new_bool(true)),
                "false" => Ok(RestrictedExpression::new_bool(false)),
                _ => Err(Unsure),
            },
            Type::Long => {
                let number = text.parse().map_err(|_| Unsure)?;
                Ok(RestrictedExpression::new_long(number))
            }
            Type::String => Ok(RestrictedExpression::new_string(text.to_owned())),
            Type::Set(_) | Type::Record(_) => Err(Unsure),
        }
    }
}

/// Writes a record of optional members.
pub(crate) fn write_record(fields: &Fields, out: &mut String) {
    out.push_str("{ ");
    for (n, (name, field)) in fields.iter().enumerate() {
        let before = if n > 0 { ", " } else { "" };
        let _ = write!(out, "{before}{}?: ", Value::from(&**name));
        field.write(out);
    }
    out.push_str(" }");
}

/// A number without a fraction; `1.0` is one, as the API reads it.
fn whole(number: &serde_json::Number) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if let Some(whole) = number.as_i64() {
        return Some(whole);
    }
    let float = number.as_f64()?;
    if float.fract() != 0.0 || float.abs() > EXACT {
        return None;
    }
    format!("{float:.0}").parse().ok()
}
