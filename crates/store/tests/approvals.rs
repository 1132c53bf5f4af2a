//! Approvals: one for a request, decided once, used once.

#![cfg(test)]

use doorward_catalog::{Environment, Op};
use doorward_policy::{Grant, Timestamp, WorkspaceKind};
use doorward_store::{
    AdminToken, AdminTokenStore, ApprovalRecord, ApprovalState, ApprovalStore, AskedFor,
    ClientChange, NewClient, NewWorkspace, SqliteStore, Store, StoreError,
};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const HOUR: i64 = 60 * 60 * 1_000;

fn store() -> (SqliteStore, String) {
    let store = SqliteStore::in_memory().unwrap();
    let new = NewWorkspace::new("acme", WorkspaceKind::Sandbox, "http://127.0.0.1:4010");
    let workspace = store.create_workspace(&new, NOW).unwrap().id;
    let grant = Grant::for_use_case("lead-import");
    let new = NewClient::new(&workspace, "importer", Environment::Production, grant);
    let client = store.create_client(&new, NOW).unwrap();
    (store, client.id)
}

fn new(client_id: &str, digest: u8) -> ApprovalRecord {
    ApprovalRecord {
        id: String::new(),
        digest: [digest; 32],
        client_id: client_id.to_owned(),
        client: "importer".to_owned(),
        owner: "ann".to_owned(),
        workspace_id: "ws_1".to_owned(),
        operation: Op::DeleteLead,
        policy: "careful".to_owned(),
        state: ApprovalState::Pending,
        asked: 1,
        asked_at: NOW,
        expires_at: NOW.plus_millis(HOUR),
        decided_by: None,
        decided_at: None,
        reason: None,
        spent_at: None,
        request: vec![7; 9],
    }
}

fn asked(store: &SqliteStore, client: &str, digest: u8, now: Timestamp) -> ApprovalRecord {
    match store.ask_approval(&new(client, digest), 3, now).unwrap() {
        AskedFor::New(record) | AskedFor::There(record) => record,
        AskedFor::Full => panic!("full"),
    }
}

#[test]
fn is_asked_for_once_decided_once_and_used_once() {
    let (store, client) = store();
    let first = asked(&store, &client, 1, NOW);
    assert!(first.id.starts_with("ap_") && first.id.len() == 19);
    assert_eq!(first.request, [7; 9]);
    assert_eq!(asked(&store, &client, 1, NOW).id, first.id);
    assert_eq!(store.approval(&first.id).unwrap().asked, 2);
    assert_ne!(asked(&store, &client, 2, NOW).id, first.id);
    // Not before somebody said yes.
    assert!(!store.spend_approval(&first.id, NOW).unwrap());

    let until = NOW.plus_millis(2 * HOUR);
    let decide = |until| store.decide_approval(&first.id, until, "bob", Some("fine"), NOW);
    let approved = decide(Some(until)).unwrap().unwrap();
    assert_eq!(approved.state, ApprovalState::Approved);
    assert_eq!(approved.decided_by.as_deref(), Some("bob"));
    assert_eq!(approved.expires_at, until);
    assert_eq!(decide(None).unwrap(), None, "it is decided");
    assert_eq!(
        asked(&store, &client, 1, NOW).state,
        ApprovalState::Approved
    );

    assert!(store.spend_approval(&first.id, NOW).unwrap());
    assert!(!store.spend_approval(&first.id, NOW).unwrap());
    let spent = store.approval(&first.id).unwrap();
    assert_eq!(
        (spent.state, spent.request.len()),
        (ApprovalState::Spent, 0)
    );
    assert_ne!(
        asked(&store, &client, 1, NOW).id,
        first.id,
        "the next needs a new one"
    );
}

#[test]
fn ends_by_itself_and_is_forgotten_later() {
    let (store, client) = store();
    let first = asked(&store, &client, 1, NOW);
    let over = NOW.plus_millis(HOUR);
    let late = store.decide_approval(&first.id, Some(over), "bob", None, over);
    assert_eq!(late.unwrap(), None);
    // Even when nobody tidied up, the same request asks anew.
    let mut again = new(&client, 1);
    again.expires_at = over.plus_millis(HOUR);
    let AskedFor::New(again) = store.ask_approval(&again, 3, over).unwrap() else {
        panic!("it is over");
    };
    assert_ne!(again.id, first.id);
    let until = over.plus_millis(HOUR);
    store
        .decide_approval(&again.id, Some(until), "bob", None, over)
        .unwrap()
        .unwrap();
    assert!(!store.spend_approval(&again.id, until).unwrap());
    let ended = store.expire_approvals(until, NOW).unwrap();
    assert_eq!(ended.len(), 1);
    assert_eq!(store.approvals(false, 9).unwrap(), []);
    assert_eq!(store.approvals(true, 9).unwrap().len(), 2);
    assert_eq!(
        store.expire_approvals(until, until.plus_millis(1)).unwrap(),
        []
    );
    assert_eq!(store.approvals(true, 9).unwrap(), []);
    assert!(matches!(
        store.approval(&first.id),
        Err(StoreError::NotFound { .. })
    ));
}

#[test]
fn a_client_has_only_so_many_and_they_go_with_it() {
    let (store, client) = store();
    for digest in 0..3 {
        asked(&store, &client, digest, NOW);
    }
    assert_eq!(
        store.ask_approval(&new(&client, 9), 3, NOW).unwrap(),
        AskedFor::Full
    );
    assert_eq!(
        asked(&store, &client, 2, NOW).asked,
        1,
        "one that is there is joined"
    );
    let nobody = store.ask_approval(&new("cl_0", 1), 3, NOW);
    assert!(matches!(nobody, Ok(AskedFor::There(_))), "{nobody:?}");
    let nobody = store.ask_approval(&new("cl_0", 8), 3, NOW);
    assert!(
        matches!(nobody, Err(StoreError::NotFound { .. })),
        "{nobody:?}"
    );
    store.delete_client(&client).unwrap();
    assert_eq!(store.approvals(true, 9).unwrap(), []);
}

#[test]
fn a_name_is_one_persons_until_it_is_revoked() {
    let (store, client) = store();
    let token = |name: &str, id: u8| AdminToken {
        name: name.to_owned(),
        id: format!("{id:016x}"),
        hash: [id; 32],
        created_at: NOW,
        expires_at: Some(NOW.plus_millis(HOUR)),
        revoked_at: None,
    };
    store.add_admin_token(&token("ann", 1)).unwrap();
    let taken = store.add_admin_token(&token("ann", 2));
    assert!(
        matches!(taken, Err(StoreError::Duplicate { .. })),
        "{taken:?}"
    );
    let found = store.admin_token(&format!("{:016x}", 1)).unwrap().unwrap();
    assert_eq!(found, token("ann", 1));
    assert!(found.is_good(NOW) && !found.is_good(NOW.plus_millis(HOUR)));
    let revoked = store.revoke_admin_token("ann", NOW).unwrap();
    assert!(!revoked.is_good(NOW));
    assert!(store.revoke_admin_token("ann", NOW).is_err());
    store.add_admin_token(&token("ann", 3)).unwrap();
    assert_eq!(store.admin_tokens().unwrap().len(), 2);

    assert!(store.client_makers(&client).unwrap().is_empty());
    store
        .note_client_makers(&client, &["ann".to_owned()])
        .unwrap();
    assert_eq!(store.client_makers(&client).unwrap(), ["ann"]);
    // Names are added; nobody is forgotten, and nobody noted twice.
    store
        .note_client_makers(
            &client,
            &["bob".to_owned(), "ann".to_owned(), " ".to_owned()],
        )
        .unwrap();
    assert_eq!(store.client_makers(&client).unwrap(), ["ann", "bob"]);
    // Who owned it before is one of them.
    for owner in ["carl@example.com", "dora", "dora"] {
        let change = ClientChange {
            owner: Some(owner.to_owned()),
            ..ClientChange::default()
        };
        store.change_client(&client, &change, NOW).unwrap();
    }
    let noted = store.client_makers(&client).unwrap();
    assert!(noted.contains(&"carl@example.com".to_owned()), "{noted:?}");
    assert!(!noted.contains(&"dora".to_owned()), "{noted:?}");
    // There is an end to it, and it is not that somebody is forgotten.
    let many: Vec<String> = (0..1_000).map(|n| format!("p{n}")).collect();
    assert!(store.note_client_makers(&client, &many).is_err());
    assert_eq!(store.client_makers(&client).unwrap(), noted);
}

#[test]
fn one_that_nothing_came_of_is_good_again_once() {
    let (store, client) = store();
    let until = NOW.plus_millis(HOUR);
    let record = asked(&store, &client, 1, NOW);
    let decided = store.decide_approval(&record.id, Some(until), "bob", None, NOW);
    assert!(decided.unwrap().is_some());
    let again = |at| store.return_approval(&record.id, at, &[7; 9]).unwrap();
    assert!(!again(NOW), "it was not used");
    assert!(store.spend_approval(&record.id, NOW).unwrap());
    assert!(!again(NOW.plus_millis(1)), "another use of it");
    assert!(again(NOW));
    assert!(!again(NOW));
    let good = store.approval(&record.id).unwrap();
    assert_eq!((good.state, good.spent_at), (ApprovalState::Approved, None));
    assert_eq!((good.request, good.expires_at), (vec![7; 9], until));
    assert!(store.spend_approval(&record.id, NOW).unwrap());
    // Asked for anew meanwhile, that one counts.
    let other = asked(&store, &client, 1, NOW);
    assert_ne!(other.id, record.id);
    assert!(!again(NOW));
}
