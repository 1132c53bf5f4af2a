//! cancelDFYEmailAccounts: the mailbox, its account and its emails are gone for good.

use std::collections::HashSet;

use doorward_catalog::activity::Activity;
use serde_json::{Value, json};

use crate::call::Call;
use crate::cx::Cx;
use crate::ops::accounts;
use crate::ops::view::{set, shown, text};
use crate::reply::{Answer, Refusal, Reply};

pub(crate) fn cancel(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let asked: HashSet<String> = call
        .field_list("accounts")
        .unwrap_or_default()
        .iter()
        .map(|email| accounts::key(email))
        .collect();
    let now = cx.now_text();
    let mut cancelled = Vec::new();
    for row in cx.ws().order_accounts.iter_mut() {
        if asked.contains(text(row, "email")) && text(row, "timestamp_cancelled").is_empty() {
            set(row, "timestamp_cancelled", now.as_str());
            cancelled.push(shown(row));
        }
    }
    if cancelled.is_empty() {
        return Err(Refusal::not_found("Email account"));
    }
    let emails: HashSet<&str> = cancelled.iter().map(|row| text(row, "email")).collect();
    for email in &emails {
        accounts::forget(cx, email);
    }
    cx.ws()
        .emails
        .remove_where(|email| emails.contains(text(email, "eaccount")));
    end_empty_orders(cx, &now);
    let about = json!({ "affected_count": emails.len(), "audit_metadata": { "emails": emails } });
    cx.audit(Activity::AccountDeletion, call, about);
    Reply::ok(json!({ "items": cancelled }))
}

/// Cancels the orders whose domains have no mailbox left.
fn end_empty_orders(cx: &mut Cx<'_>, now: &str) {
    let ws = cx.ws();
    let held: HashSet<&str> = ws
        .order_accounts
        .iter()
        .filter(|row| text(row, "timestamp_cancelled").is_empty())
        .map(|row: &Value| text(row, "domain"))
        .collect();
    for order in ws.orders.iter_mut() {
        if text(order, "timestamp_cancelled").is_empty() && !held.contains(text(order, "domain")) {
            set(order, "timestamp_cancelled", now);
        }
    }
}
