//! The audit log of lines, as a recorder.

use std::sync::Arc;

use doorward_gateway::{AuditLog, AuditSink};
use doorward_policy::Grant;

use crate::door::{AUDIT_KEY, Door, Setup, get, post};
use crate::upstream::Upstream;

#[cfg(unix)]
#[tokio::test]
async fn a_file_is_appended_to_and_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.log");
    for _ in 0..2 {
        let log = AuditLog::open(AuditSink::File(path.clone()), &AUDIT_KEY.into()).unwrap();
        let upstream = Upstream::plain().await;
        let setup = Setup {
            recorder: Some(Arc::new(log)),
            ..Setup::default()
        };
        let door = Door::open_with(&upstream, setup).await;
        door.send(get("/api/v2/campaigns", ""))
            .await
            .refused(401, "unauthorized");
    }
    let lines = || std::fs::read_to_string(&path).unwrap().lines().count();
    while lines() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(lines(), 2);
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let missing = AuditSink::File(dir.path().join("no/such/folder"));
    assert!(AuditLog::open(missing, &AUDIT_KEY.into()).is_err());
    assert!(AuditLog::open(AuditSink::Stderr, &"short".into()).is_err());
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_moved_away_is_begun_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit.log");
    let log = AuditLog::open(AuditSink::File(path.clone()), &AUDIT_KEY.into()).unwrap();
    let upstream = Upstream::plain().await;
    let setup = Setup {
        recorder: Some(Arc::new(log)),
        ..Setup::default()
    };
    let mut door = Door::open_with(&upstream, setup).await;
    let key = door.client("importer", Grant::for_use_case("lead-import"));
    let lead = post("/api/v2/leads", &key, "{}");
    assert_eq!(door.send(&lead).await.status, 200);
    std::fs::rename(&path, dir.path().join("audit.log.1")).unwrap();
    assert_eq!(door.send(&lead).await.status, 200);
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"phase\":\"intent\""), "{text}");
    // With nowhere to write to, writes stop.
    std::fs::remove_dir_all(dir.path()).unwrap();
    door.send(&lead).await.refused(503, "ledger_unavailable");
}
