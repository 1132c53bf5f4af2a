//! Orders of done-for-you domains and mailboxes: createDFYEmailAccountOrder,
//! listDFYEmailAccountOrder, listDFYEmailAccountOrdersAccounts, cancelDFYEmailAccounts.
//!
//! A placed order makes accounts in the workspace. New ones are in setup for ten minutes, during
//! which they have no password; pre-warmed ones are ready. The card bears 10,000 dollars.

use doorward_catalog::Op;
use doorward_catalog::activity::Activity;
use serde_json::{Value, json};

use crate::call::Call;
use crate::clock::Millis;
use crate::cx::Cx;
use crate::ops::order_quote::{AIRMAIL, Item, MICROSOFT, Quote};
use crate::ops::view::{flag, hash, hide, set, show_items, text};
use crate::ops::{accounts, astray, due, order_cancel, order_domains, warmup};
use crate::reply::{Answer, Reply};
use crate::table;

/// How long the setup of a new mailbox takes, ms.
const SETUP: Millis = 600_000;
/// What the card bears, in dollars.
const CARD: i64 = 10_000;
const SPENT: &str = "dollars_spent";

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::CreateDFYEmailAccountOrder => create(cx, call),
        Op::ListDFYEmailAccountOrder => {
            let orders = cx.ws().orders.iter().rev();
            show_items(
                table::page(orders, call, |order| text(order, "_id").to_owned()),
                hide,
            )
        }
        Op::ListDFYEmailAccountOrdersAccounts => accounts_of_orders(cx, call),
        Op::CancelDFYEmailAccounts => order_cancel::cancel(cx, call),
        Op::GenerateSimilarDomains | Op::CheckDomainsAvailability | Op::PreWarmedUpDomainsList => {
            order_domains::answer(cx, call)
        }
        other => Err(astray(other)),
    }
}

fn create(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let simulation = call.field_flag("simulation").unwrap_or(false);
    let quote = Quote::of(cx, call);
    if simulation || !quote.is_valid() {
        return Reply::ok(quote.answer(false, simulation, false));
    }
    let spent = cx
        .ws()
        .notes
        .get(SPENT)
        .and_then(Value::as_i64)
        .unwrap_or_default();
    if spent + quote.total() > CARD {
        return Reply::ok(quote.answer(false, false, true));
    }
    cx.ws()
        .notes
        .insert(SPENT.to_owned(), json!(spent + quote.total()));
    for item in &quote.items {
        place(cx, &quote.kind, item);
    }
    let made: usize = quote.items.iter().map(|item| item.mailboxes.len()).sum();
    let about = json!({ "affected_count": made, "audit_metadata": { "order_type": quote.kind } });
    cx.audit(Activity::AccountAddition, call, about);
    Reply::ok(quote.answer(true, false, false))
}

fn place(cx: &mut Cx<'_>, kind: &str, item: &Item) {
    let pre_warmed = kind == "pre_warmed_up";
    if kind != "extra_accounts" {
        let id = cx.uuid();
        let order = json!({
            "_id": id,
            "workspace_id": cx.workspace,
            "domain": item.domain,
            "forwarding_domain": item.forwarding,
            "forwarding_mode": item.forwarding.as_ref().map(|_| "redirect"),
            "is_pre_warmed_up": pre_warmed,
            "timestamp_cancelled": null,
            "timestamp_created": cx.now_text(),
        });
        cx.ws().orders.put(&id, order);
    }
    for mailbox in &item.mailboxes {
        let id = cx.uuid();
        let email = format!("{}@{}", mailbox.prefix, item.domain);
        let password = format!("{:012x}", hash(&id) & 0xffff_ffff_ffff);
        let row = json!({
            "id": id,
            "domain": item.domain,
            "email": email,
            "email_provider": item.provider,
            "first_name": mailbox.first_name,
            "last_name": mailbox.last_name,
            "is_pre_warmed_up": pre_warmed,
            "timestamp_cancelled": "",
            "timestamp_created": cx.now_text(),
            "_password": password,
        });
        cx.ws().order_accounts.put(&id, row);
        let code = match item.provider {
            AIRMAIL => 8,
            MICROSOFT => 3,
            _ => 2,
        };
        let names = (mailbox.first_name.as_str(), mailbox.last_name.as_str());
        let mut account = accounts::fresh(cx, &email, names, code);
        set(&mut account, "is_managed_account", true);
        if pre_warmed {
            set(&mut account, "_pre_warmed", true);
            warmup::turn(&mut account, true, cx.now);
        } else {
            set(&mut account, "setup_pending", true);
            let ready_at = cx.now.saturating_add(SETUP);
            set(&mut account, "_ready_at", ready_at);
            due::wake(cx, ready_at);
        }
        cx.ws().accounts.put(&accounts::key(&email), account);
    }
}

fn accounts_of_orders(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let with_passwords = call.query_flag("with_passwords") == Some(true);
    let ws = cx.ws();
    let page = table::page(ws.order_accounts.iter().rev(), call, |account| {
        format!(
            "{}:{}",
            text(account, "id"),
            text(account, "timestamp_created")
        )
    });
    show_items(page, |row| {
        if with_passwords {
            let account = ws.accounts.get(&accounts::key(text(row, "email")));
            let ready = account.is_some_and(|account| !flag(account, "setup_pending"));
            let password = if ready {
                text(row, "_password").to_owned()
            } else {
                String::new()
            };
            set(row, "password", password);
        }
        hide(row);
    })
}

#[cfg(test)]
mod tests;
