//! Holding a value against a shape. Violations are worded as Fastify and its validator (ajv) word
//! them, because that is what callers of the vendor's API see.

use std::fmt::{self, Write as _};

use serde_json::{Map, Value};

use super::model::{Bounds, Kind, Rest, Shape};

/// A name from outside can be as long as the request; what is quoted back is not.
const MAX_POINTER: usize = 512;

/// Why a value does not fit a shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    root: &'static str,
    /// Pointer and message. Where alternatives were tried, one for each, then one for all.
    faults: Vec<(String, String)>,
}

impl Violation {
    /// The same violation of something else than `body`: `querystring`, `params`, `response`.
    pub fn under(self, root: &'static str) -> Violation {
        Violation { root, ..self }
    }

    /// The JSON pointer to the first fault; empty for the whole value.
    pub fn pointer(&self) -> &str {
        self.faults.first().map_or("", |(pointer, _)| pointer)
    }

    pub(super) fn missing(name: &str) -> Violation {
        Violation::new(&[], required(name))
    }

    fn new(path: &[Step<'_>], message: String) -> Violation {
        Violation {
            root: "body",
            faults: vec![(pointer(path), message)],
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (pointer, message)) in self.faults.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{}{pointer} {message}", self.root)?;
        }
        Ok(())
    }
}

impl std::error::Error for Violation {}

#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

type Path<'a> = Vec<Step<'a>>;

impl Shape {
    /// Holds a value against this shape. The depth is bounded by the shape's own: what lies below
    /// it in the value is not looked at.
    ///
    /// # Errors
    /// The first violation, worded as one of a request's `body`.
    pub fn check(&self, value: &Value) -> Result<(), Violation> {
        check(self, value, &mut Vec::new())
    }

    pub(super) fn check_field(&self, name: &str, value: &Value) -> Result<(), Violation> {
        check(self, value, &mut vec![Step::Key(name)])
    }

    /// Whether the value fits.
    pub fn fits(&self, value: &Value) -> bool {
        self.check(value).is_ok()
    }
}

/// The order of the checks is ajv's: what is wrong with a value in two ways is reported alike.
fn check<'a>(shape: &'a Shape, value: &'a Value, path: &mut Path<'a>) -> Result<(), Violation> {
    if !shape.kinds.is_empty() && !shape.kinds.iter().any(|kind| kind.holds(value)) {
        let names: Vec<_> = shape.kinds.iter().copied().map(Kind::as_str).collect();
        return Err(Violation::new(path, format!("must be {}", names.join(","))));
    }
    match value {
        Value::Number(number) => check_number(shape, number.as_f64(), path)?,
        Value::String(text) => check_string(shape, text, path)?,
        _ => {}
    }
    if let Some(choices) = &shape.choices
        && !choices.iter().any(|choice| same(choice, value))
    {
        return Err(Violation::new(
            path,
            "must be equal to one of the allowed values".into(),
        ));
    }
    check_alternatives(shape, value, path)?;
    match value {
        Value::Array(values) => check_list(shape, values, path),
        Value::Object(map) => check_object(shape, map, path),
        _ => Ok(()),
    }
}

fn check_number(shape: &Shape, number: Option<f64>, path: &Path<'_>) -> Result<(), Violation> {
    let Some(number) = number else { return Ok(()) };
    if let Some(max) = shape.range.max
        && number > max
    {
        return Err(Violation::new(path, format!("must be <= {max}")));
    }
    if let Some(min) = shape.range.min
        && number < min
    {
        return Err(Violation::new(path, format!("must be >= {min}")));
    }
    Ok(())
}

fn check_string(shape: &Shape, text: &str, path: &Path<'_>) -> Result<(), Violation> {
    if shape.length != Bounds::default() {
        check_bounds(shape.length, text.chars().count(), "characters", path)?;
    }
    if let Some(pattern) = shape.pattern
        && !pattern.holds(text)
    {
        return Err(Violation::new(
            path,
            format!("must match pattern \"{}\"", pattern.source()),
        ));
    }
    if let Some(format) = shape.format
        && !format.holds(text)
    {
        return Err(Violation::new(
            path,
            format!("must match format \"{}\"", format.as_str()),
        ));
    }
    Ok(())
}

fn check_bounds(
    bounds: Bounds,
    count: usize,
    what: &str,
    path: &Path<'_>,
) -> Result<(), Violation> {
    if let Some(max) = bounds.max
        && count > max
    {
        return Err(Violation::new(
            path,
            format!("must NOT have more than {max} {what}"),
        ));
    }
    if let Some(min) = bounds.min
        && count < min
    {
        return Err(Violation::new(
            path,
            format!("must NOT have fewer than {min} {what}"),
        ));
    }
    Ok(())
}

fn check_alternatives<'a>(
    shape: &'a Shape,
    value: &'a Value,
    path: &mut Path<'a>,
) -> Result<(), Violation> {
    let mut fits = |shape: &'a Shape, faults: &mut Vec<_>| match check(shape, value, path) {
        Ok(()) => true,
        Err(violation) => {
            faults.extend(violation.faults);
            false
        }
    };
    let mut faults = Vec::new();
    if shape.none_of.iter().any(|other| fits(other, &mut faults)) {
        return Err(Violation::new(path, "must NOT be valid".into()));
    }
    faults.clear();
    if !shape.any_of.is_empty() && !shape.any_of.iter().any(|other| fits(other, &mut faults)) {
        faults.push((pointer(path), "must match a schema in anyOf".into()));
        return Err(Violation {
            root: "body",
            faults,
        });
    }
    faults.clear();
    if !shape.one_of.is_empty() {
        let fitting = shape
            .one_of
            .iter()
            .filter(|other| fits(other, &mut faults))
            .count();
        if fitting != 1 {
            if fitting > 1 {
                faults.clear();
            }
            faults.push((
                pointer(path),
                "must match exactly one schema in oneOf".into(),
            ));
            return Err(Violation {
                root: "body",
                faults,
            });
        }
    }
    Ok(())
}

fn check_list<'a>(
    shape: &'a Shape,
    values: &'a [Value],
    path: &mut Path<'a>,
) -> Result<(), Violation> {
    check_bounds(shape.items, values.len(), "items", path)?;
    if let Some(item) = &shape.item {
        for (index, value) in values.iter().enumerate() {
            inside(item, value, Step::Index(index), path)?;
        }
    }
    if let Some(having) = &shape.having
        && !values.iter().any(|value| having.fits(value))
    {
        return Err(Violation::new(
            path,
            "must contain at least 1 valid item(s)".into(),
        ));
    }
    Ok(())
}

fn check_object<'a>(
    shape: &'a Shape,
    map: &'a Map<String, Value>,
    path: &mut Path<'a>,
) -> Result<(), Violation> {
    check_bounds(shape.size, map.len(), "properties", path)?;
    for field in shape.fields.iter().filter(|field| field.required) {
        if !map.contains_key(&*field.name) {
            return Err(Violation::new(path, required(&field.name)));
        }
    }
    let mut others = map.iter().filter(|(name, _)| shape.field(name).is_none());
    match &shape.rest {
        Rest::Open => {}
        Rest::Closed => {
            if others.next().is_some() {
                return Err(Violation::new(
                    path,
                    "must NOT have additional properties".into(),
                ));
            }
        }
        Rest::Each(each) => {
            for (name, value) in others {
                inside(each, value, Step::Key(name), path)?;
            }
        }
    }
    for field in &shape.fields {
        if let Some(value) = map.get(&*field.name) {
            inside(&field.shape, value, Step::Key(&field.name), path)?;
        }
    }
    Ok(())
}

fn inside<'a>(
    shape: &'a Shape,
    value: &'a Value,
    step: Step<'a>,
    path: &mut Path<'a>,
) -> Result<(), Violation> {
    path.push(step);
    let result = check(shape, value, path);
    path.pop();
    result
}

fn required(name: &str) -> String {
    format!("must have required property '{name}'")
}

/// JSON equality: `1` and `1.0` are the same number.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left == right || left.as_f64() == right.as_f64()
        }
        _ => left == right,
    }
}

fn pointer(path: &[Step<'_>]) -> String {
    let mut text = String::new();
    for step in path {
        text.push('/');
        match step {
            // Writing to a string does not fail.
            Step::Index(index) => drop(write!(text, "{index}")),
            Step::Key(key) => {
                for c in key.chars() {
                    match c {
                        '~' => text.push_str("~0"),
                        '/' => text.push_str("~1"),
                        c => text.push(c),
                    }
                    if text.len() > MAX_POINTER {
                        text.push('…');
                        return text;
                    }
                }
            }
        }
    }
    text
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
