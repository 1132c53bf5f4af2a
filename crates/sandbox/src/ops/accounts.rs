//! Sending accounts: createAccount, listAccount, getAccount, patchAccount, deleteAccount. What
//! changes an account's state is in `account_states`.
//!
//! An account is kept under its address in lower case. Connecting an address anew reconnects the
//! account that is there. Hosts under `.invalid` cannot be reached: an account connected with one
//! is in error from the start.

use doorward_catalog::Op;
use doorward_catalog::activity::Activity;
use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::cx::Cx;
use crate::ops::account_filter::Filter;
use crate::ops::view::{self, flag, is_address, number, set, show_items, shown, text, unset};
use crate::ops::{account_states, astray, due, warmup};
use crate::reply::{Answer, Refusal, Reply};
use crate::table;

/// Statuses of an account.
pub(crate) mod status {
    pub(crate) const ACTIVE: i64 = 1;
    pub(crate) const PAUSED: i64 = 2;
    pub(crate) const CONNECTION_ERROR: i64 = -1;
}

/// The name of the kind in refusals.
pub(crate) const KIND: &str = "Account";

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::CreateAccount => create(cx, call),
        Op::ListAccount => list(cx, call),
        Op::GetAccount => {
            let account = find(cx, &call.param)?;
            Reply::ok(view(&account, cx.now))
        }
        Op::PatchAccount => patch(cx, call),
        Op::DeleteAccount => delete(cx, call),
        Op::GetAccountCampaignMapping
        | Op::PauseAccounts
        | Op::PauseAccount
        | Op::ResumeAccount
        | Op::MarkAccountFixed
        | Op::MoveAccounts => account_states::answer(cx, call),
        other => Err(astray(other)),
    }
}

/// The key of an address in `ws.accounts`.
pub(crate) fn key(address: &str) -> String {
    address.to_ascii_lowercase()
}

/// The id that stands for an account where a uuid is asked for, as in a tag's mapping.
pub(crate) fn resource_id(address: &str) -> String {
    view::uuid_of(&key(address))
}

/// The account, or 404.
pub(crate) fn find(cx: &mut Cx<'_>, address: &str) -> Result<Value, Refusal> {
    cx.ws().accounts.find(&key(address), KIND).cloned()
}

/// The account as answers show it.
pub(crate) fn view(account: &Value, now: i64) -> Value {
    let mut account_shown = shown(account);
    set(
        &mut account_shown,
        "stat_warmup_score",
        warmup::score(account, now),
    );
    account_shown
}

/// A connected account that has done nothing yet.
pub(crate) fn fresh(cx: &mut Cx<'_>, email: &str, names: (&str, &str), provider: i64) -> Value {
    let owner = cx.owner();
    let now = cx.now_text();
    let owner = Some(owner).filter(|id| !id.is_empty());
    json!({
        "email": key(email),
        "timestamp_created": now,
        "timestamp_updated": now,
        "first_name": names.0,
        "last_name": names.1,
        "warmup": {
            "limit": 10,
            "advanced": {
                "warm_ctd": false,
                "open_rate": 0.95,
                "important_rate": 0.8,
                "read_emulation": true,
                "spam_save_rate": 0.9,
                "weekday_only": false,
            },
            "increment": "disabled",
            "reply_rate": 0.3,
        },
        "added_by": owner,
        "daily_limit": 30,
        "daily_limit_max": null,
        "warmup_limit_max": null,
        "modified_by": null,
        "tracking_domain_name": null,
        "tracking_domain_status": null,
        "status": status::ACTIVE,
        "enable_slow_ramp": false,
        "inbox_placement_test_limit": null,
        "organization": cx.workspace,
        "warmup_status": 0,
        "timestamp_warmup_start": null,
        "provider_code": provider,
        "setup_pending": false,
        "is_managed_account": false,
        "stat_warmup_score": null,
        "sending_gap": 10,
        "signature": null,
        "reply_to": null,
        "autofix_failed": null,
    })
}

/// Puts the account into the state's "connection error" and tells webhooks.
pub(crate) fn fail_connection(cx: &mut Cx<'_>, account: &mut Value, command: &str) {
    set(account, "status", status::CONNECTION_ERROR);
    set(
        account,
        "status_message",
        json!({
            "code": "ECONNECTION",
            "command": command,
            "response": "getaddrinfo ENOTFOUND",
            "e_message": "error: the mail server could not be reached",
        }),
    );
    let mut fields = Map::new();
    fields.insert("email_account".into(), json!(text(account, "email")));
    fields.insert(
        "error_message".into(),
        json!("the mail server could not be reached"),
    );
    cx.emit("account_error", None, None, fields);
}

/// Takes an account out of the workspace: its row, its place in campaigns, its tags.
pub(crate) fn forget(cx: &mut Cx<'_>, address: &str) -> Option<Value> {
    let key = key(address);
    let gone = cx.ws().accounts.remove(&key)?;
    let id = resource_id(&key);
    cx.ws().tag_mappings.remove_where(|mapping| {
        [id.as_str(), key.as_str()].contains(&text(mapping, "resource_id"))
    });
    for campaign in cx.ws().campaigns.iter_mut() {
        if let Some(senders) = campaign.get_mut("email_list").and_then(Value::as_array_mut) {
            senders.retain(|sender| {
                !sender
                    .as_str()
                    .is_some_and(|sender| sender.eq_ignore_ascii_case(&key))
            });
        }
    }
    Some(gone)
}

/// Ends the setup of ordered accounts that are ready by now.
pub(crate) fn settle(cx: &mut Cx<'_>) {
    let now = cx.now;
    let mut next = None;
    for account in cx.ws().accounts.iter_mut() {
        if !flag(account, "setup_pending") {
            continue;
        }
        let ready_at = number(account, "_ready_at");
        if ready_at <= now {
            set(account, "setup_pending", false);
            unset(account, "_ready_at");
        } else {
            next = Some(next.map_or(ready_at, |next: i64| next.min(ready_at)));
        }
    }
    if let Some(next) = next {
        due::wake(cx, next);
    }
}

const COPIED: &[&str] = &[
    "first_name",
    "last_name",
    "daily_limit",
    "tracking_domain_name",
    "tracking_domain_status",
    "enable_slow_ramp",
    "inbox_placement_test_limit",
    "sending_gap",
    "signature",
];

fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let email = call.field_text("email").unwrap_or_default().to_owned();
    let names = (
        call.field_text("first_name").unwrap_or_default(),
        call.field_text("last_name").unwrap_or_default(),
    );
    let provider = number(&call.body, "provider_code");
    let mut account = fresh(cx, &email, names, provider);
    let known = cx.ws().accounts.get(&key(&email)).cloned();
    if let Some(known) = &known {
        for kept in [
            "timestamp_created",
            "added_by",
            "_warm",
            "warmup_status",
            "timestamp_warmup_start",
        ] {
            if let Some(value) = known.get(kept) {
                set(&mut account, kept, value.clone());
            }
        }
    }
    apply(&mut account, &call.body);
    if let Some(tag) = call.field_text("warmup_custom_ftag")
        && let Some(warmup) = account.get_mut("warmup")
    {
        set(warmup, "warmup_custom_ftag", tag);
    }
    settle_tracking(&mut account, call.field_flag("skip_cname_check"));
    for (name, command) in [("imap_host", "CONNECT IMAP"), ("smtp_host", "CONNECT SMTP")] {
        let host = call.field_text(name).unwrap_or_default();
        if host.to_ascii_lowercase().ends_with(".invalid") {
            set(&mut account, "_unreachable", true);
            fail_connection(cx, &mut account, command);
            break;
        }
    }
    let activity = if known.is_some() {
        Activity::AccountUpdate
    } else {
        Activity::AccountAddition
    };
    cx.audit(activity, call, about(&email));
    cx.ws().accounts.put(&key(&email), account.clone());
    Reply::ok(view(&account, cx.now))
}

/// What an audit-log entry about one account says.
pub(crate) fn about(address: &str) -> Value {
    json!({ "affected_count": 1, "audit_metadata": { "email": key(address) } })
}

/// Merges the fields of a body that are the account's own.
fn apply(account: &mut Value, body: &Value) {
    for name in COPIED {
        if let Some(value) = body.get(*name) {
            set(account, name, value.clone());
        }
    }
    if let Some(reply_to) = body.get("reply_to") {
        let address = reply_to.as_str().filter(|address| is_address(address));
        set(account, "reply_to", address);
    }
    if let (Some(warmup), Some(Value::Object(asked))) =
        (account.get_mut("warmup"), body.get("warmup"))
    {
        for (name, value) in asked {
            match (warmup.get_mut(name), value) {
                (Some(Value::Object(old)), Value::Object(new)) => {
                    old.extend(
                        new.iter()
                            .map(|(name, value)| (name.clone(), value.clone())),
                    );
                }
                _ => set(warmup, name, value.clone()),
            }
        }
    }
}

/// A tracking domain that was named without a status gets the one its name deserves.
fn settle_tracking(account: &mut Value, skip_check: Option<bool>) {
    let host = text(account, "tracking_domain_name").to_owned();
    if host.is_empty() || !text(account, "tracking_domain_status").is_empty() {
        return;
    }
    let good = skip_check == Some(true) || view::is_reachable(&host);
    set(
        account,
        "tracking_domain_status",
        if good { "active" } else { "error" },
    );
}

fn patch(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let mut account = find(cx, &call.param)?;
    let renamed = call.field("tracking_domain_name").is_some()
        && call.field("tracking_domain_status").is_none();
    if renamed {
        set(&mut account, "tracking_domain_status", Value::Null);
    }
    apply(&mut account, &call.body);
    settle_tracking(&mut account, call.field_flag("skip_cname_check"));
    if call.field_flag("remove_tracking_domain") == Some(true) {
        set(&mut account, "tracking_domain_name", Value::Null);
        set(&mut account, "tracking_domain_status", Value::Null);
    }
    save(cx, call, account)
}

/// Keeps a changed account, with its audit-log entry, and answers with it.
pub(crate) fn save(cx: &mut Cx<'_>, call: &Call, mut account: Value) -> Answer {
    let email = text(&account, "email").to_owned();
    set(&mut account, "timestamp_updated", cx.now_text());
    cx.audit(Activity::AccountUpdate, call, about(&email));
    cx.ws().accounts.put(&key(&email), account.clone());
    Reply::ok(view(&account, cx.now))
}

fn delete(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let Some(account) = forget(cx, &call.param) else {
        return Err(Refusal::not_found(KIND));
    };
    cx.audit(
        Activity::AccountDeletion,
        call,
        about(text(&account, "email")),
    );
    Reply::ok(view(&account, cx.now))
}

fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let now = cx.now;
    let filter = Filter::of_query(cx, call);
    let mut call = call.clone();
    let mut before = None;
    // The cursor of old was the bare time.
    if let Some(cursor) = call.query_text("starting_after")
        && !cursor.contains('&')
        && crate::clock::parse(cursor).is_some()
    {
        before = Some(cursor.to_owned());
        call.query.remove("starting_after");
    }
    let mut accounts: Vec<&Value> = cx
        .ws()
        .accounts
        .iter()
        .rev()
        .filter(|account| filter.takes(account))
        .filter(|account| {
            before
                .as_deref()
                .is_none_or(|before| text(account, "timestamp_created") < before)
        })
        .collect();
    sort(&mut accounts, &call, now);
    let skip = call
        .query_number("skip")
        .map_or(0, |skip| skip.max(0.0) as usize);
    let answer = table::page(accounts.into_iter().skip(skip), &call, |account| {
        format!(
            "{}&{}",
            text(account, "timestamp_created"),
            text(account, "email")
        )
    });
    show_items(answer, |account| *account = view(account, now))
}

fn sort(accounts: &mut [&Value], call: &Call, now: i64) {
    let column = call.query_text("sort_by").unwrap_or("timestamp_created");
    let descending = call.query_text("sort_order") != Some("asc");
    match column {
        "email" => accounts.sort_by(|a, b| text(a, "email").cmp(text(b, "email"))),
        "status" => accounts.sort_by_key(|account| number(account, "status")),
        "stat_warmup_score" => accounts.sort_by_cached_key(|account| warmup::score(account, now)),
        _ => {
            accounts.sort_by(|a, b| text(a, "timestamp_created").cmp(text(b, "timestamp_created")))
        }
    }
    if descending {
        accounts.reverse();
    }
}

#[cfg(test)]
mod tests;
