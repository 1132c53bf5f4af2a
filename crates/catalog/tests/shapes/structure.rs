//! What the shapes say, word for word.

use std::collections::BTreeSet;

use doorward_catalog::shapes::{self, Field, Kind, ResponseShape, Rest, Shape};
use serde_json::{Map, Value, json};

use super::vendor::{self, canonical, sorted};

/// The shape as JSON Schema, in the same canonical form.
pub(crate) fn schema(shape: &Shape) -> Value {
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| drop(out.insert(key.into(), value));
    if !shape.kinds.is_empty() {
        put(
            "type",
            sorted(
                shape
                    .kinds
                    .iter()
                    .map(|kind| json!(kind.as_str()))
                    .collect(),
            ),
        );
    }
    if let Some(choices) = &shape.choices {
        put("enum", sorted(choices.to_vec()));
    }
    if let Some(format) = shape.format {
        put("format", json!(format.as_str()));
    }
    if let Some(pattern) = shape.pattern {
        put("pattern", json!(pattern.source()));
    }
    let ends = [("minimum", shape.range.min), ("maximum", shape.range.max)];
    for (key, end) in ends.into_iter().filter_map(|(key, end)| Some((key, end?))) {
        put(key, json!(end));
    }
    let counts = [
        ("minLength", shape.length.min),
        ("maxLength", shape.length.max),
        ("minItems", shape.items.min),
        ("maxItems", shape.items.max),
        ("minProperties", shape.size.min),
        ("maxProperties", shape.size.max),
    ];
    for (key, count) in counts
        .into_iter()
        .filter_map(|(key, count)| Some((key, count?)))
    {
        put(key, json!(count));
    }
    if let Some(item) = &shape.item {
        put("items", schema(item));
    }
    if let Some(having) = &shape.having {
        put("contains", schema(having));
    }
    if !shape.fields.is_empty() {
        let named = shape
            .fields()
            .map(|field| (field.name.to_string(), schema(&field.shape)));
        put("properties", Value::Object(named.collect()));
    }
    let required: Vec<Value> = shape
        .fields()
        .filter(|field| field.required)
        .map(|field| json!(field.name))
        .collect();
    if !required.is_empty() {
        put("required", sorted(required));
    }
    match &shape.rest {
        Rest::Open => {}
        Rest::Closed => put("additionalProperties", json!(false)),
        Rest::Each(each) => put("additionalProperties", schema(each)),
    }
    for (key, each) in [("anyOf", &shape.any_of), ("oneOf", &shape.one_of)] {
        if !each.is_empty() {
            put(key, each.iter().map(|shape| schema(shape)).collect());
        }
    }
    match shape.none_of.as_slice() {
        [] => {}
        [one] => put("not", schema(one)),
        _ => panic!("the document has no such thing"),
    }
    if let Some(default) = &shape.default {
        put("default", default.clone());
    }
    if shape.read_only {
        put("readOnly", json!(true));
    }
    Value::Object(out)
}

/// The first place where two canonical schemas part, to make a failure readable.
fn parting(ours: &Value, theirs: &Value, at: String) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            let null = Value::Null;
            keys.into_iter().find_map(|key| {
                let (a, b) = (a.get(key).unwrap_or(&null), b.get(key).unwrap_or(&null));
                parting(a, b, format!("{at}/{key}"))
            })
        }
        _ if ours == theirs => None,
        _ => Some(format!("{at}: ours {ours}, the document's {theirs}")),
    }
}

fn same(ours: &Shape, theirs: &Value, at: String) {
    if let Some(parting) = parting(&schema(ours), &canonical(theirs), at) {
        panic!("{parting}");
    }
}

#[test]
fn every_operation_is_there_and_no_other() {
    let ours: Vec<&str> = shapes::book().unwrap().ops().map(|op| &*op.id).collect();
    let theirs: Vec<&str> = vendor::operations().into_keys().collect();
    assert_eq!(ours, theirs);
}

#[test]
fn every_operation_of_the_catalog_has_a_shape() {
    for op in doorward_catalog::Op::ALL {
        assert!(shapes::of(op.id()).is_some(), "{}", op.id());
    }
}

#[test]
fn parameters_are_the_documents() {
    for (id, op) in vendor::operations() {
        let ours = shapes::of(id).unwrap();
        for (place, params) in [("path", &ours.path), ("query", &ours.query)] {
            let theirs = vendor::parameters(op, place);
            let names = |fields: &[Field]| -> Vec<String> {
                fields.iter().map(|field| field.name.to_string()).collect()
            };
            let their_names: Vec<&str> = theirs
                .iter()
                .map(|param| param["name"].as_str().unwrap())
                .collect();
            assert_eq!(names(params), their_names, "{id} {place}");
            for (param, their) in params.iter().zip(theirs) {
                assert_eq!(
                    json!(param.required),
                    their["required"],
                    "{id} {}",
                    param.name
                );
                // Any other style than form, exploded, would be read in another way.
                assert!(their.get("style").is_none() && their.get("explode").is_none());
                same(
                    &param.shape,
                    &vendor::inline(&their["schema"]),
                    format!("{id}?{}", param.name),
                );
            }
        }
        let elsewhere = ["header", "cookie"].map(|place| vendor::parameters(op, place).len());
        assert_eq!(elsewhere, [0, 0], "{id}");
    }
}

#[test]
fn bodies_are_the_documents() {
    for (id, op) in vendor::operations() {
        let ours = &shapes::of(id).unwrap().body;
        let Some(theirs) = op.get("requestBody") else {
            assert!(ours.is_none(), "{id}");
            continue;
        };
        let ours = ours.as_ref().unwrap_or_else(|| panic!("{id} takes a body"));
        let required = theirs
            .get("required")
            .and_then(Value::as_bool)
            .unwrap_or(false);
        assert_eq!(ours.required, required, "{id}");
        let (kind, schema) = vendor::content(theirs);
        assert_eq!(kind, "application/json", "{id}");
        same(&ours.shape, &schema, format!("{id} body"));
    }
}

#[test]
fn answers_are_the_documents() {
    for (id, op) in vendor::operations() {
        let ours = &shapes::of(id).unwrap().responses;
        let theirs = op["responses"].as_object().unwrap();
        let statuses: Vec<String> = ours.iter().map(|(status, _)| status.to_string()).collect();
        let mut their_statuses: Vec<&str> = theirs.keys().map(String::as_str).collect();
        their_statuses.sort_unstable();
        assert_eq!(statuses, their_statuses, "{id}");
        for (status, ours) in ours {
            let (kind, schema) = vendor::content(&theirs[&status.to_string()]);
            let at = format!("{id} {status}");
            match ours {
                ResponseShape::Json(shape) => {
                    assert_eq!(kind, "application/json", "{at}");
                    same(shape, &schema, at);
                }
                ResponseShape::Text(content) => {
                    assert_eq!(
                        (&**content, &schema["type"]),
                        (kind, &json!("string")),
                        "{at}"
                    );
                }
                ResponseShape::Empty => {
                    assert_eq!((*status, canonical(&schema)), (204, json!({})), "{at}");
                }
            }
        }
    }
}

#[test]
fn entities_are_the_documents() {
    let ours: Vec<&str> = shapes::book()
        .unwrap()
        .entities()
        .map(|(name, _)| name)
        .collect();
    let theirs = vendor::entities();
    assert_eq!(ours, theirs.keys().copied().collect::<Vec<_>>());
    for (name, schema) in &theirs {
        same(shapes::entity(name).unwrap(), schema, (*name).to_string());
    }
}

#[test]
fn a_blank_value_fits_every_shape() {
    let book = shapes::book().unwrap();
    for (name, shape) in book.entities() {
        let blank = shape.blank();
        shape
            .check(&blank)
            .unwrap_or_else(|e| panic!("{name}: {e}: {blank}"));
        for field in shape.fields() {
            assert_eq!(
                blank.get(&*field.name).is_some(),
                field.required,
                "{name} {}",
                field.name
            );
        }
    }
    for op in book.ops() {
        let answers = op
            .responses
            .iter()
            .filter_map(|(_, response)| response.json());
        let body = op.body.as_ref().map(|body| &*body.shape);
        for shape in answers.chain(body) {
            let blank = shape.blank();
            shape
                .check(&blank)
                .unwrap_or_else(|e| panic!("{}: {e}: {blank}", op.id));
        }
        for param in op.path.iter().chain(&op.query) {
            assert!(
                param.shape.fits(&param.shape.blank()),
                "{} {}",
                op.id,
                param.name
            );
            assert!(
                !param.shape.kinds.contains(&Kind::Object),
                "{} {}",
                op.id,
                param.name
            );
        }
    }
}
