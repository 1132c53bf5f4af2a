//! Values made from a JSON Schema, and values a little beside it. The seed decides everything.

use fastrand::Rng;
use serde_json::{Map, Value, json};

/// Strings that are of a format or a pattern, and the names they go by in the document.
const GOOD: &[(&str, &[&str])] = &[
    (
        "uuid",
        &[
            "019ffad2-9ba1-7bc9-8d59-2dc06bc9bc75",
            "00000000-0000-0000-0000-00000000000A",
        ],
    ),
    ("email", &["a@b.example", "First.Last+tag@mail.example.com"]),
    ("date", &["2024-02-29", "1999-12-31"]),
    (
        "date-time",
        &["2024-02-29T10:20:30Z", "2024-01-01T00:00:00.123+02:00"],
    ),
    (
        "uri",
        &[
            "https://hooks.example.com/in?x=1",
            "http://a.example:8080/%20#f",
        ],
    ),
    (
        "^([01][0-9]|2[0-3]):([0-5][0-9])$",
        &["00:00", "09:30", "23:59"],
    ),
    (".*\\S.*", &["x", " name "]),
    ("^https?://", &["https://hooks.example.com/", "http://x"]),
    (
        "^[0-9a-fA-F]{8}-",
        &["019ffad2-9ba1-7bc9-8d59-2dc06bc9bc75"],
    ),
    ("^ptid_(?!ptid_)", &["ptid_a", "ptid_0-_Z"]),
    ("^\\s*$|^(ptid_)?(?!ptid_)", &["", " ", "abc", "ptid_abc"]),
];

/// Strings that are of some format, or nearly.
const BESIDE: &[&str] = &[
    "",
    " ",
    "x",
    "@b.example",
    "24:00",
    "9:30",
    "2023-02-29",
    "2024-13-01",
    "2024-01-01T10:00:00",
    "2024-01-01T25:00:00Z",
    "019ffad29ba17bc98d592dc06bc9bc75",
    "019ffad2-9ba1-7bc9-8d59-2dc06bc9bc7g",
    "ftp://a.example/",
    "http://a b/",
    "//a.example",
    "ptid_ptid_x",
    "ptid_",
    "a b",
    "a.very.long.string.that.goes.on.and.on.and.on.to.pass.fifty.characters",
    "true",
    "null",
    "1",
];

/// A value that fits the schema, as far as can be told without a validator.
pub(crate) fn fitting(schema: &Value, rng: &mut Rng) -> Value {
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        return choices[rng.usize(..choices.len())].clone();
    }
    for key in ["oneOf", "anyOf"] {
        // Beside other words, alternatives only add to what must be there.
        if let Some(each) = schema.get(key).and_then(Value::as_array) {
            let chosen = fitting_in(&each[rng.usize(..each.len())], schema, rng);
            let own = schema.get("properties").map(|_| object(schema, rng));
            return match (own, chosen) {
                (Some(Value::Object(mut own)), Value::Object(chosen)) => {
                    own.extend(chosen);
                    Value::Object(own)
                }
                (_, chosen) => chosen,
            };
        }
    }
    if let Some(all) = schema.get("allOf") {
        return fitting(&all[0], rng);
    }
    let kind = match &schema["type"] {
        Value::String(kind) => kind.as_str(),
        Value::Array(kinds) => kinds[rng.usize(..kinds.len())].as_str().unwrap(),
        _ if schema.get("properties").is_some() => "object",
        _ => ["string", "number", "null", "boolean"][rng.usize(..4)],
    };
    match kind {
        "null" => Value::Null,
        "boolean" => rng.bool().into(),
        "integer" | "number" => number(schema, rng),
        "string" => string(schema, rng).into(),
        "array" => {
            let end = |key| {
                schema
                    .get(key)
                    .and_then(Value::as_u64)
                    .map(|count| count as usize)
            };
            let least = end("minItems").unwrap_or(0);
            let most = end("maxItems").unwrap_or(least + 3).min(least + 3);
            let any = json!({});
            let item = schema.get("items").unwrap_or(&any);
            (0..rng.usize(least..=most))
                .map(|_| fitting(item, rng))
                .collect()
        }
        "object" => object(schema, rng),
        other => panic!("{other}"),
    }
}

/// An alternative that names properties without saying what they are has them from around it.
fn fitting_in(alternative: &Value, around: &Value, rng: &mut Rng) -> Value {
    let Some(required) = alternative.get("required").and_then(Value::as_array) else {
        return fitting(alternative, rng);
    };
    let mut made = object(alternative, rng);
    for name in required.iter().filter_map(Value::as_str) {
        if alternative
            .pointer(&format!("/properties/{name}"))
            .is_none()
            && let Some(schema) = around.pointer(&format!("/properties/{name}"))
        {
            made[name] = fitting(schema, rng);
        }
    }
    made
}

fn object(schema: &Value, rng: &mut Rng) -> Value {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut made = Map::new();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if required.contains(&name.as_str()) || rng.u8(..5) < 2 {
            made.insert(name.clone(), fitting(property, rng));
        }
    }
    if let Some(each @ Value::Object(_)) = schema.get("additionalProperties") {
        for name in ["first", "2nd/~"].iter().take(rng.usize(..3)) {
            made.insert((*name).to_string(), fitting(each, rng));
        }
    }
    Value::Object(made)
}

fn number(schema: &Value, rng: &mut Rng) -> Value {
    let end = |key| schema.get(key).and_then(Value::as_f64);
    let least = end("minimum").unwrap_or(0.0);
    let most = end("maximum").unwrap_or(least + 1000.0);
    match rng.u8(..4) {
        0 => json!(least as i64),
        1 => json!(most as i64),
        // Written with a fraction, but whole.
        2 => json!((least + 1.0).min(most)),
        _ => json!(rng.i64(least as i64..=most as i64)),
    }
}

fn string(schema: &Value, rng: &mut Rng) -> String {
    for key in ["pattern", "format"] {
        if let Some(name) = schema.get(key).and_then(Value::as_str) {
            let (_, good) = GOOD
                .iter()
                .find(|(known, _)| name == *known || (key == "pattern" && name.starts_with(known)))
                .unwrap_or_else(|| panic!("no strings of {name}"));
            return good[rng.usize(..good.len())].to_owned();
        }
    }
    let least = schema.get("minLength").and_then(Value::as_u64).unwrap_or(0) as usize;
    let most = schema
        .get("maxLength")
        .and_then(Value::as_u64)
        .unwrap_or(12) as usize;
    (0..rng.usize(least..=most.max(least)))
        .map(|_| ['a', 'Z', '0', ' ', 'é'][rng.usize(..5)])
        .collect()
}

/// Changes the value at one random place: the schema may or may not still fit.
pub(crate) fn change(value: &mut Value, rng: &mut Rng) {
    // Go down with even chances, so that deep places are reached too.
    match value {
        Value::Object(map) if !map.is_empty() && rng.u8(..4) > 0 => {
            let at = rng.usize(..map.len());
            return change(map.values_mut().nth(at).unwrap(), rng);
        }
        Value::Array(values) if !values.is_empty() && rng.u8(..4) > 0 => {
            let at = rng.usize(..values.len());
            return change(&mut values[at], rng);
        }
        _ => {}
    }
    match value {
        Value::Object(map) if rng.bool() => {
            if rng.bool() || map.is_empty() {
                map.insert("unheard-of".into(), scalar(rng));
            } else {
                let name = map.keys().nth(rng.usize(..map.len())).unwrap().clone();
                map.remove(&name);
            }
        }
        Value::Array(values) if rng.bool() => match rng.u8(..3) {
            0 => drop(values.pop()),
            1 => values.clear(),
            _ => {
                let item = values.first().cloned().unwrap_or(Value::Null);
                values.resize(values.len() + [1, 30, 250][rng.usize(..3)], item);
            }
        },
        Value::Number(number) if rng.bool() => {
            let number = number.as_f64().unwrap();
            *value = match rng.u8(..5) {
                0 => json!(number + 0.5),
                1 => json!(number - 1.0),
                2 => json!(number + 1.0),
                3 => json!(-number),
                _ => json!(number * 1000.0),
            };
        }
        Value::String(_) if rng.bool() => *value = BESIDE[rng.usize(..BESIDE.len())].into(),
        _ => *value = scalar(rng),
    }
}

fn scalar(rng: &mut Rng) -> Value {
    match rng.u8(..9) {
        0 => Value::Null,
        1 => rng.bool().into(),
        2 => json!(rng.i64(-3..40)),
        3 => json!(rng.f64() * 100.0),
        4 => json!([]),
        5 => json!({}),
        6 => json!([scalar(rng)]),
        7 => json!({"key": scalar(rng)}),
        _ => BESIDE[rng.usize(..BESIDE.len())].into(),
    }
}
