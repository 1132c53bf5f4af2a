//! The control API, under `/_sandbox/`: how tests reset, steer and watch the sandbox. It is no part
//! of the emulated API. Its form is in `docs/formats/sandbox-control.md`.

mod happen;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::clock;
use crate::faults::Fault;
use crate::pipeline::Gate;
use crate::record::Stats;
use crate::reply::Refusal;
use crate::request::Outgoing;
use crate::router;
use crate::sandbox::{Core, Shared};
use crate::seed;
use crate::settings::Settings;
use crate::state;

/// Where the control API begins.
pub(crate) const PREFIX: &str = "/_sandbox";
/// Most entries of a list.
const LIST_MAX: usize = 10_000;

/// Answers a request to the control API.
pub(crate) fn answer(shared: &Shared, method: &str, target: &str, body: &[u8]) -> Outgoing {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = path.strip_prefix(PREFIX).unwrap_or(path).trim_matches('/');
    let query = router::pairs(query);
    let mut core = shared.lock();
    let core = &mut *core;
    if (method, path) == ("GET", "state") {
        let mut dump = Vec::new();
        return match state::write(&core.world, &mut dump) {
            Ok(()) => Outgoing::new(200, "application/json", dump),
            Err(error) => Refusal::new(500, error.to_string()).into(),
        };
    }
    let answered = match (method, path) {
        ("POST", "reset") => reset(shared, core, body),
        ("PUT", "state") => load(core, body),
        ("GET", "clock") => Ok(time(core)),
        ("POST", "clock/advance") => advance(core, body),
        ("POST", "clock/freeze") => freeze(core, body),
        ("POST", "clock/run") => {
            core.world.clock.run();
            Ok(time(core))
        }
        ("GET", "settings") => Ok(json!(core.world.settings)),
        ("PUT" | "PATCH", "settings") => settings(core, body),
        ("GET", "faults") => Ok(json!({ "items": core.gate.faults.list() })),
        ("POST", "faults") => add_faults(core, body),
        ("DELETE", "faults") => {
            core.gate.faults.clear();
            Ok(json!({ "items": [] }))
        }
        ("POST", "events") => happen::tell(core, body),
        ("POST", "happenings") => happen::happen(core, body),
        ("GET", "received") => {
            let after = number(&query, "after").unwrap_or(0);
            let limit = number(&query, "limit").and_then(|n| usize::try_from(n).ok());
            Ok(core.gate.log.list(after, limit.unwrap_or(LIST_MAX)))
        }
        ("DELETE", "received") => {
            core.gate.log.clear();
            Ok(json!({ "items": [] }))
        }
        ("GET", "deliveries") => Ok(json!({
            "items": core.deliveries.tries,
            "pending": core.queue.len() + core.world.outbox.len(),
        })),
        ("GET", "stats") => Ok(core.gate.stats.json()),
        ("DELETE", "stats") => {
            core.gate.stats = Stats::default();
            Ok(core.gate.stats.json())
        }
        ("GET", "keys") => Ok(json!(crate::summary::of(&core.world, "").workspaces)),
        ("GET" | "POST" | "PUT" | "PATCH" | "DELETE", _) => {
            Err(Refusal::not_found("What the control API was asked for"))
        }
        _ => Err(Refusal::new(405, "The control API has no such method")),
    };
    if method != "GET" {
        core.bound_outbox();
        core.changes = core.changes.wrapping_add(1);
        shared.wake.notify_one();
    }
    match answered {
        Ok(body) => Outgoing::json(200, &body),
        Err(refusal) => refusal.into(),
    }
}

/// What a call of the control API brings.
type Controlled = Result<Value, Refusal>;

fn number(query: &[(String, String)], name: &str) -> Option<u64> {
    let (_, value) = query.iter().find(|(given, _)| given == name)?;
    value.parse().ok()
}

/// Reads a body; none is an empty object.
fn read<'b, T: Deserialize<'b>>(body: &'b [u8]) -> Result<T, Refusal> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(|error| Refusal::bad_request(error.to_string()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    /// Another seed than at the start.
    seed: Option<u64>,
}

/// Seeds anew; the clock and the settings are again as at the start.
fn reset(shared: &Shared, core: &mut Core, body: &[u8]) -> Controlled {
    let asked: Reset = read(body)?;
    let origin = shared.origin.clone();
    let seed = asked.seed.unwrap_or(origin.seed);
    core.replace(seed::world(seed, origin.clock, origin.settings));
    Ok(json!({ "seed": seed }))
}

fn load(core: &mut Core, body: &[u8]) -> Controlled {
    let world = state::read(body).map_err(Refusal::bad_request)?;
    core.replace(world);
    Ok(json!({ "workspaces": core.world.workspaces.len() }))
}

fn time(core: &Core) -> Value {
    let now = core.world.clock.now();
    json!({
        "now_ms": now,
        "now": clock::text(now),
        "frozen": core.world.clock.is_frozen(),
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    ms: i64,
}

fn advance(core: &mut Core, body: &[u8]) -> Controlled {
    let asked: Advance = read(body)?;
    if asked.ms < 0 {
        return Err(Refusal::bad_request(
            "ms is 0 or more: the clock does not go back",
        ));
    }
    core.advance(asked.ms);
    Ok(time(core))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Freeze {
    /// RFC 3339; where it stands when absent.
    at: Option<String>,
}

fn freeze(core: &mut Core, body: &[u8]) -> Controlled {
    let asked: Freeze = read(body)?;
    let at = match asked.at.as_deref().map(clock::parse) {
        Some(None) => return Err(Refusal::bad_request("at is no RFC 3339 time")),
        Some(at) => at,
        None => None,
    };
    core.world.clock.freeze(at);
    // Counters of a time that may now lie ahead would never run out.
    core.gate.limiter = Gate::default().limiter;
    Ok(time(core))
}

/// Merges the fields given into the settings.
fn settings(core: &mut Core, body: &[u8]) -> Controlled {
    let given: Map<String, Value> = read(body)?;
    let mut merged = json!(core.world.settings);
    if let Some(merged) = merged.as_object_mut() {
        merged.extend(given);
    }
    let settings: Settings =
        serde_json::from_value(merged).map_err(|error| Refusal::bad_request(error.to_string()))?;
    core.world.settings = settings;
    Ok(json!(core.world.settings))
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    Many(Vec<Fault>),
    One(Fault),
}

fn add_faults(core: &mut Core, body: &[u8]) -> Controlled {
    let faults = match read(body)? {
        OneOrMany::Many(faults) => faults,
        OneOrMany::One(fault) => vec![fault],
    };
    for fault in faults {
        core.gate.faults.add(fault).map_err(Refusal::bad_request)?;
    }
    Ok(json!({ "items": core.gate.faults.list() }))
}
