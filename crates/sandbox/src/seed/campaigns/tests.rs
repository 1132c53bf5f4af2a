//! Every operation on campaigns, subsequences, leads, lists, labels and tags, over what is planted:
//! each answer has the documented shape.

use std::collections::HashSet;

use doorward_catalog::shapes::{self, ResponseShape};
use doorward_catalog::{Op, route};
use serde_json::{Value, json};

use crate::testing::{call, world};
use crate::world::World;

/// Calls an operation and holds the answer against its shape.
struct Caller {
    world: World,
    called: HashSet<Op>,
}

impl Caller {
    fn call(&mut self, method: &str, target: &str, body: Option<Value>) -> Value {
        let path = target.split('?').next().unwrap();
        let op = route(method, path).unwrap().op;
        let (status, answer) = call(&mut self.world, method, target, body);
        assert!((200..300).contains(&status), "{op}: {status} {answer}");
        self.called.insert(op);
        let shape = shapes::of(op.id()).unwrap().response(status);
        match shape.unwrap_or_else(|| panic!("{op}: {status} is not documented")) {
            ResponseShape::Json(shape) => {
                if let Err(violation) = shape.check(&answer) {
                    panic!("{op}: {violation}\n{answer:#}");
                }
            }
            ResponseShape::Empty => assert_eq!(answer, Value::Null),
            ResponseShape::Text(_) => {}
        }
        answer
    }

    fn get(&mut self, target: &str) -> Value {
        self.call("GET", target, None)
    }

    fn post(&mut self, target: &str, body: Value) -> Value {
        self.call("POST", target, Some(body).filter(|body| !body.is_null()))
    }

    /// The ids of every item of a list.
    fn ids(&mut self, target: &str) -> Vec<String> {
        let page = self.get(target);
        let items = page["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn campaigns(caller: &mut Caller) {
    let schedule = super::schedule();
    let body = json!({"name": "New", "campaign_schedule": schedule, "cc_list": ["a@x.example"]});
    let made = caller.post("/api/v2/campaigns", body);
    let new = format!("/api/v2/campaigns/{}", made["id"].as_str().unwrap());
    for id in caller.ids("/api/v2/campaigns?limit=100") {
        let one = format!("/api/v2/campaigns/{id}");
        caller.get(&one);
        caller.get(&format!("{one}/sending-status"));
        caller.get(&format!("{one}/sending-status?with_ai_summary=true"));
        caller.get(&format!("/api/v2/campaigns/analytics?id={id}"));
        caller.get(&format!(
            "/api/v2/campaigns/analytics/daily?campaign_id={id}"
        ));
        caller.get(&format!("/api/v2/subsequences/analytics?campaign_id={id}"));
        caller.get(&format!(
            "/api/v2/campaigns/analytics/steps?campaign_id={id}&include_opportunities_count=true"
        ));
    }
    caller.get("/api/v2/campaigns/analytics/overview");
    caller
        .get("/api/v2/campaigns/search-by-contact?search=nobody&sort_column=name&sort_order=desc");
    caller.get("/api/v2/campaigns/count-launched");
    caller.post(
        &format!("{new}/variables"),
        json!({"variables": ["email", "x"]}),
    );
    caller.post(&format!("{new}/activate"), Value::Null);
    caller.post(&format!("{new}/pause"), Value::Null);
    caller.post(&format!("{new}/share"), Value::Null);
    caller.post(&format!("{new}/export"), Value::Null);
    caller.post(&format!("{new}/from-export"), Value::Null);
    caller.post(&format!("{new}/duplicate"), json!({"name": "Copy"}));
    caller.call("PATCH", &new, Some(json!({"daily_limit": 5})));
    caller.call("DELETE", &new, None);
}

fn subsequences(caller: &mut Caller) {
    for id in caller.ids("/api/v2/subsequences?limit=100") {
        let one = format!("/api/v2/subsequences/{id}");
        let parent = caller.get(&one)["parent_campaign"].clone();
        caller.get(&format!("{one}/analytics/steps"));
        caller.get(&format!("{one}/sending-status"));
        caller.post(&format!("{one}/pause"), Value::Null);
        caller.post(&format!("{one}/resume"), Value::Null);
        let copy = caller.post(
            &format!("{one}/duplicate"),
            json!({"parent_campaign": parent}),
        );
        let copy = format!("/api/v2/subsequences/{}", copy["id"].as_str().unwrap());
        caller.call("PATCH", &copy, Some(json!({"name": "Renamed"})));
        caller.call("DELETE", &copy, None);
        let body =
            json!({"parent_campaign": parent, "name": "n", "conditions": {"crm_status": [1]}});
        caller.post("/api/v2/subsequences", body);
    }
}

fn leads(caller: &mut Caller) {
    let mut cursor = Value::Null;
    let mut seen = Vec::new();
    loop {
        let mut body = json!({"limit": 100});
        if cursor.is_string() {
            body["starting_after"] = cursor.clone();
        }
        let page = caller.post("/api/v2/leads/list", body);
        let items = page["items"].as_array().unwrap();
        if items.is_empty() {
            break;
        }
        seen.extend(items.iter().cloned());
        cursor = page["next_starting_after"].clone();
    }
    assert!(seen.len() >= 250, "{}", seen.len());
    for status in [1, 2, 3, -1, -2, -3] {
        assert!(
            seen.iter().any(|lead| lead["status"] == status),
            "a lead of status {status}"
        );
    }
    let id = |lead: &Value| lead["id"].as_str().unwrap().to_owned();
    caller.get(&format!("/api/v2/leads/{}", id(&seen[0])));
    let path = format!("/api/v2/leads/{}", id(&seen[1]));
    caller.call(
        "PATCH",
        &path,
        Some(json!({"lt_interest_status": 2, "phone": "1"})),
    );
    caller.call("DELETE", &path, None);
    let campaign = seen
        .iter()
        .find(|lead| lead["campaign"].is_string())
        .unwrap()["campaign"]
        .clone();
    let list = seen
        .iter()
        .find(|lead| lead["list_id"].is_string())
        .unwrap()["list_id"]
        .clone();
    let lead = json!({
        "campaign": campaign, "email": "x@x.example", "verify_leads_on_import": true,
        "custom_variables": {"phone": 5, "firstName": null, "a": null, "b": 1.5},
    });
    let one = id(&caller.post("/api/v2/leads", lead));
    let two = id(&caller.post("/api/v2/leads", json!({"list_id": list, "last_name": "Y"})));
    let body = json!({"parent_campaign": campaign, "name": "s", "conditions": {}});
    let sub = id(&caller.post("/api/v2/subsequences", body));
    caller.post(
        "/api/v2/leads/subsequence/move",
        json!({"id": one, "subsequence_id": sub}),
    );
    caller.post("/api/v2/leads/subsequence/remove", json!({"id": one}));
    caller.post(
        "/api/v2/leads/merge",
        json!({"lead_id": one, "destination_lead_id": two}),
    );
    let body = json!({"lead_email": "x@x.example", "interest_value": null});
    caller.post("/api/v2/leads/update-interest-status", body);
    let body = json!({"list_id": list, "organization_user_ids": [list]});
    caller.post("/api/v2/leads/bulk-assign", body);
    let body = json!({"list_id": list, "to_campaign_id": campaign, "copy_leads": true});
    caller.post("/api/v2/leads/move", body);
    let body = json!({"list_id": list, "leads": [{"email": "n@x.example"}, {}]});
    caller.post("/api/v2/leads/add", body);
    caller.call(
        "DELETE",
        "/api/v2/leads",
        Some(json!({"list_id": list, "limit": 2})),
    );
}

fn lists_labels_tags(caller: &mut Caller) {
    for (path, body, patch) in [
        (
            "/api/v2/lead-lists",
            json!({"name": "l"}),
            json!({"name": "m"}),
        ),
        (
            "/api/v2/lead-labels",
            json!({"label": "l", "interest_status_label": "neutral"}),
            json!({"description": "d"}),
        ),
        (
            "/api/v2/custom-tags",
            json!({"label": "l"}),
            json!({"label": "m", "description": null}),
        ),
    ] {
        let made = caller.post(path, body);
        let one = format!("{path}/{}", made["id"].as_str().unwrap());
        caller.call("PATCH", &one, Some(patch));
        let page = caller.get(&format!("{path}?limit=100"));
        assert!(page["items"].as_array().unwrap().len() > 3);
        caller.get(&one);
        if path.ends_with("lists") {
            caller.get(&format!("{one}/verification-stats"));
        }
        caller.call("DELETE", &one, None);
    }
    caller.post(
        "/api/v2/lead-labels/ai-reply-label",
        json!({"reply_text": "yes"}),
    );
    let tag = caller.ids("/api/v2/custom-tags")[0].clone();
    let body = json!({"tag_ids": [tag], "resource_type": 1, "assign": true, "selected_all": true});
    caller.post("/api/v2/custom-tags/toggle-resource", body);
    caller.get("/api/v2/custom-tag-mappings?limit=100");
}

#[test]
fn every_answer_has_its_documented_shape() {
    let mut caller = Caller {
        world: world(),
        called: HashSet::new(),
    };
    subsequences(&mut caller);
    campaigns(&mut caller);
    leads(&mut caller);
    lists_labels_tags(&mut caller);
    let missed: Vec<Op> = Op::ALL
        .iter()
        .copied()
        .filter(|op| {
            let path = op.facts().path;
            [
                "/api/v2/campaigns",
                "/api/v2/subsequences",
                "/api/v2/leads",
                "/api/v2/lead-lists",
                "/api/v2/lead-labels",
                "/api/v2/custom-tag",
            ]
            .iter()
            .any(|start| path.starts_with(start))
        })
        .filter(|op| !caller.called.contains(op))
        .collect();
    assert_eq!(missed, []);
}
