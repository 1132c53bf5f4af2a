//! Helpers of this crate's unit tests.

use std::sync::LazyLock;

use http::{HeaderMap, HeaderValue, header};
use serde_json::Value;

use crate::clock::Clock;
use crate::pipeline::{self, Gate, Handled};
use crate::request::{Incoming, Outgoing};
use crate::seed;
use crate::settings::Settings;
use crate::world::World;

/// 2026-03-02T10:00:00Z.
pub(crate) const NOW: i64 = 1_772_445_600_000;

static WORLD: LazyLock<World> =
    LazyLock::new(|| seed::world(7, Clock::frozen(NOW), Settings::default()));

/// A seeded world whose clock stands still at [`NOW`].
pub(crate) fn world() -> World {
    WORLD.clone()
}

/// Calls an operation, through the whole pipeline, with the widest key of the first workspace:
/// status and body (`null` when it is not JSON). Nothing is counted against limits.
pub(crate) fn call(
    world: &mut World,
    method: &str,
    target: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let key = key(world, 0, 0);
    let answer = call_as(world, &key, method, target, body);
    (answer.status, answer.value())
}

/// The key at a place of the workspace at a place.
pub(crate) fn key(world: &World, workspace: usize, key: usize) -> String {
    let (_, workspace) = world.workspaces.get_index(workspace).unwrap();
    let row = workspace.api_keys.iter().nth(key).unwrap();
    row["key"].as_str().unwrap().to_owned()
}

/// The same with a key of one's own.
pub(crate) fn call_as(
    world: &mut World,
    key: &str,
    method: &str,
    target: &str,
    body: Option<Value>,
) -> Outgoing {
    request(
        world,
        &mut Gate::default(),
        &incoming(key, method, target, body),
    )
}

/// A request with that key; a body is sent as JSON.
pub(crate) fn incoming(key: &str, method: &str, target: &str, body: Option<Value>) -> Incoming {
    let mut headers = HeaderMap::new();
    let bearer = HeaderValue::from_str(&format!("Bearer {key}")).unwrap();
    headers.insert(header::AUTHORIZATION, bearer);
    if body.is_some() {
        let json = HeaderValue::from_static("application/json");
        headers.insert(header::CONTENT_TYPE, json);
    }
    Incoming {
        method: method.to_owned(),
        target: target.to_owned(),
        headers,
        body: body.map(|body| body.to_string().into()).unwrap_or_default(),
        oversized: false,
        address: "127.0.0.1".to_owned(),
    }
}

/// Handles a request. A test delivery is not made: its answer has no body.
pub(crate) fn request(world: &mut World, gate: &mut Gate, request: &Incoming) -> Outgoing {
    match pipeline::handle(world, gate, request) {
        Handled::Done(outgoing) | Handled::Test(outgoing, _) => outgoing,
    }
}
