//! The second oracle: the sandbox decides on scopes by its own code. A client that is granted scopes
//! and calls through the gateway, where a key that may do all stands behind it, must get as far as one
//! that holds a key of the very same scopes and calls the API directly.

use doorward_catalog::{Environment, Method, Op, Scope};
use doorward_keys::ClientKey;
use doorward_policy::{Grant, WorkspaceKind};
use doorward_sandbox::{Clock, Incoming, Sandbox, Settings};
use doorward_store::{NewClient, NewClientKey, NewUpstreamKey, NewWorkspace, Store};
use serde_json::json;
use std::collections::BTreeMap;

use crate::caller::Line;
use crate::pipeline::{Pipeline, at};
use crate::records;
use crate::world::BEGIN;

/// Operations on which the two may differ, and then only so that the gateway lets less through.
const DIFFER: [(&str, &[&str]); 2] = [
    (
        "no client is ever granted them",
        &["createAPIKey", "listAPIKey", "deleteAPIKey"],
    ),
    (
        "which scope they ask for is an assumption: they are granted by use case or by name",
        &[
            "enableWarmupForAccounts",
            "disableWarmupForAccounts",
            "getDailyAccountAnalytics",
            "moveAccounts",
            "getCampaignAnalytics",
            "getCampaignAnalyticsOverview",
            "getDailyCampaignAnalytics",
            "getCampaignStepsAnalytics",
            "shareCampaign",
            "toggleTagResource",
            "getInboxPlacementTestESPOptions",
            "getVerificationStats",
            "updateLeadInterestStatus",
            "bulkAssignLeads",
            "getEnrichmentForResource",
            "createSuperSearchEnrichment",
            "enrichLeadsFromSupersearch",
            "runEnrichment",
            "getWebhookEventsSummary",
            "getWebhookEventsSummaryByDate",
            "listWebhook",
            "listWebhookEventTypes",
            "testWebhook",
            "getAdminWorkspaceGroupMember",
        ],
    ),
];

fn may_differ(op: Op) -> bool {
    DIFFER.iter().any(|(_, ops)| ops.contains(&op.id()))
}

/// What the gateway says when it is a matter of the grant.
const DENIED: [&str; 3] = ["scope_missing", "operation_not_granted", "never_granted"];

fn path(op: Op) -> String {
    let plain = op.path_with(None);
    plain
        .or_else(|| op.path_with(Some("0195c1a0-0000-7000-8000-00000000000e")))
        .unwrap()
}

/// The API itself, called directly.
struct Direct {
    sandbox: Sandbox,
    wide: String,
}

impl Direct {
    fn new() -> Self {
        let settings = Settings {
            rate_limits: false,
            ..Settings::default()
        };
        let builder = Sandbox::builder().seed(7).clock(Clock::frozen(BEGIN));
        let sandbox = builder.settings(settings).build().unwrap();
        let summary = sandbox.summary("");
        let mut keys = summary.workspaces[0].keys.iter();
        let wide = keys.find(|key| key.name == "full-automation").unwrap();
        let wide = wide.key.clone();
        Self { sandbox, wide }
    }

    async fn ask(
        &self,
        key: &str,
        method: &str,
        target: &str,
        body: &str,
    ) -> (u16, serde_json::Value) {
        let mut headers = http::HeaderMap::new();
        let line = format!("Bearer {key}").parse().unwrap();
        headers.insert(http::header::AUTHORIZATION, line);
        if !body.is_empty() {
            let json = http::HeaderValue::from_static("application/json");
            headers.insert(http::header::CONTENT_TYPE, json);
        }
        let incoming = Incoming {
            method: method.to_owned(),
            target: target.to_owned(),
            headers,
            body: body.to_owned().into(),
            address: "127.0.0.1".to_owned(),
            ..Incoming::default()
        };
        let answer = self.sandbox.handle(incoming).await;
        let json = serde_json::from_slice(&answer.body).unwrap_or_default();
        (answer.status, json)
    }

    /// A key of these scopes and no others.
    async fn key(&self, scopes: &[String]) -> String {
        let body = json!({ "name": "one", "scopes": scopes }).to_string();
        let (status, made) = self
            .ask(&self.wide, "POST", "/api/v2/api-keys", &body)
            .await;
        assert_eq!(status, 200, "{made}");
        made["key"].as_str().unwrap().to_owned()
    }

    /// Whether a key gets past the scopes. What is sent names nothing, so that little comes of it.
    async fn lets(&self, key: &str, op: Op) -> bool {
        let (status, json) = self
            .ask(key, op.facts().method.as_str(), &path(op), "")
            .await;
        let message = json["message"].as_str().unwrap_or_default();
        assert!(!message.contains("Invalid API key"), "{op}: {message}");
        !(status == 401 && message.starts_with("Invalid scope"))
    }
}

/// The gateway, with a key behind it that may do all.
struct Through {
    pipeline: Pipeline,
    script: std::sync::Arc<crate::upstream::Script>,
    workspace: String,
    line: Line,
    made: u8,
}

impl Through {
    async fn new() -> Self {
        let pipeline = Pipeline::start().await;
        let (script, hosts) = records::hosts().await;
        let url = format!("http://{}", hosts[0][0]);
        let new = NewWorkspace::new("acme", WorkspaceKind::Sandbox, &url);
        let store = &pipeline.store;
        let workspace = store.create_workspace(&new, at(BEGIN)).unwrap().id;
        let new = NewUpstreamKey {
            scopes: Some(vec!["all:all".to_owned()]),
            ..NewUpstreamKey::new("up0", "env://up0")
        };
        store.add_upstream_key(&workspace, &new, at(BEGIN)).unwrap();
        let line = Line::open(pipeline.door, 1).await;
        Self {
            pipeline,
            script,
            workspace,
            line,
            made: 0,
        }
    }

    /// The key of a new client of that grant; why not, if there can be none.
    fn client(&mut self, grant: Grant) -> Result<String, String> {
        let store = &self.pipeline.store;
        let name = format!("client-{}", self.made);
        let new = NewClient::new(&self.workspace, &name, Environment::Production, grant);
        let made = store.create_client(&new, at(BEGIN));
        let client = made.map_err(|refused| refused.to_string())?;
        self.made += 1;
        let random = [self.made; ClientKey::RANDOM_LEN];
        let key = ClientKey::generate(Environment::Production, &random);
        let new = NewClientKey::of(&key, &self.pipeline.pepper);
        store.add_client_key(&client.id, &new, at(BEGIN)).unwrap();
        self.pipeline.reload().unwrap();
        Ok(key.expose().to_owned())
    }

    /// Whether a call gets past the grant; it comes out if and only if it does.
    async fn lets(&mut self, key: &str, op: Op) -> bool {
        if !self.line.is_open() {
            self.line = Line::open(self.pipeline.door, 1).await;
        }
        let method = op.facts().method;
        let has_body = matches!(method, Method::Post | Method::Patch);
        let (kind, body) = if has_body {
            (
                "Content-Type: application/json\r\nContent-Length: 2\r\n",
                "{}",
            )
        } else {
            ("", "")
        };
        let head = format!(
            "{} {} HTTP/1.1\r\nHost: door\r\nAuthorization: Bearer {key}\r\n{kind}",
            method.as_str(),
            path(op)
        );
        let answer = self.line.send(&head, body).await;
        let (reason, arrived) = (answer.reason(), self.script.take());
        if DENIED.contains(&&*reason) {
            assert!(
                arrived.is_empty() && answer.status == 403,
                "{op}: {answer:?}"
            );
            return false;
        }
        // Some operations have limits of their own.
        let held = reason == "paced" && !op.facts().limits.is_empty();
        assert!(arrived.len() == 1 || held, "{op}: {answer:?}");
        true
    }
}

/// Scopes each alone with its wildcard kin, and in groups in which each of the 178 is once.
fn sets() -> Vec<Vec<String>> {
    let of = |wanted: &dyn Fn(&Scope) -> bool| -> Vec<String> {
        let scopes = Scope::assignable().filter(|scope| wanted(scope));
        scopes.map(|scope| scope.to_string()).collect()
    };
    let mut sets: Vec<Vec<String>> = of(&|scope| scope.is_wildcard())
        .into_iter()
        .map(|scope| vec![scope])
        .collect();
    let narrow = of(&|scope| !scope.is_wildcard());
    // A stride that has no divisor in common with their number mixes resources and actions.
    let mixed: Vec<&String> = (0..narrow.len())
        .map(|n| &narrow[n * 29 % narrow.len()])
        .collect();
    sets.extend(
        mixed
            .chunks(9)
            .map(|some| some.iter().map(ToString::to_string).collect()),
    );
    let used: std::collections::BTreeSet<&String> = sets.iter().flatten().collect();
    assert_eq!(used.len(), 178);
    sets
}

#[tokio::test]
async fn gateway_and_sandbox_agree_on_every_operation_and_scope() {
    let (direct, mut through) = (Direct::new(), Through::new().await);
    // By operation: how often it was let, and how often it was not.
    let mut seen: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for set in sets() {
        // A scope that gives a client nothing can't be granted.
        let (mut granted, mut nothing) = (Vec::new(), Vec::new());
        for scope in &set {
            let grant = Grant::for_scopes([scope.clone()]);
            let given = grant.resolve(Environment::Production, WorkspaceKind::Sandbox, at(BEGIN));
            if given.is_ok() {
                &mut granted
            } else {
                &mut nothing
            }
            .push(scope.clone());
        }
        let client = match granted.is_empty() {
            true => None,
            false => Some(through.client(Grant::for_scopes(granted.clone())).unwrap()),
        };
        let (all, some) = (direct.key(&set).await, direct.key(&granted).await);
        for op in Op::ALL {
            // What can't be granted lets do nothing but what a client is not given by scope at all.
            let lost = direct.lets(&all, op).await && !direct.lets(&some, op).await;
            assert!(
                !lost || may_differ(op),
                "{op}: none of {nothing:?} can be granted"
            );
            let Some(client) = &client else { continue };
            let by_api = direct.lets(&some, op).await;
            let by_gateway = through.lets(client, op).await;
            let agree = by_api == by_gateway || (may_differ(op) && by_api);
            assert!(
                agree,
                "{op} with {granted:?}: API {by_api}, gateway {by_gateway}"
            );
            let counts = seen.entry(op.id()).or_default();
            counts.0 += u32::from(by_gateway);
            counts.1 += u32::from(!by_gateway);
        }
    }
    for op in Op::ALL {
        let (let_through, refused) = seen[op.id()];
        // Nor is the table longer than it must be.
        assert_eq!(
            let_through == 0,
            may_differ(op),
            "{op} went {let_through} times"
        );
        assert!(refused > 0, "{op}");
    }
}

#[tokio::test]
async fn every_operation_can_be_granted_alone_and_gives_no_other() {
    let mut through = Through::new().await;
    for (n, op) in Op::ALL.into_iter().enumerate() {
        let client = through.client(Grant::for_operation(op.id()));
        let never = DIFFER[0].1.contains(&op.id());
        let Ok(client) = client else {
            assert!(never, "{op} can't be granted");
            continue;
        };
        assert!(!never, "{op} was granted");
        assert!(through.lets(&client, op).await, "{op}");
        for other in [1, 2, 86].map(|step| Op::ALL[(n + step) % Op::COUNT]) {
            assert!(!through.lets(&client, other).await, "{op} gives {other}");
        }
    }
}
