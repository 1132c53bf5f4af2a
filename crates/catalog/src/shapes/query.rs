//! From the strings of a URL to values.

use serde_json::{Map, Number, Value};

use super::check::Violation;
use super::model::{Kind, Param, Shape};

/// Reads decoded pairs into the values the parameters want; other names are left out.
pub(super) fn read<N: AsRef<str>, V: AsRef<str>>(
    params: &[Param],
    root: &'static str,
    pairs: &[(N, V)],
) -> Result<Map<String, Value>, Violation> {
    let given = |name: &str| -> Vec<&str> {
        let named = pairs.iter().filter(|(given, _)| given.as_ref() == name);
        named.map(|(_, value)| value.as_ref()).collect()
    };
    // What is missing is said before what is wrong, as the vendor's validator does.
    for param in params.iter().filter(|param| param.required) {
        if given(&param.name).is_empty() {
            return Err(Violation::missing(&param.name).under(root));
        }
    }
    let mut found = Map::new();
    for param in params {
        let Some(value) = coerce(&param.shape, &given(&param.name)) else {
            continue;
        };
        param
            .shape
            .check_field(&param.name, &value)
            .map_err(|violation| violation.under(root))?;
        found.insert(param.name.to_string(), value);
    }
    Ok(found)
}

/// The value of a parameter that was given so many times; `None` if it is absent and has no
/// default. What can't be coerced stays a string, or a list where one value is wanted, so that the
/// check refuses it by its type.
fn coerce(shape: &Shape, values: &[&str]) -> Option<Value> {
    if shape.kinds.contains(&Kind::List) && !values.is_empty() {
        let items = values.iter().map(|text| match &shape.item {
            Some(item) => scalar(item, text),
            None => Value::from(*text),
        });
        return Some(items.collect());
    }
    match values {
        [] => shape.default.clone(),
        [text] => Some(scalar(shape, text)),
        several => Some(several.iter().map(|text| Value::from(*text)).collect()),
    }
}

fn scalar(shape: &Shape, text: &str) -> Value {
    if shape.allows(Kind::String) {
        return Value::from(text);
    }
    if shape.allows(Kind::Integer)
        && let Some(number) = number(text)
    {
        return Value::Number(number);
    }
    match text {
        "true" if shape.allows(Kind::Boolean) => Value::Bool(true),
        "false" if shape.allows(Kind::Boolean) => Value::Bool(false),
        _ => Value::from(text),
    }
}

/// Below it every whole number is its own `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A finite decimal number.
fn number(text: &str) -> Option<Number> {
    let decimal = |c: u8| c.is_ascii_digit() || matches!(c, b'+' | b'-' | b'.' | b'e' | b'E');
    if !text.bytes().all(decimal) {
        return None;
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Number::from(whole));
    }
    let number: f64 = text.parse().ok()?;
    // A whole number is read as one however it is written, so that callers need not tell `1e2`.
    if number.fract() == 0.0 && number.abs() < EXACT {
        return Some(Number::from(number as i64));
    }
    Number::from_f64(number)
}
