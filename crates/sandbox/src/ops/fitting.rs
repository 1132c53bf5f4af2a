//! A caller for tests that holds every answer against its shape.

use doorward_catalog::{route, shapes};
use serde_json::Value;

use crate::testing;
use crate::world::World;

/// Calls as [`testing::call`] does. The status must be documented and the body fit its shape.
pub(crate) fn call(
    world: &mut World,
    method: &str,
    target: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let (status, answer) = testing::call(world, method, target, body);
    let path = target.split('?').next().unwrap_or_default();
    let op = route(method, path).unwrap().op;
    let shape = shapes::of(op.id()).unwrap().response(status);
    let shape = shape.unwrap_or_else(|| panic!("{op}: {status} is not documented: {answer}"));
    if let Some(shape) = shape.json()
        && let Err(violation) = shape.check(&answer)
    {
        let start: String = answer.to_string().chars().take(2_000).collect();
        panic!("{op}: {status}: {violation}: {start}");
    }
    (status, answer)
}

/// The same where 200 is expected; the body.
pub(crate) fn ok(world: &mut World, method: &str, target: &str, body: Option<Value>) -> Value {
    let (status, answer) = call(world, method, target, body);
    assert_eq!(status, 200, "{method} {target}: {answer}");
    answer
}

/// The items of a page.
pub(crate) fn items(answer: &Value) -> Vec<Value> {
    answer["items"].as_array().unwrap().clone()
}
