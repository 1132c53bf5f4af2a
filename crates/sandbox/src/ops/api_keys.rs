//! createAPIKey, listAPIKey, deleteAPIKey.
//!
//! A key is shown whole once, in the answer that made it. Names are not unique, and nothing of a
//! key can be changed.

use doorward_catalog::Op;
use doorward_catalog::activity::Activity;
use serde_json::{Value, json};

use crate::call::Call;
use crate::clock::Millis;
use crate::cx::Cx;
use crate::ops::astray;
use crate::reply::{Answer, Refusal, Reply};
use crate::settings::ListKeys;

/// Characters of a masked key that are shown.
const SHOWN: usize = 6;

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::CreateAPIKey => create(cx, call),
        Op::ListAPIKey => list(cx, call),
        Op::DeleteAPIKey => delete(cx, call),
        other => Err(astray(other)),
    }
}

fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let id = cx.uuid();
    let now = cx.now_text();
    let key = json!({
        "id": id,
        "name": call.field("name"),
        "scopes": call.field("scopes"),
        "key": cx.world.ids.key(cx.now),
        "organization_id": cx.workspace,
        "timestamp_created": now,
        "timestamp_updated": now,
    });
    cx.world.keys.add(&cx.workspace, &key);
    cx.ws().api_keys.put(&id, key.clone());
    told(cx, call, Activity::ApiKeyCreated, &key);
    Reply::ok(key)
}

fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let clear = cx.world.settings.list_keys == ListKeys::Clear;
    let mut reply = cx.ws().api_keys.page(call, |_| true)?;
    if let Reply::Json(_, body) = &mut reply
        && !clear
    {
        let items = body.get_mut("items").and_then(Value::as_array_mut);
        items.into_iter().flatten().for_each(mask);
    }
    Ok(reply)
}

fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let removed = cx.ws().api_keys.remove(&call.param);
    let mut key = removed.ok_or_else(|| Refusal::not_found("API key"))?;
    let delay = Millis::from(cx.world.settings.revocation_delay_ms);
    let now = cx.world.clock.now();
    if let Some(text) = key.get("key").and_then(Value::as_str) {
        cx.world.keys.end(text, now.saturating_add(delay), now);
    }
    told(cx, call, Activity::ApiKeyDeleted, &key);
    mask(&mut key);
    Reply::ok(key)
}

fn told(cx: &mut Cx<'_>, call: &Call, activity: Activity, key: &Value) {
    let about = json!({ "audit_metadata": {
        "api_key_id": key.get("id"),
        "api_key_name": key.get("name"),
        "scopes": key.get("scopes"),
    }});
    cx.audit(activity, call, about);
}

fn mask(key: &mut Value) {
    if let Some(Value::String(text)) = key.get_mut("key") {
        let stars = text.chars().count().saturating_sub(SHOWN);
        *text = text
            .chars()
            .take(SHOWN)
            .chain("*".repeat(stars).chars())
            .collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, call, call_as};

    #[test]
    fn a_key_works_from_its_making_to_its_deletion_and_is_shown_once() {
        let mut world = testing::world();
        let body = json!({"name": "reporting", "scopes": ["campaigns:read"]});
        let (status, made) = call(&mut world, "POST", "/api/v2/api-keys", Some(body.clone()));
        assert_eq!(status, 200);
        let key = made["key"].as_str().unwrap().to_owned();
        assert!(doorward_catalog::UpstreamKeyFormat::matches(&key));
        let get = |world: &mut _, path| call_as(world, &key, "GET", path, None).status;
        assert_eq!(get(&mut world, "/api/v2/campaigns"), 200);
        assert_eq!(get(&mut world, "/api/v2/workspaces/current"), 401);
        // A second of the same name is a second.
        let (_, second) = call(&mut world, "POST", "/api/v2/api-keys", Some(body));
        assert_ne!(second["id"], made["id"]);
        let (_, listed) = call(&mut world, "GET", "/api/v2/api-keys?limit=100", None);
        assert!(!listed.to_string().contains(&key));
        let path = format!("/api/v2/api-keys/{}", made["id"].as_str().unwrap());
        let (status, gone) = call(&mut world, "DELETE", &path, None);
        assert_eq!(status, 200);
        assert_ne!(gone["key"], key.as_str());
        assert_eq!(get(&mut world, "/api/v2/campaigns"), 401);
        assert_eq!(call(&mut world, "DELETE", &path, None).0, 404);
        let (_, log) = call(&mut world, "GET", "/api/v2/audit-logs?limit=3", None);
        let kinds: Vec<_> = log["items"].as_array().unwrap().iter().collect();
        assert_eq!(kinds[0]["activity_type"], 38);
        assert_eq!(kinds[2]["activity_type"], 37);
        assert_eq!(kinds[0]["audit_metadata"]["api_key_id"], made["id"]);
    }

    #[test]
    fn a_scope_that_no_key_can_be_given_is_refused() {
        let mut world = testing::world();
        for scope in ["supersearch_enrichments:read", "leads:fly", "LEADS:READ"] {
            let body = json!({"name": "x", "scopes": [scope]});
            assert_eq!(
                call(&mut world, "POST", "/api/v2/api-keys", Some(body)).0,
                400
            );
        }
    }
}
