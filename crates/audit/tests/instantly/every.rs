//! Each kind of call that leaves a record, once, through Doorward: all of them are explained.

use std::collections::BTreeSet;

use doorward_audit::instantly::pull_once;
use doorward_audit::reconcile::{ReconcileOptions, reconcile_open, traces};
use doorward_catalog::Op;
use doorward_ledger::Verdict;
use serde_json::{Value, json};

use crate::stage::{Ask, EGRESS, Stage, quickly};

struct Caller<'a> {
    stage: &'a Stage,
    made: u64,
    operations: BTreeSet<Op>,
}

impl Caller<'_> {
    /// Makes a call as the gateway does, under its name or not.
    async fn call(&mut self, op: Op, param: &str, body: Value) -> Value {
        self.made += 1;
        self.operations.insert(op);
        self.stage.sandbox.advance(1_000);
        let (at, name) = (self.stage.now(), format!("req_{:032x}", self.made));
        let audit = &self.stage.audit;
        let parameter = op.facts().path.split(['{', '}']).nth(1).unwrap_or("none");
        let id = (parameter, if param.is_empty() { "none" } else { param });
        let intent = audit
            .record(self.stage.intent(op.id(), id, &name, at))
            .await
            .unwrap();
        let path = op
            .path_with(Some(param).filter(|param| !param.is_empty()))
            .unwrap();
        let ask = Ask {
            method: op.facts().method.as_str(),
            path: path.strip_prefix("/api/v2").unwrap().to_owned(),
            body: Some(body).filter(|body| !body.is_null()),
        };
        let agent = format!("doorward/0.1.0 {name}");
        let (status, answer) = self
            .stage
            .call(&ask, &self.stage.key, Some(&agent), EGRESS)
            .await;
        assert_eq!(status, 200, "{op}: {answer}");
        let ended = (Some(status), Verdict::Success);
        let outcome = self
            .stage
            .outcome(intent.leaf, op.id(), &name, (at, 20), ended);
        audit.record(outcome).await.unwrap();
        answer
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_of_ours_is_explained() {
    let stage = Stage::new(|_| {}).await;
    stage.sandbox.advance(7_200_000);
    let source = stage.source(&stage.key);
    pull_once(&stage.audit, &source, &quickly(), stage.now())
        .await
        .unwrap();
    let before = stage.log().await.len();
    let list = async |path: &str| -> Vec<Value> {
        stage.ask("GET", path, None).await["items"]
            .as_array()
            .unwrap()
            .clone()
    };
    let campaigns = list("/campaigns?limit=3").await;
    let campaign = text(&campaigns[0], "id").to_owned();
    let accounts = list("/accounts?limit=4").await;
    let email = text(&accounts[0], "email").to_owned();
    let mut ours = Caller {
        stage: &stage,
        made: 0,
        operations: BTreeSet::new(),
    };

    let new = json!({ "name": "once", "scopes": ["leads:read"] });
    let key = ours.call(Op::CreateAPIKey, "", new).await;
    ours.call(Op::DeleteAPIKey, text(&key, "id"), Value::Null)
        .await;

    let hook =
        json!({ "target_hook_url": "https://crm.larkspur.example/h", "event_type": "email_sent" });
    let hook = ours.call(Op::CreateWebhook, "", hook).await;
    ours.call(Op::PatchWebhook, text(&hook, "id"), json!({ "name": "h" }))
        .await;
    for hook in list("/webhooks?limit=50").await {
        ours.call(Op::ResumeWebhook, text(&hook, "id"), Value::Null)
            .await;
    }

    ours.call(Op::PatchCampaign, &campaign, json!({ "name": "c" }))
        .await;
    ours.call(
        Op::AddVariables,
        &campaign,
        json!({ "variables": ["city"] }),
    )
    .await;
    ours.call(Op::ActivateCampaign, &campaign, Value::Null)
        .await;
    ours.call(Op::PauseCampaign, &campaign, Value::Null).await;
    let sub = json!({
        "parent_campaign": campaign,
        "name": "follow up",
        "conditions": { "crm_status": [1] },
        "sequences": [],
    });
    let sub = stage.ask("POST", "/subsequences", Some(sub)).await;
    let id = text(&sub, "id");
    ours.call(Op::PatchCampaignSubsequence, id, json!({ "name": "s" }))
        .await;
    ours.call(Op::PauseSubsequence, id, Value::Null).await;
    ours.call(Op::ResumeSubsequence, id, Value::Null).await;

    ours.call(Op::PatchAccount, &email, json!({ "daily_limit": 12 }))
        .await;
    ours.call(Op::PauseAccount, &email, Value::Null).await;
    ours.call(Op::ResumeAccount, &email, Value::Null).await;
    ours.call(Op::MarkAccountFixed, &email, Value::Null).await;
    let emails = json!({ "emails": [text(&accounts[1], "email"), text(&accounts[2], "email")] });
    ours.call(Op::DisableWarmupForAccounts, "", emails.clone())
        .await;
    ours.call(Op::EnableWarmupForAccounts, "", emails.clone())
        .await;
    ours.call(Op::PauseAccounts, "", emails).await;

    let lead = |n: usize| json!({ "email": format!("once{n}@leads.example") });
    let mut ids = Vec::new();
    for n in 0..3 {
        let mut body = lead(n);
        body["campaign"] = json!(campaign);
        ids.push(text(&ours.call(Op::CreateLead, "", body).await, "id").to_owned());
    }
    let many = json!({ "campaign_id": campaign, "leads": [lead(7), lead(8)] });
    ours.call(Op::BulkAddLeads, "", many).await;
    let merge = json!({ "lead_id": ids[0], "destination_lead_id": ids[1] });
    ours.call(Op::MergeLeads, "", merge).await;
    let to = text(&campaigns[1], "id");
    let moved = json!({ "ids": [ids[1]], "campaign": campaign, "to_campaign_id": to });
    ours.call(Op::MoveLeads, "", moved).await;
    ours.call(Op::DeleteLead, &ids[2], Value::Null).await;
    ours.call(Op::DeleteAccount, text(&accounts[3], "email"), Value::Null)
        .await;
    ours.call(Op::DeleteCampaign, text(&campaigns[2], "id"), Value::Null)
        .await;

    // Of what always leaves a record, all was tried but making an account, which needs a server.
    let operations = ours.operations.clone();
    let untried: Vec<Op> = Op::ALL
        .into_iter()
        .filter(|op| traces(*op).iter().any(|trace| trace.due) && !operations.contains(op))
        .collect();
    assert_eq!(untried, [Op::CreateAccount]);

    stage.sandbox.advance(600_000);
    pull_once(&stage.audit, &source, &quickly(), stage.now())
        .await
        .unwrap();
    let (audit, now) = (stage.audit.clone(), stage.now());
    let judged = move || reconcile_open(&audit, now, &ReconcileOptions::default());
    let report = tokio::task::spawn_blocking(judged)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
    let records = stage.log().await.len() - before;
    assert_eq!(report.matched as usize, records, "{report:?}");
    assert!(records > 25, "{records}");
    assert!(report.is_clean(), "{report:?}");
    assert!(report.never_seen.is_empty(), "{report:?}");
}
