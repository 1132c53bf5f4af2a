//! Who gets in, and what the others learn: nothing.

use std::collections::BTreeMap;

use doorward_catalog::Environment;
use doorward_keys::{ClientKey, KeyId};
use doorward_policy::Grant;
use doorward_store::{ClientChange, NewClient, Store};

use crate::door::{CANARY, Door, NOW, Response, get, post, request, upstream_key};
use crate::upstream::Upstream;

/// An answer without what tells one call from another.
fn anonymous(response: &Response) -> (u16, Vec<(String, String)>, String) {
    let id = response.header("doorward-request-id").unwrap().to_owned();
    let varies = |name: &str| name == "date" || name == "doorward-request-id";
    let headers = response
        .headers
        .iter()
        .filter(|(name, _)| !varies(name))
        .cloned()
        .collect();
    let body = String::from_utf8(response.body.clone()).unwrap();
    assert!(body.contains(&id));
    (response.status, headers, body.replace(&id, "ID"))
}

#[tokio::test]
async fn refusals_of_keys_are_alike() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open(&upstream).await;
    let good = door.client("importer", Grant::for_use_case("lead-import"));
    let client = door.store.client(&door.workspace, "importer").unwrap().id;
    let revoked = door.key(&client, None);
    let expired = door.key(&client, Some(NOW));
    let revoked_id: KeyId = revoked[6..18].parse().unwrap();
    door.store.revoke_client_key(revoked_id, NOW).unwrap();
    door.refresh();
    let mut other_secret = good.clone().into_bytes();
    other_secret[30] = if other_secret[30] == b'a' { b'b' } else { b'a' };
    let unknown = ClientKey::generate(Environment::Production, &[99; 48]);

    let target = "/api/v2/campaigns";
    let cases = [
        (get(target, ""), "key_missing"),
        (
            request("GET", target, "", &["Authorization: Basic abc"], ""),
            "key_malformed",
        ),
        (
            request("GET", target, "", &[&format!("Authorization: {good}")], ""),
            "key_malformed",
        ),
        (
            request(
                "GET",
                target,
                &good,
                &[&format!("Authorization: Bearer {good}")],
                "",
            ),
            "key_malformed",
        ),
        (
            request("GET", target, &good, &["Connection: Authorization"], ""),
            "key_malformed",
        ),
        (get(target, "dwk_p_"), "key_malformed"),
        (
            get(target, &String::from_utf8(other_secret).unwrap()),
            "key_malformed",
        ),
        (get(target, unknown.expose()), "key_unknown"),
        (get(target, &revoked), "key_revoked"),
        (get(target, &expired), "key_expired"),
        // Nor do they learn what there is.
        (get("/api/v2/../nothing", &revoked), "key_revoked"),
        (get("/api/v2/no-such-thing?%", &expired), "key_expired"),
        (post("/api/v2/leads", &revoked, "{"), "key_revoked"),
    ];
    let mut answers = Vec::new();
    for (text, reason) in &cases {
        let answer = door.send(text).await;
        answer.refused(401, "unauthorized");
        assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
        answers.push((anonymous(&answer), *reason));
    }
    for (answer, reason) in &answers {
        assert_eq!(answer, &answers[0].0, "{reason}");
    }
    assert!(upstream.seen().is_empty());
    // Counted, each under its reason, and no more said of them.
    let mut expected = BTreeMap::new();
    for (_, reason) in &cases {
        *expected.entry((*reason).to_owned()).or_insert(0) += 1;
    }
    assert_eq!(door.strangers(), expected);
    let ledger = String::from_utf8_lossy(&door.ledger_bytes()).into_owned();
    assert!(!ledger.contains(CANARY) && !ledger.contains("Q2FuYXJ5"));
    assert!(!ledger.contains(&revoked[6..18]));
}

#[tokio::test]
async fn a_key_in_the_query_is_no_key_and_goes_nowhere() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open(&upstream).await;
    let key = door.client("importer", Grant::for_use_case("lead-import"));
    let real = upstream_key("wide").replace('=', "%3D");
    for name in ["api_key", "access_token", "authorization"] {
        let target = format!("/api/v2/campaigns?{name}={key}");
        door.send(get(&target, ""))
            .await
            .refused(401, "unauthorized");
    }
    // Beside a good key it would come to the API, and into logs and the ledger on the way.
    for target in [
        format!("/api/v2/campaigns?api_key={key}"),
        format!("/api/v2/campaigns?api_key=%64{}", &key[1..]),
        format!("/api/v2/campaigns?{key}"),
        format!("/api/v2/campaigns?limit=1&search=+{key}"),
        format!("/api/v2/campaigns?api_key={real}"),
        format!("/api/v2/campaigns/{key}"),
    ] {
        let answer = door.send(get(&target, &key)).await;
        answer.refused(400, "key_misplaced");
        assert!(!String::from_utf8_lossy(&answer.body).contains(&key[18..]));
    }
    assert!(upstream.seen().is_empty());
    assert_eq!(door.entries(6).await.len(), 6);
    let ledger = String::from_utf8_lossy(&door.ledger_bytes()).into_owned();
    assert!(!ledger.contains(&key[18..]) && !ledger.contains(&real[..60]));
}

#[tokio::test]
async fn who_presents_a_real_key_is_told_and_told_of() {
    let upstream = Upstream::plain().await;
    let door = Door::open(&upstream).await;
    let real = upstream_key("wide");
    for text in [
        get("/api/v2/campaigns", &real),
        post("/api/v2/leads", &real, "{"),
        get("/api/v2/../nothing", &real),
    ] {
        let answer = door.send(text).await;
        answer.refused(401, "upstream_key_presented");
        let told = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(told.contains("dwk_") && !told.contains(&real), "{told}");
    }
    assert_eq!(
        *door.learnt.presented.lock().unwrap(),
        [real.clone(), real.clone(), real]
    );
    assert!(upstream.seen().is_empty());
    assert_eq!(door.strangers()["upstream_key_presented"], 3);
    let ledger = String::from_utf8_lossy(&door.ledger_bytes()).into_owned();
    assert!(!ledger.contains(CANARY) && !ledger.contains("Q2FuYXJ5"));
}

#[tokio::test]
async fn a_revoked_key_is_refused_on_an_open_connection() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open(&upstream).await;
    let key = door.client("reader", Grant::for_use_case("reader"));
    let mut connection = door.connect().await;
    let text = get("/api/v2/campaigns", &key);
    assert_eq!(connection.send(&text).await.status, 200);
    door.store
        .revoke_client_key(key[6..18].parse().unwrap(), NOW)
        .unwrap();
    door.refresh();
    connection.send(&text).await.refused(401, "unauthorized");
    assert_eq!(upstream.seen().len(), 1);
}

/// What was remembered of one key opens nothing for another, nor for the same when it is in force no
/// more.
#[tokio::test]
async fn each_key_of_a_connection_is_looked_at_whole() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open(&upstream).await;
    let reader = door.client("reader", Grant::for_scopes(["campaigns:read"]));
    let writer = door.client("writer", Grant::for_scopes(["leads:create"]));
    // Of the reader's id, with another secret and a checksum that fits.
    let mut random = [1; ClientKey::RANDOM_LEN];
    random[16..].fill(9);
    let forged = ClientKey::generate(Environment::Production, &random);
    assert_eq!(forged.id().as_str(), &reader[6..18]);
    let target = "/api/v2/campaigns";
    let mut connection = door.connect().await;
    let shortened = &reader[..reader.len() - 1];
    for (key, status) in [
        (&*reader, 200),
        (&*reader, 200),
        (forged.expose(), 401),
        (&*reader, 200),
        ("", 401),
        (&*reader, 200),
        (shortened, 401),
        (&*writer, 403),
        (&*reader, 200),
        (&*writer, 403),
    ] {
        assert_eq!(connection.send(get(target, key)).await.status, status);
    }
    door.store
        .revoke_client_key(reader[6..18].parse().unwrap(), NOW)
        .unwrap();
    door.refresh();
    assert_eq!(connection.send(get(target, &reader)).await.status, 401);
}

#[tokio::test]
async fn a_key_ends_at_its_time_and_not_before() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open(&upstream).await;
    door.client("reader", Grant::for_use_case("reader"));
    let client = door.store.client(&door.workspace, "reader").unwrap().id;
    let end = NOW.plus_millis(1_000);
    let key = door.key(&client, Some(end));
    let mut connection = door.connect().await;
    let text = get("/api/v2/campaigns", &key);
    door.set_time(end.plus_millis(-1));
    assert_eq!(connection.send(&text).await.status, 200);
    door.set_time(end);
    connection.send(&text).await.refused(401, "unauthorized");
}

#[tokio::test]
async fn a_key_revoked_while_its_body_arrives_is_refused() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open(&upstream).await;
    let key = door.client("importer", Grant::for_use_case("lead-import"));
    let text = post("/api/v2/leads", &key, r#"{"email":"a@b.org"}"#);
    let mut connection = door.connect().await;
    let (first, rest) = text.split_at(text.len() - 5);
    connection.write(first).await;
    // The head has been decided on once the key is known to be used.
    while door.learnt.used.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    door.store
        .revoke_client_key(key[6..18].parse().unwrap(), NOW)
        .unwrap();
    door.refresh();
    connection.send(rest).await.refused(401, "unauthorized");
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn a_sub_workspace_withdrawn_while_the_body_arrives_is_refused() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open(&upstream).await;
    let mut grant = Grant::for_use_case("lead-import");
    grant.sub_workspaces.insert("0195-sub".to_owned());
    let key = door.client("importer", grant);
    let lines = ["Content-Type: application/json", "X-As-Workspace: 0195-sub"];
    let text = request(
        "POST",
        "/api/v2/leads",
        &key,
        &lines,
        r#"{"email":"a@b.org"}"#,
    );
    assert_eq!(door.send(&text).await.status, 200);

    let mut connection = door.connect().await;
    let (first, rest) = text.split_at(text.len() - 5);
    connection.write(first).await;
    while door.learnt.used.lock().unwrap().len() < 2 {
        tokio::task::yield_now().await;
    }
    let client = door.store.client(&door.workspace, "importer").unwrap().id;
    let change = ClientChange {
        grant: Some(Grant::for_use_case("lead-import")),
        ..ClientChange::default()
    };
    door.store.change_client(&client, &change, NOW).unwrap();
    door.refresh();
    connection
        .send(rest)
        .await
        .refused(403, "workspace_not_granted");
    assert_eq!(upstream.seen().len(), 1);
}

#[tokio::test]
async fn a_disabled_client_is_told_so() {
    let upstream = Upstream::plain().await;
    let mut door = Door::open(&upstream).await;
    let new = NewClient::new(
        &door.workspace,
        "reader",
        Environment::Production,
        Grant::for_use_case("reader"),
    );
    let client = door.store.create_client(&new, NOW).unwrap().id;
    let key = door.key(&client, None);
    let change = ClientChange {
        disabled: Some(true),
        ..ClientChange::default()
    };
    door.store.change_client(&client, &change, NOW).unwrap();
    door.refresh();
    door.send(get("/api/v2/campaigns", &key))
        .await
        .refused(403, "client_disabled");
    assert!(upstream.seen().is_empty());
}

#[tokio::test]
async fn health_takes_no_key_and_tells_nothing() {
    let upstream = Upstream::plain().await;
    let door = Door::open(&upstream).await;
    let answer = door.send(get("/healthz", "")).await;
    assert_eq!((answer.status, answer.body.as_slice()), (200, &b"ok\n"[..]));
    assert_eq!(door.send(post("/healthz", "", "{}")).await.status, 405);
    assert!(upstream.seen().is_empty());
    door.entries(0).await;
}
