//! The log is read whole, each record once, whatever comes between.

use doorward_audit::instantly::{PullOptions, pull_once};
use doorward_policy::Timestamp;
use serde_json::json;

use crate::stage::{Stage, quickly};

impl Stage {
    fn kept(&self) -> Vec<String> {
        let ever = Timestamp::from_millis(i64::MAX);
        let rows = self
            .store
            .log_records(&self.workspace, Timestamp::from_millis(0), ever, 100_000)
            .unwrap();
        rows.into_iter().map(|row| row.id).collect()
    }

    async fn theirs(&self) -> Vec<String> {
        let mut ids: Vec<String> = self
            .log()
            .await
            .iter()
            .map(|record| record["id"].as_str().unwrap().to_owned())
            .collect();
        ids.reverse();
        ids
    }

    async fn something_happens(&self, times: usize) {
        let page = self.ask("GET", "/campaigns?limit=1", None).await;
        let path = format!("/campaigns/{}", page["items"][0]["id"].as_str().unwrap());
        for n in 0..times {
            self.sandbox.advance(1_000);
            self.ask("PATCH", &path, Some(json!({ "name": format!("name {n}") })))
                .await;
        }
    }
}

#[tokio::test]
async fn all_is_read_and_then_what_is_new() {
    let stage = Stage::new(|_| {}).await;
    let source = stage.source(&stage.key);
    let pull = || async {
        pull_once(&stage.audit, &source, &quickly(), stage.now())
            .await
            .unwrap()
    };
    let first = pull().await;
    assert!(first.complete && first.told.is_none(), "{first:?}");
    assert_eq!(first.new, first.read);
    let mut ids = stage.kept();
    let mut theirs = stage.theirs().await;
    ids.sort();
    theirs.sort();
    assert_eq!(ids, theirs);

    let again = pull().await;
    assert_eq!((again.new, again.complete), (0, true), "{again:?}");
    stage.something_happens(5).await;
    assert_eq!(pull().await.new, 5);
    assert_eq!(stage.kept().len(), stage.theirs().await.len());
    // Of a record, nothing is kept that names somebody.
    let rows = stage
        .store
        .log_records(
            &stage.workspace,
            Timestamp::from_millis(0),
            stage.now(),
            1_000,
        )
        .unwrap();
    assert!(
        rows.iter()
            .all(|row| !row.record.contains("Mara") && !row.record.contains('@'))
    );
}

#[tokio::test]
async fn a_long_log_is_read_in_parts_and_goes_on_after_an_interruption() {
    let stage = Stage::new(|_| {}).await;
    stage.something_happens(60).await;
    let source = stage.source(&stage.key);
    let few = PullOptions {
        page: 7,
        pages_max: 2,
        ..quickly()
    };
    let mut rounds = 0;
    loop {
        let pulled = pull_once(&stage.audit, &source, &few, stage.now())
            .await
            .unwrap();
        assert!(pulled.pages <= 2);
        rounds += 1;
        // Something new comes at the other end meanwhile.
        stage.something_happens(1).await;
        if pulled.complete {
            break;
        }
        assert!(rounds < 40, "it comes to an end");
    }
    assert!(rounds > 4);
    pull_once(&stage.audit, &source, &quickly(), stage.now())
        .await
        .unwrap();
    let (mut ids, mut theirs) = (stage.kept(), stage.theirs().await);
    ids.sort();
    theirs.sort();
    assert_eq!(ids, theirs);
}

#[tokio::test]
async fn what_keeps_the_log_from_being_read_is_told_in_words() {
    let stage = Stage::new(|_| {}).await;
    let narrow = stage.source(&stage.key_named("analytics-dashboard"));
    let told = pull_once(&stage.audit, &narrow, &quickly(), stage.now())
        .await
        .unwrap();
    assert!(told.told.unwrap().contains("has the scope audit_logs:read"));
    assert!(!told.again && !told.complete);

    let dead = stage.source("no-key-at-all");
    let told = pull_once(&stage.audit, &dead, &quickly(), stage.now())
        .await
        .unwrap();
    assert!(told.told.unwrap().contains("not accepted"));

    let workspace = stage.sandbox.summary("").workspaces[0].id.clone();
    stage.sandbox.set(|settings| {
        settings.unpaid.insert(workspace);
    });
    let source = stage.source(&stage.key);
    let told = pull_once(&stage.audit, &source, &quickly(), stage.now())
        .await
        .unwrap();
    assert!(told.told.unwrap().contains("no active paid plan"));

    stage.sandbox.set(|settings| {
        settings.unpaid.clear();
        settings.rate_limits = true;
        settings.requests_per_minute = 1;
    });
    stage.ask("GET", "/campaigns?limit=1", None).await;
    let told = pull_once(&stage.audit, &source, &quickly(), stage.now())
        .await
        .unwrap();
    assert!(told.again, "a limit passes: {told:?}");
    stage.sandbox.set(|settings| settings.rate_limits = false);
    let pulled = pull_once(&stage.audit, &source, &quickly(), stage.now())
        .await
        .unwrap();
    assert!(pulled.complete && pulled.told.is_none(), "{pulled:?}");
}

#[tokio::test]
async fn an_empty_log_is_told_with_its_likely_cause() {
    let stage = Stage::new(|_| {}).await;
    stage.sandbox.advance(40 * 86_400_000);
    let source = stage.source(&stage.key);
    // As far back as it goes by itself.
    let usual = PullOptions {
        first_ms: PullOptions::default().first_ms,
        ..quickly()
    };
    let pulled = pull_once(&stage.audit, &source, &usual, stage.now())
        .await
        .unwrap();
    assert_eq!((pulled.read, pulled.complete), (0, true));
    let told = pulled.told.unwrap();
    assert!(told.contains("plan") && told.contains("settings"), "{told}");
    stage.something_happens(1).await;
    let pulled = pull_once(&stage.audit, &source, &quickly(), stage.now())
        .await
        .unwrap();
    assert_eq!((pulled.new, pulled.told), (1, None));
}
