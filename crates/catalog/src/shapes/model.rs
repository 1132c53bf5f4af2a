//! What a shape is.

use std::sync::Arc;

use serde_json::Value;

use super::{Format, Pattern};

/// A JSON type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `true` or `false`
    Boolean,
    /// A number with no fraction; `1.0` is one.
    Integer,
    /// Any number.
    Number,
    /// A string.
    String,
    /// An array.
    List,
    /// An object.
    Object,
    /// `null`
    Null,
}

impl Kind {
    /// The name in JSON Schema, as violations spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Boolean => "boolean",
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::String => "string",
            Kind::List => "array",
            Kind::Object => "object",
            Kind::Null => "null",
        }
    }

    /// Whether the value is of this kind.
    pub fn holds(self, value: &Value) -> bool {
        match (self, value) {
            (Kind::Boolean, Value::Bool(_))
            | (Kind::Number, Value::Number(_))
            | (Kind::String, Value::String(_))
            | (Kind::List, Value::Array(_))
            | (Kind::Object, Value::Object(_))
            | (Kind::Null, Value::Null) => true,
            (Kind::Integer, Value::Number(n)) => {
                n.is_i64() || n.is_u64() || n.as_f64().is_some_and(|f| f.fract() == 0.0)
            }
            _ => false,
        }
    }
}

/// Least and greatest count, both included: characters of a string, items of a list, fields of
/// an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    /// The least.
    pub min: Option<usize>,
    /// The greatest.
    pub max: Option<usize>,
}

/// Least and greatest number, both included.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Range {
    /// The least.
    pub min: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
}

/// What an object may hold beside its named fields.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Rest {
    /// Anything.
    #[default]
    Open,
    /// Nothing.
    Closed,
    /// Values of one shape, under any name.
    Each(Arc<Shape>),
}

/// A named part of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// The name on the wire.
    pub name: Box<str>,
    /// Whether the object must have it.
    pub required: bool,
    /// What it must be.
    pub shape: Arc<Shape>,
}

/// A parameter of a path or of a query.
pub type Param = Field;

/// What a JSON value must be. Constraints on strings, numbers, lists and objects bear only on
/// values of that kind.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Shape {
    /// The name it is shared under, if it has one.
    pub name: Option<Arc<str>>,
    /// The kinds it may be of; none named means any.
    pub kinds: Vec<Kind>,
    /// The only values allowed. Where `null` is a kind but not a choice, it is refused.
    pub choices: Option<Arc<[Value]>>,
    /// The format of a string.
    pub format: Option<Format>,
    /// The pattern of a string.
    pub pattern: Option<Pattern>,
    /// The range of a number.
    pub range: Range,
    /// The length of a string, in characters.
    pub length: Bounds,
    /// How many items a list has.
    pub items: Bounds,
    /// What each item of a list is.
    pub item: Option<Arc<Shape>>,
    /// What at least one item of a list is.
    pub having: Option<Arc<Shape>>,
    /// How many fields an object has.
    pub size: Bounds,
    /// The named fields of an object, in the vendor's order.
    pub fields: Vec<Field>,
    /// What else an object may hold.
    pub rest: Rest,
    /// If any are named, at least one must fit.
    pub any_of: Vec<Arc<Shape>>,
    /// If any are named, exactly one must fit.
    pub one_of: Vec<Arc<Shape>>,
    /// None of these may fit.
    pub none_of: Vec<Arc<Shape>>,
    /// The value taken when the field is left out.
    pub default: Option<Value>,
    /// Whether only the vendor sets it. It is a note for readers: a check takes no heed of it.
    pub read_only: bool,
}

impl Shape {
    /// The top-level fields of an object, in the vendor's order.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.iter()
    }

    /// The top-level field of that name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| &*field.name == name)
    }

    /// Whether `null` is allowed.
    pub fn is_nullable(&self) -> bool {
        self.allows(Kind::Null)
            && self
                .choices
                .as_ref()
                .is_none_or(|choices| choices.iter().any(Value::is_null))
    }

    /// Whether a value may be of this kind.
    pub fn allows(&self, kind: Kind) -> bool {
        self.kinds.is_empty()
            || self.kinds.contains(&kind)
            || (kind == Kind::Integer && self.kinds.contains(&Kind::Number))
    }

    /// Puts in the defaults of fields that are left out, at every depth that is reached without
    /// choosing between alternatives.
    pub fn fill_defaults(&self, value: &mut Value) {
        match value {
            Value::Object(map) => {
                for field in &self.fields {
                    match (map.get_mut(&*field.name), &field.shape.default) {
                        (Some(inner), _) => field.shape.fill_defaults(inner),
                        (None, Some(default)) => {
                            map.insert(field.name.to_string(), default.clone());
                        }
                        (None, None) => {}
                    }
                }
            }
            Value::Array(values) => {
                if let Some(item) = &self.item {
                    values
                        .iter_mut()
                        .for_each(|inner| item.fill_defaults(inner));
                }
            }
            _ => {}
        }
    }
}
