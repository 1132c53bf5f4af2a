//! What an operation may show and do, held against the vendor's document: a field of an answer that
//! is personal or secret, and a field of a body that sends people's data elsewhere.

#![cfg(test)]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;

use doorward_catalog::{Environment, Hazard, Op, UseCase};
use serde_json::Value;

fn document() -> Value {
    let folder = std::env::var_os("DOORWARD_FACTS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/facts"),
        PathBuf::from,
    );
    let text = std::fs::read(folder.join("instantly-openapi.json")).expect("the facts are needed");
    serde_json::from_slice(&text).expect("JSON")
}

/// Adds the names of the properties of a schema, however deep.
fn names(document: &Value, schema: &Value, depth: usize, found: &mut BTreeSet<String>) {
    if depth == 0 {
        return;
    }
    if let Some(pointer) = schema["$ref"].as_str() {
        let target = document.pointer(pointer.trim_start_matches('#'));
        names(document, target.expect(pointer), depth - 1, found);
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        found.insert(name.clone());
        names(document, property, depth - 1, found);
    }
    for part in ["items", "additionalProperties"] {
        names(document, &schema[part], depth - 1, found);
    }
    for part in ["allOf", "anyOf", "oneOf"] {
        for one in schema[part].as_array().into_iter().flatten() {
            names(document, one, depth - 1, found);
        }
    }
}

type Names = BTreeSet<String>;

/// The operation, and the property names of its body and of its answers to success.
static FIELDS: LazyLock<Vec<(Op, Names, Names)>> = LazyLock::new(|| {
    let document = document();
    let mut all = vec![];
    for methods in document["paths"].as_object().unwrap().values() {
        for operation in methods.as_object().unwrap().values() {
            let Some(op) = operation["operationId"].as_str().and_then(Op::from_id) else {
                continue;
            };
            let read = |message: &Value| {
                let mut found = BTreeSet::new();
                for media in message["content"].as_object().into_iter().flatten() {
                    names(&document, &media.1["schema"], 12, &mut found);
                }
                found
            };
            let mut answers = BTreeSet::new();
            for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
                if status.starts_with('2') {
                    answers.extend(read(answer));
                }
            }
            all.push((op, read(&operation["requestBody"]), answers));
        }
    }
    assert_eq!(all.len(), Op::COUNT);
    all
});

#[test]
fn an_answer_with_personal_or_secret_fields_is_marked() {
    const PERSONAL: [&str; 22] = [
        "email",
        "emails",
        "email_account",
        "email_list",
        "cc_list",
        "bcc_list",
        "paused_emails",
        "moved_lead_emails",
        "lead_email",
        "user_email",
        "from_address_email",
        "sender_email",
        "recipient_email",
        "bl_value",
        "first_name",
        "last_name",
        "firstName",
        "fullName",
        "phone",
        "phone_number",
        "ip_address",
        "owner",
    ];
    const SECRET: [&str; 5] = [
        "key",
        "headers",
        "password",
        "imap_password",
        "smtp_password",
    ];
    let mut unmarked = vec![];
    for (op, _, answer) in FIELDS.iter() {
        let has = |wanted: &[&str]| wanted.iter().any(|name| answer.contains(*name));
        if has(&PERSONAL) && !op.facts().returns_people() {
            unmarked.push(format!("{op} shows people"));
        }
        if has(&SECRET) && !op.facts().returns_secrets() {
            unmarked.push(format!("{op} shows secrets"));
        }
    }
    assert!(unmarked.is_empty(), "{unmarked:#?}");
}

#[test]
fn a_body_that_names_where_data_is_sent_changes_access() {
    for (op, body, _) in FIELDS.iter() {
        // The verification's callback is called once, with the address the caller gave.
        let once = *op == Op::CreateEmailVerification;
        if (body.contains("webhook_url") || body.contains("target_hook_url")) && !once {
            assert!(op.facts().hazards.contains(Hazard::Access), "{op}");
        }
    }
}

#[test]
fn what_lets_mail_leave_is_marked() {
    for op in [
        Op::ActivateCampaign,
        Op::ResumeSubsequence,
        Op::ResumeAccount,
        // An account in error sends nothing; mended, it goes on.
        Op::MarkAccountFixed,
        Op::EnableWarmupForAccounts,
        Op::MoveLeadToSubsequence,
        // To a campaign, which may be running.
        Op::MoveLeads,
        Op::SendTestEmail,
        Op::ReplyToEmail,
        Op::ForwardEmail,
        Op::CreateInboxPlacementTest,
        // Its status and its schedule set an automated test going.
        Op::PatchInboxPlacementTest,
    ] {
        assert!(op.facts().hazards.contains(Hazard::StartsSending), "{op}");
    }
}

/// What it blocked before is blocked no more, and nothing tells what it was.
#[test]
fn overwriting_a_block_is_as_grave_as_deleting_it() {
    let facts = Op::PatchBlockListEntry.facts();
    assert!(facts.hazards.contains(Hazard::Destructive));
}

/// A scope to delete opens the door to every operation that asks for it, on the upstream key too.
#[test]
fn harmless_use_cases_need_no_scope_that_destroys() {
    let destructive = |op: &Op| op.facts().scope.action == doorward_catalog::Action::Delete;
    for case in UseCase::ALL {
        if case != UseCase::FullAutomation {
            let needs: Vec<Op> = case.operations().iter().filter(destructive).collect();
            assert_eq!(needs, [], "{case}");
        }
    }
    assert!(
        Environment::Staging
            .admits(Op::CancelCurrentWorkspaceRemoval)
            .is_err()
    );
}

/// An event names its lead by address; only a listing finds a lead by that.
#[test]
fn a_webhook_handler_can_find_the_lead_of_an_event() {
    let operations = UseCase::WebhookHandler.operations();
    assert!(operations.contains(Op::ListLeads));
    assert!(operations.iter().all(|op| !op.facts().writes()));
}
