//! Every operation, from outside: it reaches a 2xx and a 4xx, and what it answers has the
//! documented status and shape. A change of the catalog is seen here first.

use std::collections::BTreeMap;

use doorward_catalog::shapes::{self, OpShape, ResponseShape};
use doorward_catalog::{Method, Op};
use doorward_sandbox::{Outgoing, Sandbox};
use serde_json::{Value, json};

use crate::common::{ask, bare, call, get, key, with, workspace};

/// Ids of what is there, by kind; a use takes one, so that no operation meets what another removed.
struct Known {
    ids: BTreeMap<&'static str, Vec<String>>,
}

/// Kinds, where they are listed, and which field leads to one.
const KINDS: [(&str, &str, &str); 20] = [
    ("account", "/api/v2/accounts?limit=100", "email"),
    ("api_key", "/api/v2/api-keys", "id"),
    ("block", "/api/v2/block-lists-entries", "id"),
    ("campaign", "/api/v2/campaigns?limit=100", "id"),
    (
        "email",
        "/api/v2/emails?email_type=received&limit=100",
        "id",
    ),
    ("event", "/api/v2/webhook-events", "id"),
    ("group", "/api/v2/workspace-group-members", "id"),
    ("label", "/api/v2/lead-labels", "id"),
    ("list", "/api/v2/lead-lists", "id"),
    ("member", "/api/v2/workspace-members?accepted=false", "id"),
    (
        "order",
        "/api/v2/dfy-email-account-orders/accounts",
        "email",
    ),
    ("phone", "/api/v2/crm-actions/phone-numbers", "id"),
    ("placement", "/api/v2/inbox-placement-tests?limit=100", "id"),
    ("placed", "/api/v2/inbox-placement-analytics?test_id=", "id"),
    ("reported", "/api/v2/inbox-placement-reports?test_id=", "id"),
    ("running", "/api/v2/campaigns?status=1", "id"),
    ("subsequence", "/api/v2/subsequences", "id"),
    ("tag", "/api/v2/custom-tags", "id"),
    ("thread", "/api/v2/emails?email_type=received", "thread_id"),
    ("webhook", "/api/v2/webhooks", "id"),
];

impl Known {
    async fn of(sandbox: &Sandbox) -> Known {
        let mut ids: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        for (kind, path, field) in KINDS {
            let mut found = Vec::new();
            let within = match path.strip_suffix("test_id=") {
                Some(_) => ids["placement"]
                    .iter()
                    .map(|id| format!("{path}{id}"))
                    .collect(),
                None => vec![path.to_owned()],
            };
            for path in within {
                let (_, page) = get(sandbox, &path).await;
                let rows = page.as_array().or_else(|| page["items"].as_array());
                let rows = rows.unwrap_or_else(|| panic!("{path}: {page}"));
                found.extend(
                    rows.iter()
                        .map(|row| row[field].as_str().unwrap().to_owned()),
                );
            }
            assert!(!found.is_empty(), "nothing of {kind} is seeded");
            ids.insert(kind, found);
        }
        let leads = json!({ "limit": 100 });
        let (_, page) = call(sandbox, "POST", "/api/v2/leads/list", leads).await;
        let rows = page["items"].as_array().unwrap();
        let first = rows
            .iter()
            .find_map(|row| row["campaign"].as_str())
            .unwrap();
        ids.insert("home", vec![first.to_owned()]);
        let leads = json!({ "limit": 100, "campaign": first });
        let (_, page) = call(sandbox, "POST", "/api/v2/leads/list", leads).await;
        let leads = page["items"].as_array().unwrap().iter();
        let leads = leads.map(|row| row["id"].as_str().unwrap().to_owned());
        ids.insert("lead", leads.collect());
        let follow_up = json!({
            "parent_campaign": first,
            "name": "Follow up",
            "conditions": { "crm_status": [1] },
        });
        let (status, made) = call(sandbox, "POST", "/api/v2/subsequences", follow_up).await;
        assert_eq!(status, 200, "{made}");
        ids.insert("branch", vec![made["id"].as_str().unwrap().to_owned()]);
        Known { ids }
    }

    fn peek(&self, kind: &str) -> String {
        self.ids[kind][0].clone()
    }

    fn take(&mut self, kind: &str) -> String {
        let left = self.ids.get_mut(kind).unwrap();
        // The last may be used again: those it matters for are removed at the end.
        if left.len() > 1 {
            left.remove(0)
        } else {
            left[0].clone()
        }
    }
}

/// The kind of thing that an operation's path names.
fn kind(op: Op) -> Option<&'static str> {
    let path = op.facts().path.strip_prefix("/api/v2/").unwrap();
    let (resource, _) = path.split_once('{')?;
    Some(match resource.trim_end_matches('/') {
        "account-campaign-mappings" | "accounts" => "account",
        "api-keys" => "api_key",
        "background-jobs" => "job",
        "block-lists-entries" => "block",
        "campaigns" => "campaign",
        "crm-actions/phone-numbers" => "phone",
        "custom-tags" => "tag",
        "email-verification" => "verification",
        "emails" => "email",
        "emails/threads" => "thread",
        "inbox-placement-analytics" => "placed",
        "inbox-placement-reports" => "reported",
        "inbox-placement-tests" => "placement",
        "lead-labels" => "label",
        "lead-lists" => "list",
        "leads" => "lead",
        "oauth/session/status" => "session",
        "subsequences" => "subsequence",
        "supersearch-enrichment"
        | "supersearch-enrichment/ai"
        | "supersearch-enrichment/history" => "enriched",
        "webhook-events" => "event",
        "webhooks" => "webhook",
        "workspace-group-members" => "group",
        "workspace-members" => "member",
        other => panic!("no kind of {other}"),
    })
}

/// The body, where the blank one would not do.
fn body(op: Op, sandbox: &Sandbox, known: &mut Known) -> Option<Value> {
    let (admin, sub) = (workspace(sandbox, 0), workspace(sandbox, 1));
    Some(match op {
        Op::CreateAccount => {
            let mut body = shapes::of(op.id())?.body.as_ref()?.shape.blank();
            body["email"] = json!("new.account@larkspur.example");
            body
        }
        Op::MoveAccounts => json!({
            "emails": [known.take("account")],
            "source_workspace_id": admin,
            "destination_workspace_id": sub,
        }),
        Op::ToggleTagResource => json!({
            "tag_ids": [known.peek("tag")],
            "resource_type": 2,
            "resource_ids": [known.peek("campaign")],
            "assign": true,
        }),
        Op::CancelDFYEmailAccounts => json!({ "accounts": [known.take("order")] }),
        Op::ReplyToEmail | Op::ForwardEmail => json!({
            "eaccount": "",
            "reply_to_uuid": known.peek("email"),
            "to_address_email_list": "else@example.org",
            "subject": "Re: hello",
            "body": { "text": "Yes" },
        }),
        Op::GetInboxPlacementAnalyticsDeliverabilityInsights
        | Op::GetInboxPlacementAnalyticsStatsByDate => {
            json!({ "test_id": known.peek("placement") })
        }
        Op::MergeLeads => json!({
            "lead_id": known.take("lead"),
            "destination_lead_id": known.take("lead"),
        }),
        Op::MoveLeads => json!({
            "ids": [known.take("lead")],
            "campaign": known.peek("home"),
            "to_list_id": known.peek("list"),
        }),
        Op::MoveLeadToSubsequence | Op::RemoveLeadFromSubsequence => json!({
            "subsequence_id": known.peek("branch"),
            "id": known.peek("lead"),
        }),
        Op::BulkAddLeads => json!({
            "campaign_id": known.peek("campaign"),
            "leads": [{ "email": "fresh@example.org" }],
        }),
        Op::SignalKeywordsFacet => json!({ "category": "linkedin_post_contact", "field": "tags" }),
        Op::CreateAIEnrichment => json!({
            "resource_id": known.peek("list"),
            "output_column": "Summary",
            "resource_type": 2,
            "model_version": "3.5",
        }),
        Op::CreateSuperSearchEnrichment => json!({
            "resource_id": known.peek("list"),
            "type": "work_email_enrichment",
        }),
        Op::RunEnrichment => json!({ "resource_id": known.peek("list") }),
        Op::CreateCampaignSubsequence => json!({
            "parent_campaign": known.peek("campaign"),
            "name": "Follow up",
            "conditions": { "crm_status": [1] },
        }),
        Op::DuplicateSubsequence => json!({
            "parent_campaign": known.peek("campaign"),
            "name": "Copy",
        }),
        Op::PatchCustomTag => json!({ "label": "Relabelled" }),
        Op::CreateWorkspaceGroupMember => json!({ "sub_workspace_id": sub }),
        Op::CreateWorkspaceMember => json!({ "email": "hand@larkspur.example", "role": "view" }),
        Op::ChangeWorkspaceOwner => json!({ "email": "teo@larkspur.example", "sec": "x" }),
        _ => shapes::of(op.id())?.body.as_ref()?.shape.blank(),
    })
}

/// What has to be so before.
async fn prepare(op: Op, sandbox: &Sandbox, known: &mut Known) {
    let post = |path: &str, body: Value| {
        let path = path.to_owned();
        async move {
            let (status, made) = call(sandbox, "POST", &path, body).await;
            assert!(status < 300, "{path}: {status} {made}");
            made
        }
    };
    match op {
        Op::GetBackgroundJob => {
            let body = body(Op::MoveLeads, sandbox, known).unwrap();
            let job = post("/api/v2/leads/move", body).await;
            known
                .ids
                .insert("job", vec![job["id"].as_str().unwrap().to_owned()]);
        }
        Op::GetOAuthSessionStatus => {
            let session = post("/api/v2/oauth/google/init", Value::Null).await;
            let id = session["session_id"].as_str().unwrap().to_owned();
            known.ids.insert("session", vec![id]);
        }
        Op::CheckVerificationStatus => {
            let email = "check.me@example.org".to_owned();
            post("/api/v2/email-verification", json!({ "email": email })).await;
            known.ids.insert("verification", vec![email]);
        }
        Op::SignalKeywordsFacet => {
            let list = known.peek("list");
            known.ids.insert("enriched", vec![list]);
        }
        Op::GetEnrichmentForResource => {
            let body =
                json!({ "resource_id": known.peek("list"), "type": "work_email_enrichment" });
            post("/api/v2/supersearch-enrichment/", body).await;
        }
        Op::RemoveLeadFromSubsequence => {
            let body = body(Op::MoveLeadToSubsequence, sandbox, known).unwrap();
            post("/api/v2/leads/subsequence/move", body).await;
        }
        Op::GetWorkspaceDomainInfo => {
            let body = json!({ "domain": "mail.larkspur.example" });
            post("/api/v2/workspaces/current/whitelabel-domain", body).await;
        }
        _ => {}
    }
}

/// The path with a text in its parameter's place, and the query that must be.
fn target(op: Op, param: &str, known: &Known) -> String {
    let mut path = op.facts().path.to_owned();
    if let (Some(from), Some(to)) = (path.find('{'), path.find('}')) {
        path.replace_range(from..=to, &param.replace('@', "%40").replace('+', "%2B"));
    }
    let required = shapes::of(op.id())
        .unwrap()
        .query
        .iter()
        .filter(|param| param.required);
    let pairs: Vec<String> = required
        .map(|param| match &*param.name {
            "host" => "host=track.larkspur.example".to_owned(),
            "test_id" => format!("test_id={}", known.peek("placement")),
            "campaign_id" => format!("campaign_id={}", known.peek("campaign")),
            other => panic!("{op} wants {other}"),
        })
        .collect();
    if pairs.is_empty() {
        path
    } else {
        format!("{path}?{}", pairs.join("&"))
    }
}

async fn send(sandbox: &Sandbox, op: Op, target: &str, body: Option<&Value>) -> Outgoing {
    let mut asked = ask(sandbox, op.facts().method.as_str(), target);
    if let Some(body) = body {
        asked = asked.json(body);
    }
    asked.send(sandbox).await
}

/// Holds an answer against the operation's document.
fn fits(op: Op, shape: &OpShape, answer: &Outgoing) {
    let body = answer.value();
    match shape.response(answer.status) {
        Some(ResponseShape::Json(expected)) => {
            if let Err(violation) = expected.check(&body) {
                panic!(
                    "{op} {}: {}\n{body}",
                    answer.status,
                    violation.under("response")
                );
            }
        }
        Some(ResponseShape::Text(_)) => assert!(std::str::from_utf8(&answer.body).is_ok()),
        Some(ResponseShape::Empty) => assert!(answer.body.is_empty()),
        None => panic!("{op}: {} is not documented: {body}", answer.status),
    }
}

/// Those that take things away go last, the things' parts before the whole.
fn in_order() -> Vec<Op> {
    let takes = |op: &Op| {
        let facts = op.facts();
        let late = [Op::ChangeWorkspaceOwner, Op::CancelDFYEmailAccounts];
        facts.method == Method::Delete && !facts.path.contains("/current/") || late.contains(op)
    };
    let (last, mut first): (Vec<Op>, Vec<Op>) = Op::ALL.into_iter().partition(takes);
    first.extend(last.into_iter().rev());
    first
}

#[tokio::test]
async fn every_operation_succeeds_as_documented() {
    let sandbox = with(|settings| settings.rate_limits = false);
    let mut known = Known::of(&sandbox).await;
    let mut failed = Vec::new();
    for op in in_order() {
        let shape = shapes::of(op.id()).unwrap();
        prepare(op, &sandbox, &mut known).await;
        if op == Op::CreateWorkspaceGroupMember {
            let path = format!("/api/v2/workspace-group-members/{}", known.peek("group"));
            call(&sandbox, "DELETE", &path, Value::Null).await;
        }
        let takes = op.facts().method == Method::Delete;
        let param = match kind(op) {
            Some("enriched" | "job" | "session" | "verification") => known.peek(kind(op).unwrap()),
            Some(kind) if takes => known.take(kind),
            Some(kind) => known.peek(kind),
            None => String::new(),
        };
        let mut body = body(op, &sandbox, &mut known);
        if matches!(op, Op::ReplyToEmail | Op::ForwardEmail) {
            let path = format!("/api/v2/emails/{}", known.peek("email"));
            let (_, email) = get(&sandbox, &path).await;
            body.as_mut().unwrap()["eaccount"] = email["eaccount"].clone();
        }
        if op == Op::UpdateLeadInterestStatus {
            let path = format!("/api/v2/leads/{}", known.peek("lead"));
            let (_, lead) = get(&sandbox, &path).await;
            body = Some(json!({
                "lead_email": lead["email"],
                "campaign_id": lead["campaign"],
                "interest_value": 1,
            }));
        }
        let target = target(op, &param, &known);
        let sent = body.as_ref().filter(|body| !body.is_null());
        let answer = send(&sandbox, op, &target, sent).await;
        if !(200..300).contains(&answer.status) {
            let told = String::from_utf8_lossy(&answer.body).into_owned();
            failed.push(format!("{op} {target} {body:?}: {} {told}", answer.status));
            continue;
        }
        fits(op, shape, &answer);
        if op == Op::CreateWorkspaceGroupMember {
            let id = answer.value()["id"].as_str().unwrap().to_owned();
            known.ids.insert("group", vec![id]);
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[tokio::test]
async fn every_operation_refuses_strangers_and_narrow_keys() {
    let sandbox = with(|settings| settings.rate_limits = false);
    let narrow = |scope: &str| json!({ "name": "narrow", "scopes": [scope] });
    let mut keys = Vec::new();
    for scope in ["auth:read", "sales_flows:all"] {
        let (_, made) = call(&sandbox, "POST", "/api/v2/api-keys", narrow(scope)).await;
        keys.push(made["key"].as_str().unwrap().to_owned());
    }
    for op in Op::ALL {
        let (method, path) = (op.facts().method.as_str(), op.facts().path);
        let path = path.replace(['{', '}'], "");
        for asked in [
            bare(method, &path),
            bare(method, &path).key("nobody"),
            bare(method, &path).header("authorization", &key(&sandbox, "full-automation")),
            bare(method, &path).key(&keys[0]),
            bare(method, &path).key(&keys[1]),
        ] {
            let answer = asked.send(&sandbox).await;
            assert_eq!(answer.status, 401, "{op}");
            assert_eq!(answer.value()["error"], "Unauthorized");
        }
    }
}

#[tokio::test]
async fn what_is_not_there_is_404_and_what_does_not_fit_is_400() {
    let sandbox = with(|settings| settings.rate_limits = false);
    for op in Op::ALL {
        let shape = shapes::of(op.id()).unwrap();
        let method = op.facts().method.as_str();
        let nowhere = op.facts().path;
        if let (Some(from), Some(to)) = (nowhere.find('{'), nowhere.find('}')) {
            let mut path = nowhere.to_owned();
            let unknown = "00000000-0000-4000-8000-000000000000";
            let unknown = if path.contains("{email}") {
                "no%40one.example"
            } else {
                unknown
            };
            path.replace_range(from..=to, unknown);
            let blank = shape.body.as_ref().map(|body| body.shape.blank());
            let blank = blank.filter(|blank| !blank.is_null());
            let answer = send(&sandbox, op, &path, blank.as_ref()).await;
            // An unknown session is told of in a 200; a verification is made when asked for.
            if op != Op::GetOAuthSessionStatus {
                assert_eq!(answer.status, 404, "{op}: {}", answer.value());
                fits(op, shape, &answer);
            }
        } else if let Some(body) = shape.body.as_ref().filter(|body| body.required) {
            for bad in [json!([]), json!("x"), json!(7)] {
                if body.shape.fits(&bad) {
                    continue;
                }
                let answer = ask(&sandbox, method, nowhere)
                    .json(&bad)
                    .send(&sandbox)
                    .await;
                assert_eq!(answer.status, 400, "{op} {bad}");
            }
            let answer = ask(&sandbox, method, nowhere).send(&sandbox).await;
            assert_eq!(answer.status, 400, "{op} without a body");
        }
    }
}
