//! What the shapes take and refuse, against an independent validator of the vendor's schemas.

use doorward_catalog::shapes::{self, Param, Shape};
use fastrand::Rng;
use jsonschema::Validator;
use serde_json::{Value, json};

use super::generate::{change, fitting};
use super::vendor;

/// Values made for each schema, each fitting and then changed once or more.
const ROUNDS: usize = 40;

/// How often the validator took or refused what was made.
#[derive(Default)]
struct Seen {
    taken: usize,
    refused: usize,
}

fn validator(schema: &Value) -> Validator {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .build(schema)
        .unwrap()
}

fn compare(at: &str, shape: &Shape, schema: &Value, seed: u64) -> Seen {
    let validator = validator(schema);
    let mut rng = Rng::with_seed(seed);
    let mut seen = Seen::default();
    let mut judge = |value: &Value| {
        let theirs = validator.is_valid(value);
        let ours = shape.check(value);
        assert_eq!(
            ours.is_ok(),
            theirs,
            "{at}: ours {ours:?}, theirs {:?}: {value}",
            validator
                .validate(value)
                .err()
                .map(|error| error.to_string()),
        );
        *(if theirs {
            &mut seen.taken
        } else {
            &mut seen.refused
        }) += 1;
    };
    for _ in 0..ROUNDS {
        let mut value = fitting(schema, &mut rng);
        judge(&value);
        for _ in 0..3 {
            change(&mut value, &mut rng);
            judge(&value);
        }
    }
    for value in [
        json!(null),
        json!({}),
        json!([]),
        json!("x"),
        json!(0),
        json!(false),
    ] {
        judge(&value);
    }
    seen
}

#[test]
fn bodies_are_taken_and_refused_alike() {
    let mut count = 0;
    for (seed, (id, op)) in vendor::operations().into_iter().enumerate() {
        let Some(theirs) = op.get("requestBody") else {
            continue;
        };
        let (_, schema) = vendor::content(theirs);
        let ours = shapes::of(id).unwrap().body.as_ref().unwrap();
        let seen = compare(id, &ours.shape, &schema, seed as u64);
        // A comparison in which one side never shows proves nothing.
        let least = if schema["type"] == "null" {
            1
        } else {
            ROUNDS / 4
        };
        assert!(seen.taken >= least, "{id}: only {} were taken", seen.taken);
        assert!(
            seen.refused >= 5,
            "{id}: only {} were refused",
            seen.refused
        );
        count += 1;
    }
    assert_eq!(count, 85);
}

#[test]
fn answers_are_taken_and_refused_alike() {
    let (mut taken, mut refused) = (0, 0);
    for (seed, (id, op)) in vendor::operations().into_iter().enumerate() {
        for (status, ours) in &shapes::of(id).unwrap().responses {
            // The common failures are one shape; one operation shows it as well as all.
            let Some(shape) = ours
                .json()
                .filter(|shape| *status < 300 || shape.name.is_none())
            else {
                continue;
            };
            let (_, schema) = vendor::content(&op["responses"][status.to_string()]);
            let seen = compare(
                &format!("{id} {status}"),
                shape,
                &schema,
                1000 + seed as u64,
            );
            taken += seen.taken;
            refused += seen.refused;
        }
    }
    assert!(
        taken > 5000 && refused > 5000,
        "{taken} taken, {refused} refused"
    );
}

#[test]
fn entities_are_taken_and_refused_alike() {
    for (seed, (name, schema)) in vendor::entities().into_iter().enumerate() {
        let seen = compare(
            name,
            shapes::entity(name).unwrap(),
            &schema,
            2000 + seed as u64,
        );
        assert!(seen.taken >= ROUNDS / 4 && seen.refused >= 5, "{name}");
    }
}

/// The value a single text stands for under the schema's type, by the validator's own lights.
fn coerced(schema: &Value, text: &str) -> Value {
    match schema["type"].as_str().unwrap() {
        "integer" | "number" => text
            .parse::<f64>()
            .map_or(json!(text), |number| json!(number)),
        "boolean" if text == "true" || text == "false" => json!(text == "true"),
        "array" => json!([coerced(&schema["items"], text)]),
        _ => json!(text),
    }
}

#[test]
fn parameters_are_taken_and_refused_alike() {
    let texts = [
        "",
        " ",
        "0",
        "1",
        "-1",
        "1.0",
        "1.5",
        "100",
        "101",
        "1001",
        "-99",
        "true",
        "false",
        "yes",
        "asc",
        "email_sent",
        "2024-02-29",
        "2024-02-30",
        "a@b.example",
        "@b.example",
        "019ffad2-9ba1-7bc9-8d59-2dc06bc9bc75",
        "019ffad2-9ba1-7bc9-8d59-2dc06bc9bc7",
        "custom",
    ];
    let mut count = 0;
    for (id, op) in vendor::operations() {
        let ours = shapes::of(id).unwrap();
        for (place, params) in [("path", &ours.path), ("query", &ours.query)] {
            for (param, their) in params.iter().zip(vendor::parameters(op, place)) {
                let schema = vendor::inline(&their["schema"]);
                let validator = validator(&schema);
                for text in texts {
                    let (name, alone) = (&*param.name, only(param));
                    let read = match place {
                        "path" => alone.read_path(&[(name, text)]),
                        _ => alone.read_query(&[(name, text)]),
                    };
                    let value = coerced(&schema, text);
                    let theirs = validator.is_valid(&value);
                    assert_eq!(read.is_ok(), theirs, "{id} {name} {text:?}: {read:?}");
                    if let Ok(read) = read {
                        assert_eq!(same_number(&read[name]), value, "{id} {name} {text:?}");
                    }
                }
                count += 1;
            }
        }
    }
    assert_eq!(count, 242);
}

/// An operation with this parameter alone.
fn only(param: &Param) -> shapes::OpShape {
    let params = vec![param.clone()];
    shapes::OpShape {
        path: params.clone(),
        query: params,
        ..shapes::OpShape::default()
    }
}

fn same_number(value: &Value) -> Value {
    value
        .as_f64()
        .map_or_else(|| value.clone(), |number| json!(number))
}
