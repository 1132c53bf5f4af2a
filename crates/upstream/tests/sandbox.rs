//! Against the emulated API over HTTP.

use std::collections::BTreeMap;
use std::time::Duration;

use doorward_catalog::people::Role;
use doorward_sandbox::{Running, Sandbox, ScopeError, Settings, Summary};
use doorward_upstream::resources::{
    AuditLogFilter, BlockListFilter, Change, MemberChange, MemberFilter, NewApiKey, NewMember,
    NewWebhook, WebhookChange, WebhookEventFilter, WebhookFilter,
};
use doorward_upstream::wire::SecretText;
use doorward_upstream::{
    Call, Client, ClientBuilder, Error, Extent, Liveness, Op, Outcome, ReaderWriter, RetryPolicy,
    ScopeSet,
};
use serde_json::{Value, json};

type Tried = Result<(), Box<dyn std::error::Error>>;

/// A sandbox on a socket, and what is in it.
struct Api {
    running: Running,
    summary: Summary,
}

impl Api {
    async fn with(settings: Settings) -> Result<Api, Box<dyn std::error::Error>> {
        let sandbox = Sandbox::builder().seed(7).settings(settings).build()?;
        let running = sandbox.spawn("127.0.0.1:0").await?;
        let summary = running.sandbox.summary(&running.url);
        Ok(Api { running, summary })
    }

    async fn new() -> Result<Api, Box<dyn std::error::Error>> {
        let settings = Settings {
            rate_limits: false,
            ..Settings::default()
        };
        Api::with(settings).await
    }

    fn builder(&self) -> ClientBuilder {
        let quick = RetryPolicy {
            base: Duration::from_millis(1),
            ..RetryPolicy::default()
        };
        Client::builder()
            .base_url(&self.running.url)
            .retries(quick)
            .timeout(Duration::from_secs(20))
    }

    fn key(&self, name: &str) -> Result<String, String> {
        let mut keys = self.summary.workspaces.iter().flat_map(|all| &all.keys);
        let key = keys.find(|key| key.name == name);
        Ok(key.ok_or_else(|| format!("no key {name}"))?.key.clone())
    }

    fn client(&self, key: &str) -> Result<Client, Box<dyn std::error::Error>> {
        Ok(self.builder().key(self.key(key)?.into()).build()?)
    }

    fn wide(&self) -> Result<Client, Box<dyn std::error::Error>> {
        self.client("full-automation")
    }

    fn fault(&self, fault: &Value) {
        let body = fault.to_string();
        let answer = self
            .running
            .sandbox
            .control("POST", "/_sandbox/faults", body.as_bytes());
        assert_eq!(answer.status, 200, "{answer:?}");
    }
}

#[tokio::test]
async fn keys_are_made_listed_and_deleted() -> Tried {
    let api = Api::new().await?;
    let client = api.wide()?;
    let scopes: ScopeSet = "campaigns:read, leads:create".parse()?;
    let new = NewApiKey {
        name: "made-here".to_owned(),
        scopes,
    };
    let made = client.api_keys().create(&new).await?;
    let listed = client.api_keys().list().all(1_000).await?;
    assert!(listed.iter().any(|key| key.id == made.id));

    let theirs = client.with_key(made.key.expose_secret().to_owned().into())?;
    let probe = theirs.probe().await;
    assert_eq!((probe.scopes, probe.calls), (Some(scopes), 1));
    client.api_keys().delete(&made.id).await?;
    let probe = theirs.probe().await;
    assert_eq!((probe.alive, probe.scopes), (Liveness::Dead, None));
    let again = client.api_keys().delete(&made.id).await;
    assert!(matches!(again, Err(Error::NotFound { .. })), "{again:?}");
    Ok(())
}

#[tokio::test]
async fn every_seeded_key_is_probed_right() -> Tried {
    let api = Api::new().await?;
    for key in api.summary.workspaces.iter().flat_map(|all| &all.keys) {
        let client = api.builder().key(key.key.clone().into()).build()?;
        let probe = client.probe().await;
        assert_eq!(probe.alive, Liveness::Alive, "{}", key.name);
        let real: ScopeSet = key.scopes.join(",").parse()?;
        let found = probe.scopes.ok_or("no scopes")?;
        match probe.extent {
            Extent::Exact => assert_eq!(found, real, "{}", key.name),
            Extent::AtLeast => {
                assert!(found.allows().is_subset(real.allows()), "{}", key.name);
                assert!(real.has_wildcard(), "{}", key.name);
            }
        }
        assert_eq!(probe.calls == 1, !real.has_wildcard(), "{}", key.name);
    }
    Ok(())
}

#[tokio::test]
async fn quirks_are_told_apart() -> Tried {
    let api = Api::new().await?;
    let narrow = api.client("analytics-dashboard")?;
    let refused = narrow.workspace().get().await;
    let Err(Error::WrongScope {
        required, found, ..
    }) = refused
    else {
        return Err(format!("{refused:?}").into());
    };
    assert_eq!(required, ["workspaces:read"]);
    assert_eq!(found.ok_or("none")?, ["campaigns:read", "accounts:read"]);

    api.running
        .sandbox
        .set(|s| s.scope_error = ScopeError::Forbidden);
    assert!(matches!(
        narrow.workspace().get().await,
        Err(Error::WrongScope { .. })
    ));
    assert_eq!(narrow.probe().await.alive, Liveness::Alive);

    api.running.sandbox.set(|s| s.edge_user_agent_block = true);
    let urllib = api.builder().user_agent("Python-urllib/3.12");
    let urllib = urllib.key(api.key("reporting")?.into()).build()?;
    let code = Some(1010);
    let op = Op::GetWorkspace;
    assert_eq!(
        urllib.workspace().get().await,
        Err(Error::EdgeBlocked { op, code })
    );
    let probe = urllib.probe().await;
    assert!(probe.edge_blocked && probe.alive != Liveness::Dead);
    assert!(api.wide()?.workspace().get().await.is_ok());

    let id = api.wide()?.workspace().get().await?.id;
    api.running.sandbox.set(|s| s.unpaid.extend([id]));
    assert!(matches!(
        api.wide()?.workspace().get().await,
        Err(Error::NoPlan { .. })
    ));
    let probe = narrow.probe().await;
    assert!(probe.unpaid && probe.alive == Liveness::Alive);
    Ok(())
}

#[tokio::test]
async fn subscriptions_live_their_life() -> Tried {
    let api = Api::new().await?;
    let webhooks_of = api.wide()?;
    let webhooks = webhooks_of.webhooks();
    let secret = SecretText::new("s3cret".to_owned());
    let new = NewWebhook {
        target_hook_url: "https://hooks.example/in".to_owned(),
        event_type: Some("all_events".to_owned()),
        headers: Some(BTreeMap::from([("x-secret".to_owned(), secret)])),
        ..NewWebhook::default()
    };
    let made = webhooks.create(&new).await?;
    let read = webhooks.get(&made.id).await?;
    let headers = read.headers.ok_or("no headers")?;
    assert_eq!(
        headers.get("x-secret").map(SecretText::expose_secret),
        Some("s3cret")
    );
    let change = WebhookChange {
        name: Change::Set("renamed".to_owned()),
        headers: Change::Clear,
        ..WebhookChange::default()
    };
    let changed = webhooks.patch(&made.id, &change).await?;
    assert_eq!(changed.name.as_deref(), Some("renamed"));
    assert!(changed.headers.is_none_or(|headers| headers.is_empty()));
    assert!(webhooks.test(&made.id).await?.success);
    let all = webhooks.list(&WebhookFilter::default()).all(1_000).await?;
    let off = all
        .iter()
        .find(|webhook| webhook.is_disabled())
        .ok_or("none is off")?;
    assert!(!webhooks.resume(&off.id).await?.is_disabled());
    assert!(
        webhooks
            .event_types()
            .await?
            .iter()
            .any(|kind| kind.id == "email_sent")
    );
    webhooks.delete(&made.id).await?;
    assert!(matches!(
        webhooks.get(&made.id).await,
        Err(Error::NotFound { .. })
    ));

    let events = webhooks_of.webhook_events();
    let listed = events.list(&WebhookEventFilter::default()).all(10).await?;
    let first = listed.first().ok_or("no events")?;
    assert_eq!(events.get(&first.id).await?.id, first.id);
    // The summaries must agree with each other.
    let counts = events
        .summary(Some("2020-01-01"), Some("2035-01-01"))
        .await?;
    let days = events
        .summary_by_date(Some("2020-01-01"), Some("2035-01-01"))
        .await?;
    let total: u64 = days.iter().map(|day| day.counts.total_events).sum();
    assert_eq!(total, counts.total_events);
    assert!(total > 0);
    Ok(())
}

#[tokio::test]
async fn people_block_list_and_audit_log() -> Tried {
    let api = Api::new().await?;
    let client = api.wide()?;
    let new = NewMember {
        email: "ada@example.com".to_owned(),
        role: Role::View,
        nickname: None,
        permissions: None,
    };
    let made = client.members().create(&new).await?;
    let change = MemberChange {
        nickname: Change::Set("Ada".to_owned()),
        role: Some(Role::Editor),
    };
    let changed = client.members().patch(&made.id, &change).await?;
    assert_eq!(
        (changed.role, changed.nickname.as_deref()),
        (Role::Editor, Some("Ada"))
    );
    let nothing = client
        .members()
        .patch(&made.id, &MemberChange::default())
        .await;
    assert!(matches!(nothing, Err(Error::Invalid { .. })), "{nothing:?}");
    assert_eq!(
        client.members().get(&made.id).await?.email,
        "ada@example.com"
    );
    client.members().delete(&made.id).await?;
    let left = client
        .members()
        .list(&MemberFilter::default())
        .all(1_000)
        .await?;
    assert!(!left.is_empty() && left.iter().all(|member| member.id != made.id));

    let block_list = client.block_list();
    let one = block_list.create("blocked.example").await?;
    assert!(one.is_domain);
    let many = [
        "a@blocked.example".to_owned(),
        "b@blocked.example".to_owned(),
    ];
    let bulk = block_list.create_many(&many).await?;
    assert_eq!((bulk.valid_count, bulk.items.len()), (2, 2));
    let filter = BlockListFilter {
        domains_only: None,
        search: Some("blocked.example".to_owned()),
    };
    assert_eq!(block_list.list(&filter).all(1_000).await?.len(), 3);
    block_list.delete(&one.id).await?;
    let ids: Vec<String> = bulk.items.into_iter().map(|entry| entry.id).collect();
    assert_eq!(block_list.delete_many(&ids).await?.len(), 2);
    assert!(block_list.list(&filter).all(1_000).await?.is_empty());

    let log = client
        .audit_logs()
        .list(&AuditLogFilter::default())
        .all(5_000)
        .await?;
    assert!(log.len() > 10);
    Ok(())
}

#[tokio::test]
async fn an_admin_workspace_acts_on_its_sub_workspaces() -> Tried {
    let api = Api::new().await?;
    let client = api.wide()?;
    let own = client.workspace().get().await?;
    let members = client.group_members().list().all(100).await?;
    let member = members.first().ok_or("no sub-workspace")?;
    assert_eq!(client.group_members().get(&member.id).await?.id, member.id);
    let sub = client.as_workspace(&member.sub_workspace_id)?;
    assert_eq!(sub.workspace().get().await?.id, member.sub_workspace_id);
    assert!(sub.group_members().admin().await?.has_admin_workspace);
    assert!(!client.group_members().admin().await?.has_admin_workspace);
    assert_eq!(client.workspace().get().await?.id, own.id);
    let stranger = client.as_workspace("00000000-0000-4000-8000-000000000001")?;
    assert!(matches!(
        stranger.workspace().get().await,
        Err(Error::NotFound { .. })
    ));
    Ok(())
}

#[tokio::test]
async fn lists_are_walked_whole_by_query_and_by_body() -> Tried {
    let api = Api::new().await?;
    let client = api.wide()?;
    for op in [
        Op::ListLeads,
        Op::ListEmail,
        Op::ListCampaign,
        Op::ListAccount,
    ] {
        let large: Vec<Value> = client.items(Call::new(op)).all(10_000).await?;
        let small = match op {
            Op::ListLeads => Call::new(op).json(&json!({"limit": 7}))?,
            _ => Call::new(op).query("limit", 7),
        };
        let small: Vec<Value> = client.items(small).all(10_000).await?;
        assert!(large.len() > 7, "{op}: {}", large.len());
        assert_eq!(large, small, "{op}");
    }
    Ok(())
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_was_done_once_and_is_not_repeated() -> Tried {
    let api = Api::new().await?;
    let client = api.wide()?;
    let name = "lost-in-the-post";
    let new = NewApiKey {
        name: name.to_owned(),
        scopes: "leads:read".parse()?,
    };
    let count = || async {
        let keys = client.api_keys().list().all(1_000).await?;
        Ok::<_, Error>(keys.iter().filter(|key| key.name == name).count())
    };
    let faults = [
        (json!({"kind": "lost_response"}), Outcome::Unknown),
        (json!({"kind": "reset", "after_bytes": 20}), Outcome::Done),
        (
            json!({"kind": "truncated", "missing_bytes": 5}),
            Outcome::Done,
        ),
        (json!({"kind": "wrong_content_type"}), Outcome::Done),
        (json!({"kind": "status", "status": 503}), Outcome::Unknown),
    ];
    for (n, (mut fault, outcome)) in faults.into_iter().enumerate() {
        fault["operation"] = json!("createAPIKey");
        fault["count"] = json!(1);
        api.fault(&fault);
        let error = client
            .api_keys()
            .create(&new)
            .await
            .err()
            .ok_or("no error")?;
        assert_eq!(error.outcome(), outcome, "{fault}: {error:?}");
        // The last fault strikes before anything is done.
        assert_eq!(count().await?, (n + 1).min(4), "{fault}");
    }
    Ok(())
}

#[tokio::test]
async fn reads_outlast_faults_and_writes_a_storm() -> Tried {
    let api = Api::new().await?;
    let client = api.wide()?;
    for kind in [
        json!({"kind": "lost_response"}),
        json!({"kind": "reset", "after_bytes": 10}),
        json!({"kind": "status", "status": 502}),
        json!({"kind": "storm"}),
    ] {
        let mut fault = kind.clone();
        fault["operation"] = json!("getWorkspace");
        fault["count"] = json!(2);
        api.fault(&fault);
        assert!(client.workspace().get().await.is_ok(), "{kind}");
    }
    api.fault(&json!({"kind": "storm", "operation": "createBlockListEntry", "count": 2}));
    assert!(client.block_list().create("storm.example").await.is_ok());
    Ok(())
}

#[tokio::test]
async fn two_keys_serve_one_client() -> Tried {
    let api = Api::new().await?;
    let (reader, writer) = (api.key("analytics-dashboard")?, api.key("lead-import")?);
    let pair = ReaderWriter::discover(&api.wide()?, reader.into(), writer.into()).await?;
    let client = api.builder().reader_writer(pair).build()?;
    client.request(Op::ListCampaign, None, &[], None).await?;
    let lead = json!({"email": "ada@example.com"});
    client
        .request(Op::CreateLead, None, &[], Some(&lead))
        .await?;
    let refused = client.request(Op::ListAPIKey, None, &[], None).await;
    assert!(matches!(refused, Err(Error::NoKeyCovers { .. })));
    Ok(())
}
