//! The vendor's OpenAPI document, read where the facts are. It is not optional: without it the
//! tests fail.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

pub(crate) static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let folder = std::env::var_os("DOORWARD_FACTS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/facts"),
        PathBuf::from,
    );
    let path = folder.join("instantly-openapi.json");
    let text = std::fs::read(&path)
        .unwrap_or_else(|e| panic!("{}: {e}; set DOORWARD_FACTS to its folder", path.display()));
    serde_json::from_slice(&text).unwrap()
});

/// Every operation of the document, by `operationId`.
pub(crate) fn operations() -> BTreeMap<&'static str, &'static Value> {
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let operations = paths
        .values()
        .flat_map(|item| item.as_object().unwrap().values());
    let found: BTreeMap<_, _> = operations
        .map(|op| (op["operationId"].as_str().unwrap(), op))
        .collect();
    assert_eq!(found.len(), 173);
    found
}

/// Every entity of the document, references put in.
pub(crate) fn entities() -> BTreeMap<&'static str, Value> {
    let schemas = DOCUMENT["components"]["schemas"].as_object().unwrap();
    schemas
        .iter()
        .map(|(name, schema)| (name.as_str(), inline(schema)))
        .collect()
}

/// The parameters in `path` or `query`.
pub(crate) fn parameters(op: &'static Value, place: &str) -> Vec<&'static Value> {
    let all = op.get("parameters").and_then(Value::as_array);
    all.into_iter()
        .flatten()
        .filter(|param| param["in"] == place)
        .collect()
}

/// Content type and schema of the one content of a body or an answer.
pub(crate) fn content(of: &Value) -> (&str, Value) {
    let content = of["content"].as_object().unwrap();
    assert_eq!(content.len(), 1);
    let (kind, media) = content.iter().next().unwrap();
    (kind, inline(&media["schema"]))
}

/// The schema with every reference replaced by what it refers to.
pub(crate) fn inline(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get("$ref") {
                assert_eq!(map.len(), 1, "a reference stands alone");
                let pointer = reference.strip_prefix('#').unwrap();
                return inline(DOCUMENT.pointer(pointer).unwrap());
            }
            let each = map.iter().map(|(key, value)| (key.clone(), inline(value)));
            Value::Object(each.collect())
        }
        Value::Array(values) => values.iter().map(inline).collect(),
        other => other.clone(),
    }
}

/// One way of writing a schema for all that mean the same: only the words that decide, none that
/// bear on no kind the schema allows, every set sorted.
pub(crate) fn canonical(schema: &Value) -> Value {
    let map = schema.as_object().unwrap();
    let mut out = Map::new();
    let kinds: Vec<String> = match map.get("type") {
        None => Vec::new(),
        Some(Value::String(kind)) => vec![kind.clone()],
        Some(kinds) => serde_json::from_value(kinds.clone()).unwrap(),
    };
    let has = |kind: &str| kinds.is_empty() || kinds.iter().any(|own| own == kind);
    if !kinds.is_empty() {
        out.insert(
            "type".into(),
            sorted(kinds.iter().map(|kind| json!(kind)).collect()),
        );
    }
    let mut required: Vec<Value> = Vec::new();
    let mut properties = Map::new();
    for (key, value) in map {
        match key.as_str() {
            "enum" => drop(out.insert(key.clone(), sorted(value.as_array().unwrap().clone()))),
            "default" | "readOnly" => drop(out.insert(key.clone(), value.clone())),
            "format" | "pattern" | "minLength" | "maxLength" if has("string") => {
                out.insert(key.clone(), value.clone());
            }
            "minimum" | "maximum" if has("number") || has("integer") => {
                out.insert(key.clone(), json!(value.as_f64().unwrap()));
            }
            "minItems" | "maxItems" if has("array") => {
                out.insert(key.clone(), value.clone());
            }
            "items" | "contains" if has("array") => {
                out.insert(key.clone(), canonical(value));
            }
            "minProperties" | "maxProperties" if has("object") => {
                out.insert(key.clone(), value.clone());
            }
            "required" if has("object") => required = value.as_array().unwrap().clone(),
            "properties" if has("object") => {
                for (name, schema) in value.as_object().unwrap() {
                    properties.insert(name.clone(), canonical(schema));
                }
            }
            "additionalProperties" if has("object") => match value {
                Value::Bool(true) => {}
                Value::Bool(false) => drop(out.insert(key.clone(), value.clone())),
                schema => drop(out.insert(key.clone(), canonical(schema))),
            },
            "anyOf" | "oneOf" => {
                let each = value.as_array().unwrap().iter().map(canonical);
                out.insert(key.clone(), each.collect());
            }
            "not" => drop(out.insert(key.clone(), canonical(value))),
            "allOf" => return closed_with_optional(value.as_array().unwrap()),
            // Nothing that decides may be passed over unknown.
            "type"
            | "description"
            | "example"
            | "title"
            | "deprecated"
            | "examples"
            | "x-enumDescriptions"
            | "x-group"
            | "x-tags"
            | "format"
            | "pattern"
            | "minLength"
            | "maxLength"
            | "minimum"
            | "maximum"
            | "minItems"
            | "maxItems"
            | "items"
            | "contains"
            | "required"
            | "properties"
            | "additionalProperties"
            | "minProperties"
            | "maxProperties" => {}
            other => panic!("the document uses `{other}`, which the shapes do not know"),
        }
    }
    // A name that is only required is a property of any kind.
    for name in &required {
        properties
            .entry(name.as_str().unwrap())
            .or_insert_with(|| json!({}));
    }
    if !properties.is_empty() {
        out.insert("properties".into(), Value::Object(properties));
    }
    if !required.is_empty() {
        out.insert("required".into(), sorted(required));
    }
    Value::Object(out)
}

/// `allOf` as the document uses it: a closed object, and an open one that adds optional properties.
/// The closed one refuses those, so it alone decides.
fn closed_with_optional(all: &[Value]) -> Value {
    let [closed, open] = all else {
        panic!("an allOf of two")
    };
    assert_eq!(closed["additionalProperties"], false);
    assert!(open.get("required").is_none() && open.get("additionalProperties").is_none());
    for name in open["properties"].as_object().unwrap().keys() {
        assert!(closed["properties"].get(name).is_none());
    }
    canonical(closed)
}

pub(crate) fn sorted(mut values: Vec<Value>) -> Value {
    values.sort_by_key(Value::to_string);
    Value::Array(values)
}
