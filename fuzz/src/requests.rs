//! What the gateway reads of clients: queries, bodies, headers, claims; and policies' texts.

use doorward_audit::Claim;
use doorward_catalog::{Environment, Op};
use doorward_condition::{Asked, Asker, Day, Policies, PolicyText, check};
use doorward_gateway::{IdempotencyKey, fuzzing};
use doorward_policy::{Judgement, Timestamp, WorkspaceKind};
use serde_json::Value;

use crate::text;

/// Levels that bodies may nest in this target.
const DEPTH: usize = 16;

/// A query has one canonical form, in which nothing is left that could be read in two ways.
pub(crate) fn query(data: &[u8]) -> bool {
    let Some(canonical) = text(data).and_then(fuzzing::query) else {
        return false;
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%=&".contains(&byte);
    assert!(canonical.bytes().all(plain), "{canonical}");
    // Encoded anew it may have become too long to be read as one received.
    if canonical.len() <= 24 * 1024 {
        assert_eq!(fuzzing::query(&canonical).as_deref(), Some(&*canonical));
    }
    true
}

/// What is let through, other parsers read too, within the depth, and each name once.
pub(crate) fn json_body(data: &[u8]) -> bool {
    if !fuzzing::json(data, DEPTH) {
        return false;
    }
    let value: Value = serde_json::from_slice(data).expect("JSON");
    assert!(depth(&value) <= DEPTH, "too deep");
    let again = serde_json::to_vec(&value).expect("JSON");
    assert!(fuzzing::json(&again, DEPTH), "what is written anew is refused");
    true
}

fn depth(value: &Value) -> usize {
    let deepest = |below: Option<usize>| below.unwrap_or(0) + 1;
    match value {
        Value::Array(items) => deepest(items.iter().map(depth).max()),
        Value::Object(members) => deepest(members.values().map(depth).max()),
        _ => 0,
    }
}

/// With quotes and without, a key is one key.
pub(crate) fn idempotency_key(data: &[u8]) -> bool {
    let Some(key) = IdempotencyKey::parse(data) else {
        return false;
    };
    let text = key.as_str();
    assert!((1..=255).contains(&text.len()));
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
    let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
    let again = IdempotencyKey::parse(format!("\"{quoted}\"").as_bytes());
    assert!(again.is_some_and(|again| again == key));
    assert!(!format!("{key:?}").contains(text) || text.len() < 16, "it is shown");
    true
}

/// What is read is written and read again as the same.
pub(crate) fn claim(data: &[u8]) -> bool {
    match Claim::parse(data) {
        Ok(claim) => {
            let written = serde_json::to_vec(&claim).expect("JSON");
            // A few characters are longer when they are escaped.
            if written.len() <= 8 * 1024 {
                assert_eq!(Claim::parse(&written).ok().as_ref(), Some(&claim));
            }
            true
        }
        Err(error) => {
            let shown = error.to_string();
            assert!(shown.len() < 200 && !shown.contains('\n'), "{shown}");
            false
        }
    }
}

/// What is saved can be held against any request, and what could not be saved refuses.
pub(crate) fn policy(data: &[u8]) -> bool {
    let Some(text) = text(data) else { return false };
    let saved = check("p", text).is_ok();
    let policy = PolicyText {
        name: "p",
        text,
        schema: "of another version",
    };
    let policies = Policies::read([policy], None);
    assert!(!policies.is_empty());
    assert_eq!(policies.faulty().next().is_none(), saved);
    let asker = Asker {
        name: "importer",
        environment: Environment::Production,
        owner: "",
        purpose: "",
        workspace: "acme",
        workspace_kind: WorkspaceKind::Live,
    };
    for op in [Op::CreateLead, Op::ListCampaign] {
        let asked = Asked {
            op,
            parameter: None,
            query: "limit=10",
            body: br#"{"email":"ann@example.com","campaign":"0195c1a0-0000-7000-8000-00000000000f"}"#,
            source: [10, 0, 0, 1].into(),
            as_workspace: None,
            now: Timestamp::from_seconds(1_800_000_000),
            today: Day::default(),
        };
        let passes = policies.judge(&asker, asked).judgement() == Judgement::Allow;
        assert!(saved || !passes || !policies.bear_on(asker.name, op), "a faulty one lets pass");
    }
    saved
}
