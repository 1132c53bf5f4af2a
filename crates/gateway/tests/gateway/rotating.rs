//! What a rotation goes by: which key carries what, the old key behind the new one, and the key that
//! manages the others, under which no call goes out.

use std::time::Duration;

use doorward_gateway::KeyFigures;
use doorward_policy::Grant;
use doorward_store::{KeyRole, Store, UpstreamKey, UpstreamKeyChange, UpstreamKeyState};

use crate::door::{Door, Setup, get, upstream_key};
use crate::upstream::{Reply, Upstream};

const CAMPAIGNS: &str = "/api/v2/campaigns";
const DEAD: &str = r#"{"statusCode":401,"error":"Unauthorized","message":"Invalid API key"}"#;

async fn door(upstream: &Upstream) -> (Door, String) {
    let setup = Setup {
        upstream_keys: vec![("old", "campaigns:read"), ("new", "campaigns:read")],
        ..Setup::default()
    };
    let mut door = Door::open_with(upstream, setup).await;
    let key = door.client("reader", Grant::for_scopes(["campaigns:read"]));
    (door, key)
}

fn key(door: &Door, name: &str) -> UpstreamKey {
    let keys = door.store.workspaces().unwrap().remove(0).upstream_keys;
    keys.into_iter().find(|key| key.name == name).unwrap()
}

fn set(door: &Door, name: &str, state: UpstreamKeyState) {
    let id = key(door, name).id;
    door.store.set_upstream_key_state(&id, state).unwrap();
    door.refresh();
}

fn figures(door: &Door, name: &str) -> KeyFigures {
    door.snapshot.load().key_figures(&key(door, name).id)
}

#[tokio::test]
async fn a_call_counts_under_its_key_until_it_is_answered_whatever_is_in_force_by_then() {
    let (head, body) = ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n", "\r\n{}");
    let upstream = Upstream::start(move |seen, _| {
        match seen.all("authorization") == [format!("Bearer {}", upstream_key("old"))] {
            true => Reply::Slow(
                vec![],
                Duration::from_millis(300),
                [head, body].concat().into(),
            ),
            false => Reply::json("200 OK", "{}"),
        }
    })
    .await;
    let (door, client) = door(&upstream).await;
    set(&door, "new", UpstreamKeyState::Retiring);
    let mut slow = door.connect().await;
    slow.write(get(CAMPAIGNS, &client)).await;
    while upstream.seen().is_empty() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(figures(&door, "old").under_way, 1);

    door.store
        .set_upstream_key_state(&key(&door, "old").id, UpstreamKeyState::Retiring)
        .unwrap();
    set(&door, "new", UpstreamKeyState::Active);
    assert_eq!(door.send(get(CAMPAIGNS, &client)).await.status, 200);
    let under_new = KeyFigures {
        accepted: 1,
        ..KeyFigures::default()
    };
    assert_eq!(figures(&door, "new"), under_new);
    let old = figures(&door, "old");
    assert_eq!(
        (old.under_way, old.accepted),
        (1, 0),
        "it is under way still"
    );

    assert_eq!(slow.read().await.unwrap().status, 200);
    let old = figures(&door, "old");
    assert_eq!((old.under_way, old.accepted, old.refused), (0, 1, 0));
    let print = door.snapshot.load().key_print(&key(&door, "new").id);
    let digest = ring::digest::digest(&ring::digest::SHA256, upstream_key("new").as_bytes());
    assert_eq!(
        print.as_ref().map(<[u8; 8]>::as_slice),
        digest.as_ref().get(..8)
    );
}

#[tokio::test]
async fn the_old_key_stands_behind_the_new_one() {
    let upstream = Upstream::start(|seen, _| {
        match seen.all("authorization") == [format!("Bearer {}", upstream_key("new"))] {
            true => Reply::json("401 Unauthorized", DEAD),
            false => Reply::json("200 OK", "{}"),
        }
    })
    .await;
    let (door, client) = door(&upstream).await;
    set(&door, "old", UpstreamKeyState::Retiring);
    assert_eq!(door.send(get(CAMPAIGNS, &client)).await.status, 200);
    assert_eq!(upstream.seen().len(), 2);
    let (old, new) = (figures(&door, "old"), figures(&door, "new"));
    assert_eq!((new.accepted, new.refused), (0, 1));
    assert_eq!((old.accepted, old.refused), (1, 0));
}

#[tokio::test]
async fn no_call_goes_out_under_the_key_that_manages_the_others() {
    let upstream = Upstream::plain().await;
    let (door, client) = door(&upstream).await;
    for name in ["old", "new"] {
        let manages = UpstreamKeyChange {
            role: Some(KeyRole::Manages),
            ..UpstreamKeyChange::default()
        };
        let id = key(&door, name).id;
        door.store.change_upstream_key(&id, &manages).unwrap();
    }
    door.refresh();
    let answer = door.send(get(CAMPAIGNS, &client)).await;
    answer.refused(503, "no_upstream_key_covers");
    assert!(upstream.seen().is_empty());
    // It is known all the same: whoever calls with it is told of.
    let presented = door.send(get(CAMPAIGNS, &upstream_key("old"))).await;
    assert_eq!(presented.status, 401);
    let told = door.learnt.presented.lock().unwrap().clone();
    assert_eq!(told, [upstream_key("old")]);
}
