//! `--field` and `--raw-field`: from `a[b][]=c` to JSON or a query.

use serde_json::{Map, Value};

use crate::exit::Failure;

/// Deepest nesting of a field's name.
const DEPTH_MAX: usize = 16;

/// Fields, gathered into one object.
#[derive(Debug, Default)]
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Adds `NAME=VALUE`. `true`, `false`, `null` and whole numbers are typed; a value that begins
    /// with `@` is read by `read`.
    pub(super) fn add_typed(
        &mut self,
        text: &str,
        read: impl FnOnce(&str) -> Result<String, Failure>,
    ) -> Result<(), Failure> {
        let (name, value) = split(text)?;
        let value = match value {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            _ => match (value.parse::<i64>(), value.strip_prefix('@')) {
                // Not +5 or 007: those are text, like telephone numbers.
                (Ok(number), _) if number.to_string() == value => number.into(),
                (_, Some(path)) => Value::String(read(path)?),
                _ => Value::String(value.to_owned()),
            },
        };
        self.add(name, value)
    }

    /// Adds `NAME=VALUE` as text.
    pub(super) fn add_text(&mut self, text: &str) -> Result<(), Failure> {
        let (name, value) = split(text)?;
        self.add(name, Value::String(value.to_owned()))
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The fields as a JSON object.
    pub(super) fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    /// The fields as a query; lists repeat their name.
    pub(super) fn into_query(self) -> Result<String, Failure> {
        let mut pairs = Vec::new();
        for (name, value) in self.0 {
            match value {
                Value::Array(items) => {
                    for item in items {
                        pairs.push(pair(&name, &item)?);
                    }
                }
                value => pairs.push(pair(&name, &value)?),
            }
        }
        Ok(pairs.join("&"))
    }

    fn add(&mut self, name: &str, value: Value) -> Result<(), Failure> {
        let wrong = |why: &str| Failure::usage(format_args!("--field {name}: {why}"));
        let (first, rest) = match name.split_once('[') {
            Some((first, rest)) => (first, Some(rest)),
            None => (name, None),
        };
        if first.is_empty() {
            return Err(wrong("the name is empty; write NAME=VALUE"));
        }
        let mut keys = Vec::new();
        if let Some(rest) = rest {
            let inner = rest
                .strip_suffix(']')
                .ok_or_else(|| wrong("a [ has no ] at the end"))?;
            keys.extend(inner.split("]["));
        }
        if keys.len() > DEPTH_MAX || keys.iter().any(|key| key.contains(['[', ']'])) {
            return Err(wrong("write nested names like a[b][c] or a[]"));
        }
        let clash = || wrong("it is given in two shapes, or twice");
        let slot = self.0.entry(first).or_insert(Value::Null);
        put(slot, &keys, value).ok_or_else(clash)
    }
}

/// Puts a value below a slot; none when something else is there.
fn put(slot: &mut Value, keys: &[&str], value: Value) -> Option<()> {
    match keys {
        [] if slot.is_null() => *slot = value,
        [] => return None,
        [""] => {
            if slot.is_null() {
                *slot = Value::Array(Vec::new());
            }
            slot.as_array_mut()?.push(value);
        }
        ["", ..] => return None,
        [key, rest @ ..] => {
            if slot.is_null() {
                *slot = Value::Object(Map::new());
            }
            let below = slot.as_object_mut()?.entry(*key).or_insert(Value::Null);
            return put(below, rest, value);
        }
    }
    Some(())
}

fn split(text: &str) -> Result<(&str, &str), Failure> {
    text.split_once('=')
        .ok_or_else(|| Failure::usage(format_args!("--field {text}: write NAME=VALUE")))
}

fn pair(name: &str, value: &Value) -> Result<String, Failure> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Object(_) | Value::Array(_) => {
            return Err(Failure::usage(format_args!(
                "--field {name}: an object can't stand in a query; use another method, or a plain \
                 name"
            )));
        }
        other => other.to_string(),
    };
    Ok(format!("{}={}", encode(name), encode(&text)))
}

/// A name or value of a query: all but RFC 3986's unreserved characters encoded.
pub(super) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(texts: &[&str]) -> Result<Fields, Failure> {
        let mut fields = Fields::default();
        for text in texts {
            fields.add_typed(text, |path| Ok(format!("<{path}>")))?;
        }
        Ok(fields)
    }

    #[test]
    fn names_nest_and_values_are_typed() {
        let fields = fields(&[
            "a=1",
            "b=true",
            "c=null",
            "d=007",
            "e=@file",
            "f[g][h]=x",
            "f[i]=",
            "j[]=1",
            "j[]=y=z",
        ]);
        let wanted = json!({
            "a": 1, "b": true, "c": null, "d": "007", "e": "<file>",
            "f": {"g": {"h": "x"}, "i": ""}, "j": [1, "y=z"],
        });
        assert_eq!(fields.unwrap().into_value(), wanted);
    }

    #[test]
    fn what_makes_no_object_is_refused() {
        for texts in [
            &["a"][..],
            &["=1"],
            &["[a]=1"],
            &["a[b=1"],
            &["a]b[=1"],
            &["a=1", "a=2"],
            &["a[b]=1", "a=2"],
            &["a[]=1", "a[b]=2"],
            &["a[][b]=1"],
        ] {
            assert!(fields(texts).is_err(), "{texts:?}");
        }
        let deep = format!("a{}=1", "[b]".repeat(40));
        assert!(fields(&[&deep]).is_err());
    }

    #[test]
    fn queries_are_encoded_and_lists_repeat() {
        let made = fields(&["a=1", "b[]=x y", "b[]=&"])
            .unwrap()
            .into_query()
            .unwrap();
        assert_eq!(made, "a=1&b=x%20y&b=%26");
        assert!(fields(&["a[b]=1"]).unwrap().into_query().is_err());
    }
}
