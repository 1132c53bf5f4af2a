//! What changes an account's state: pause, resume, mark-fixed, the move between workspaces; and the
//! campaigns it sends for.

use std::collections::HashSet;

use doorward_catalog::Op;
use doorward_catalog::activity::Activity;
use serde_json::{Value, json};

use crate::call::Call;
use crate::cx::Cx;
use crate::ops::accounts::{self, KIND, status};
use crate::ops::astray;
use crate::ops::view::{flag, number, set, text, unset};
use crate::reply::{Answer, Refusal, Reply};
use crate::table;

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::GetAccountCampaignMapping => campaigns_of(cx, call),
        Op::PauseAccounts => pause_many(cx, call),
        Op::PauseAccount => {
            let mut account = accounts::find(cx, &call.param)?;
            set(&mut account, "status", status::PAUSED);
            accounts::save(cx, call, account)
        }
        Op::ResumeAccount => {
            let mut account = accounts::find(cx, &call.param)?;
            // What is broken stays broken: that is for mark-fixed.
            if number(&account, "status") > 0 {
                set(&mut account, "status", status::ACTIVE);
            }
            accounts::save(cx, call, account)
        }
        Op::MarkAccountFixed => mark_fixed(cx, call),
        Op::MoveAccounts => move_between(cx, call),
        other => Err(astray(other)),
    }
}

fn campaigns_of(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let account = accounts::find(cx, &call.param)?;
    let email = text(&account, "email").to_owned();
    let id = accounts::resource_id(&email);
    let ws = cx.ws();
    let tags: HashSet<&str> = ws
        .tag_mappings
        .iter()
        .filter(|mapping| [id.as_str(), email.as_str()].contains(&text(mapping, "resource_id")))
        .map(|mapping| text(mapping, "tag_id"))
        .collect();
    let named = |campaign: &Value, list: &str, is_it: &dyn Fn(&str) -> bool| {
        campaign
            .get(list)
            .and_then(Value::as_array)
            .is_some_and(|list| list.iter().filter_map(Value::as_str).any(is_it))
    };
    let mappings: Vec<Value> = ws
        .campaigns
        .iter()
        .rev()
        .filter(|campaign| {
            named(campaign, "email_list", &|sender| {
                sender.eq_ignore_ascii_case(&email)
            }) || named(campaign, "email_tag_list", &|tag| tags.contains(tag))
        })
        .map(|campaign| {
            json!({
                "campaign_id": text(campaign, "id"),
                "campaign_name": text(campaign, "name"),
                "timestamp_created": text(campaign, "timestamp_created"),
                "status": number(campaign, "status"),
            })
        })
        .collect();
    table::page(mappings.iter(), call, |mapping| {
        text(mapping, "timestamp_created").to_owned()
    })
}

fn pause_many(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let now = cx.now_text();
    let mut seen = HashSet::new();
    let (mut paused, mut failed) = (Vec::new(), Vec::new());
    for email in call.field_list("emails").unwrap_or_default() {
        let key = accounts::key(&email);
        if !seen.insert(key.clone()) {
            continue;
        }
        match cx.ws().accounts.get_mut(&key) {
            Some(account) if number(account, "status") != status::PAUSED => {
                set(account, "status", status::PAUSED);
                set(account, "timestamp_updated", now.as_str());
                paused.push(email);
            }
            _ => failed.push(email),
        }
    }
    if !paused.is_empty() {
        let about =
            json!({ "affected_count": paused.len(), "audit_metadata": { "emails": paused } });
        cx.audit(Activity::AccountUpdate, call, about);
    }
    Reply::ok(json!({ "paused_emails": paused, "failed_emails": failed }))
}

fn mark_fixed(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let mut account = accounts::find(cx, &call.param)?;
    if flag(&account, "_unreachable") {
        accounts::fail_connection(cx, &mut account, "CONNECT IMAP");
        set(&mut account, "autofix_failed", true);
    } else if number(&account, "status") < 0 {
        set(&mut account, "status", status::ACTIVE);
        set(&mut account, "autofix_failed", false);
        unset(&mut account, "status_message");
    }
    accounts::save(cx, call, account)
}

/// Is the workspace the caller's own or one of the group it is the admin of?
fn is_within_reach(cx: &mut Cx<'_>, workspace: &str) -> bool {
    workspace == cx.workspace
        || cx
            .ws()
            .group_members
            .iter()
            .any(|member| text(member, "sub_workspace_id") == workspace)
}

fn move_between(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let source = call.field_text("source_workspace_id").unwrap_or_default();
    let destination = call
        .field_text("destination_workspace_id")
        .unwrap_or_default();
    for workspace in [source, destination] {
        if !is_within_reach(cx, workspace) || !cx.world.workspaces.contains_key(workspace) {
            return Err(Refusal::not_found("Workspace"));
        }
    }
    let mut seen = HashSet::new();
    let emails: Vec<String> = call
        .field_list("emails")
        .unwrap_or_default()
        .iter()
        .map(|email| accounts::key(email))
        .filter(|email| seen.insert(email.clone()))
        .collect();
    // All or nothing.
    let mut from = within(cx, source);
    for email in &emails {
        from.ws().accounts.find(email, KIND)?;
    }
    if source == destination {
        return Reply::ok(json!({ "status": "success" }));
    }
    let about = json!({ "affected_count": emails.len(), "audit_metadata": { "emails": emails } });
    let moved: Vec<Value> = emails
        .iter()
        .filter_map(|email| accounts::forget(&mut from, email))
        .collect();
    from.audit(Activity::AccountDeletion, call, about.clone());
    let mut to = within(cx, destination);
    for mut account in moved {
        set(&mut account, "organization", destination);
        set(&mut account, "timestamp_updated", to.now_text());
        let email = text(&account, "email").to_owned();
        to.ws().accounts.put(&email, account);
    }
    to.audit(Activity::AccountAddition, call, about);
    Reply::ok(json!({ "status": "success" }))
}

/// The same call in another workspace.
fn within<'a>(cx: &'a mut Cx<'_>, workspace: &str) -> Cx<'a> {
    Cx {
        world: &mut *cx.world,
        workspace: workspace.to_owned(),
        key_id: cx.key_id.clone(),
        now: cx.now,
    }
}
