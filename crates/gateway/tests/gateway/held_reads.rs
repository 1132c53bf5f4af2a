//! Reads whose answers wait for their record.

use std::sync::Arc;
use std::time::Duration;

use doorward_gateway::{
    CallFacts, NotRecorded, Outcome, Reads, ReadsWithout, RecordSettings, Recorder, Recording,
};
use doorward_ledger::LeafId;
use doorward_policy::Grant;

use crate::door::{Connection, Door, Setup, get};
use crate::ledger::recording;
use crate::upstream::{Reply, Upstream};

/// Never takes an outcome of a read, or says at once that it does not.
#[derive(Default)]
struct Held {
    fail: bool,
}

impl Recorder for Held {
    fn intent<'a>(&'a self, _: &'a CallFacts) -> Recording<'a, Option<LeafId>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    fn outcome(&self, _: &Arc<CallFacts>, _: Option<LeafId>, _: &Outcome) {}

    fn holds_reads(&self) -> bool {
        true
    }

    fn outcome_of_read(&self, _: &Arc<CallFacts>, outcome: &Outcome) -> Recording<'static, ()> {
        assert!(outcome.success);
        if self.fail {
            return Box::pin(std::future::ready(Err(NotRecorded)));
        }
        Box::pin(std::future::pending())
    }
}

const LONG: usize = 100_000;

async fn reader_with(recorder: Held, reply: Reply) -> (Door, Upstream, String) {
    let upstream = Upstream::start(move |_, _| reply.clone()).await;
    let setup = Setup {
        recorder: Some(Arc::new(recorder)),
        ..Setup::default()
    };
    let mut door = Door::open_with(&upstream, setup).await;
    let key = door.client("reader", Grant::for_use_case("reader"));
    (door, upstream, key)
}

/// What arrives of an answer until nothing more does.
async fn arrives(connection: &mut Connection) -> usize {
    let mut room = Vec::new();
    loop {
        let read = tokio::io::AsyncReadExt::read_buf(&mut connection.stream, &mut room);
        match tokio::time::timeout(Duration::from_millis(300), read).await {
            Ok(Ok(0) | Err(_)) | Err(_) => return room.len(),
            Ok(Ok(_)) => {}
        }
    }
}

#[tokio::test]
async fn the_end_of_a_held_read_waits_for_its_record() {
    let replies = [
        Reply::json("200 OK", &"x".repeat(LONG)),
        Reply::Bytes(
            format!(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n{}\r\n0\r\n\r\n",
                LONG,
                "x".repeat(LONG)
            )
            .into_bytes(),
        ),
        Reply::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec()),
        Reply::json("200 OK", "{}"),
    ];
    for reply in replies {
        let (door, _upstream, key) = reader_with(Held::default(), reply).await;
        let mut connection = door.connect().await;
        connection.write(get("/api/v2/campaigns", &key)).await;
        let arrived = arrives(&mut connection).await;
        assert!(arrived < LONG, "{arrived}");
    }
}

#[tokio::test]
async fn a_held_read_that_can_not_be_recorded_is_broken_off() {
    let held = || Held { fail: true };
    let (door, _upstream, key) =
        reader_with(held(), Reply::json("200 OK", &"x".repeat(LONG))).await;
    let mut connection = door.connect().await;
    connection.write(get("/api/v2/campaigns", &key)).await;
    assert!(connection.read().await.is_none());

    let empty = Reply::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec());
    let (door, _upstream, key) = reader_with(held(), empty).await;
    let answer = door.send(get("/api/v2/campaigns", &key)).await;
    assert_eq!(
        (answer.status, answer.reason().as_str()),
        (503, "ledger_unavailable")
    );
}

#[tokio::test]
async fn held_reads_come_whole_and_are_recorded_by_then() {
    let body = "x".repeat(LONG);
    let reply = Reply::json("200 OK", &body);
    let upstream = Upstream::start(move |_, _| reply.clone()).await;
    let record = RecordSettings {
        reads: Reads::Durable,
        reads_without: ReadsWithout::Allow,
        ..RecordSettings::default()
    };
    let mut door = Door::open_with(&upstream, recording(record)).await;
    let key = door.client("reader", Grant::for_use_case("reader"));
    for n in 1..=3 {
        let answer = door.send(get("/api/v2/campaigns", &key)).await;
        assert_eq!(answer.body, body.as_bytes());
        let found = doorward_audit::find(
            &door.audit.reader(),
            &doorward_audit::Filter {
                action: Some("listCampaign".to_owned()),
                ..Default::default()
            },
            0,
            100,
            100,
        );
        assert_eq!(found.unwrap().records.len(), n, "without waiting for it");
    }
    assert_eq!(door.entries(3).await[0].metadata["answer"]["bytes"], LONG);
    // The setting that lets reads go on holds at their end, too.
    door.audit.log().close().unwrap();
    let answer = door.send(get("/api/v2/campaigns", &key)).await;
    assert_eq!(answer.body.len(), LONG);
}
