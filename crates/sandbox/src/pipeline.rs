//! From a request to its answer, in the real API's order: edge, route, key, plan, limits, scope,
//! workspace, body, shape, operation.

use std::sync::Arc;

use doorward_catalog::shapes::{self, OpShape, ResponseShape};
use http::{HeaderValue, header};
use serde_json::{Value, json};

use crate::body;
use crate::call::Call;
use crate::clock::Millis;
use crate::cx::Cx;
use crate::dispatch;
use crate::faults::{self, Faults, Target};
use crate::keyring::KeyFacts;
use crate::limiter::Limiter;
use crate::record::{Log, Stats, Trace};
use crate::reply::{Refusal, Reply, TestDelivery};
use crate::request::{Incoming, Outgoing};
use crate::router::{self, Astray, Routed};
use crate::scopes;
use crate::settings::{OversizedLimit, Settings};
use crate::world::World;

/// What a request passes that is not state of the emulated API.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    pub(crate) limiter: Limiter,
    pub(crate) faults: Faults,
    pub(crate) log: Log,
    pub(crate) stats: Stats,
}

/// An answer, or what has to be sent to a webhook before there is one.
pub(crate) enum Handled {
    Done(Outgoing),
    /// The outgoing answer lacks its body: it is the test's outcome.
    Test(Outgoing, TestDelivery),
}

/// Handles a request.
pub(crate) fn handle(world: &mut World, gate: &mut Gate, request: &Incoming) -> Handled {
    let now = world.clock.now();
    let routed = router::route(&request.method, request.path());
    let given = presented(request);
    let key = given.and_then(|text| world.keys.find(text, now));
    let mut trace = Trace {
        op: routed.as_ref().ok().map(|routed| routed.op),
        workspace: key.as_ref().map(|key| key.workspace.clone()),
        acted_on: None,
        key_id: key.as_ref().map(|key| key.id.clone()),
        key_given: given.is_some(),
    };
    let effects = gate.faults.strike(Target {
        op: trace.op,
        path: request.path(),
        workspaces: [trace.workspace.as_deref(), request.header(AS_WORKSPACE)],
    });
    let mut test = None;
    let mut outgoing = if world.settings.edge_user_agent_block && blocked_agent(request) {
        Outgoing::new(403, "text/plain", "error code: 1010")
    } else if let Some(refusal) = faults::refusal(&effects) {
        refusal.into()
    } else {
        match answer(world, gate, request, routed, key, &mut trace) {
            Ok(Reply::Json(status, body)) => Outgoing::json(status, &body),
            Ok(Reply::Empty) => Outgoing::empty(),
            Ok(Reply::Csv(text)) => Outgoing::new(200, "text/csv; charset=utf-8", text),
            Ok(Reply::Test(delivery)) => {
                test = Some(delivery);
                Outgoing::json(200, &Value::Null)
            }
            Err(refusal) => refusal.into(),
        }
    };
    faults::spoil(&mut outgoing, &effects);
    if let Some(date) = date(world) {
        outgoing.headers.insert(header::DATE, date);
    }
    gate.stats
        .note(trace.workspace.as_deref(), outgoing.status, now);
    gate.log.note(request, &outgoing, trace, now);
    match test {
        Some(delivery) => Handled::Test(outgoing, delivery),
        None => Handled::Done(outgoing),
    }
}

/// The header that names a sub-workspace to act on.
const AS_WORKSPACE: &str = "x-as-workspace";

/// The user agents the edge blocks when it is told to.
const BLOCKED_AGENTS: [&str; 2] = ["Python-urllib", "libwww-perl"];

fn blocked_agent(request: &Incoming) -> bool {
    let agent = request.header(header::USER_AGENT).unwrap_or_default();
    BLOCKED_AGENTS
        .iter()
        .any(|blocked| agent.starts_with(blocked))
}

/// The key a request presents.
fn presented(request: &Incoming) -> Option<&str> {
    let (scheme, key) = request.header(header::AUTHORIZATION)?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(key.trim())
        .filter(|key| !key.is_empty())
}

/// The `Date` header, where it is not the machine's time.
fn date(world: &World) -> Option<HeaderValue> {
    if world.clock.is_machines() && world.settings.clock_skew_ms == 0 {
        return None;
    }
    let time = jiff::Timestamp::from_millisecond(world.now()).ok()?;
    HeaderValue::from_str(&time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}

fn answer(
    world: &mut World,
    gate: &mut Gate,
    request: &Incoming,
    routed: Result<Routed, Astray>,
    key: Option<Arc<KeyFacts>>,
    trace: &mut Trace,
) -> Result<Reply, Refusal> {
    let routed = routed.map_err(|astray| lost(request, &astray))?;
    let op = routed.op;
    let now = world.now();
    let key = key.filter(|key| world.still_there(&key.workspace, now));
    let Some(key) = key else {
        return Err(Refusal::new(401, "Invalid API key"));
    };
    let shape = shapes::of(op.id());
    paid(&world.settings, &key.workspace, shape)?;
    limited(world, gate, request, &routed, &key.workspace)?;
    if !scopes::cover(&key.scopes, op) {
        return Err(scopes::refusal(&key.scopes, op, world.settings.scope_error));
    }
    let workspace = acted_on(world, request, &key.workspace, now)?;
    if workspace != key.workspace {
        paid(&world.settings, &workspace, shape)?;
        trace.acted_on = Some(workspace.clone());
    }
    let Some(shape) = shape else {
        return Err(Refusal::new(
            500,
            format!("the sandbox has no shape of {op}"),
        ));
    };
    let call = match validated(request, routed, shape) {
        Ok(call) => call,
        Err(refusal) => {
            let empty = world.settings.oversized_limit == OversizedLimit::Empty;
            if empty && body::only_limit_is_wrong(request, shape) {
                return Ok(Reply::Json(200, json!({ "items": [] })));
            }
            return Err(refusal);
        }
    };
    let mut cx = Cx {
        world,
        workspace,
        key_id: Some(key.id.clone()),
        now,
    };
    dispatch::answer(&mut cx, &call)
}

fn lost(request: &Incoming, astray: &Astray) -> Refusal {
    let (method, path) = (&request.method, request.path());
    match astray {
        Astray::BadUrl => Refusal::bad_request(format!("'{path}' is not a valid url component")),
        Astray::NotFound => Refusal::new(404, format!("Route {method}:{path} not found")),
    }
}

/// Refuses a workspace that has not paid, where the operation knows of it.
fn paid(settings: &Settings, workspace: &str, shape: Option<&OpShape>) -> Result<(), Refusal> {
    let asks = shape.is_none_or(|shape| shape.response(402).is_some());
    if asks && settings.unpaid.contains(workspace) {
        return Err(Refusal::new(402, "This workspace has no active paid plan"));
    }
    Ok(())
}

fn limited(
    world: &World,
    gate: &mut Gate,
    request: &Incoming,
    routed: &Routed,
    workspace: &str,
) -> Result<(), Refusal> {
    let settings = &world.settings;
    if !settings.rate_limits {
        return Ok(());
    }
    let now = world.clock.now();
    let admitted = gate
        .limiter
        .admit(routed.op, workspace, &request.address, settings, now);
    admitted.map_err(|reached| {
        let (calls, seconds) = (reached.calls, reached.seconds);
        let message = format!("Rate limit exceeded: {calls} requests in {seconds} seconds");
        let mut refusal = Refusal::new(429, message);
        // Only the operations that start OAuth say when to come back.
        let says = routed.op.facts().path.ends_with("/init");
        refusal.retry_after = says.then_some(reached.frees_in);
        refusal
    })
}

/// The workspace a request acts on: its key's, or the member of its group that it names.
fn acted_on(
    world: &mut World,
    request: &Incoming,
    own: &str,
    now: Millis,
) -> Result<String, Refusal> {
    let Some(named) = request.headers.get(AS_WORKSPACE) else {
        return Ok(own.to_owned());
    };
    let named = named.to_str().unwrap_or_default().trim().to_owned();
    if named == own {
        return Ok(named);
    }
    let member = world.workspaces.get(own).is_some_and(|admin| {
        admin.group_members.iter().any(|member| {
            member.get("sub_workspace_id").and_then(Value::as_str) == Some(&named)
                && member.get("status").and_then(Value::as_str) == Some("accepted")
        })
    });
    if member && world.still_there(&named, now) {
        Ok(named)
    } else {
        Err(Refusal::not_found("Workspace"))
    }
}

/// The call a request makes, if it has the operation's shape. Path, body and query are looked at in
/// that order.
fn validated(request: &Incoming, routed: Routed, shape: &OpShape) -> Result<Call, Refusal> {
    let body = body::read(request, shape)?;
    let path: Vec<(&str, &str)> = routed
        .param
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    shape.read_path(&path).map_err(|violation| {
        // A text that is no id names nothing; some operations document no other answer, or a 400
        // that can't be given since it must say 404.
        let refusal = Refusal::bad_request(violation.to_string());
        let documented = shape.response(400).and_then(ResponseShape::json);
        if documented.is_some_and(|shape| shape.fits(&json!(refusal.body))) {
            refusal
        } else {
            Refusal::new(404, refusal.body.message)
        }
    })?;
    let refuse = |violation: shapes::Violation| Refusal::bad_request(violation.to_string());
    shape.check_body(body.as_ref()).map_err(refuse)?;
    let query = shape
        .read_query(&router::pairs(request.query()))
        .map_err(refuse)?;
    let mut body = body.unwrap_or_default();
    if let Some(expected) = &shape.body {
        expected.shape.fill_defaults(&mut body);
    }
    Ok(Call {
        op: routed.op,
        param: routed.param.map(|(_, text)| text).unwrap_or_default(),
        query,
        body,
        address: request.address.clone(),
        user_agent: request.header(header::USER_AGENT).map(str::to_owned),
    })
}
