//! What stands beside the mail: verifications, an order, placement tests, phone numbers, an
//! enrichment.

use doorward_catalog::Op;
use serde_json::json;

use super::{at, call};
use crate::clock::{self, DAY};
use crate::cx::Cx;
use crate::ops::view::{number, text};
use crate::ops::{due, order_domains, orders, placement_tests, supersearch_ai, verification};

pub(super) fn plant(cx: &mut Cx<'_>) {
    verifications(cx);
    order(cx);
    placement(cx);
    phone_numbers(cx);
    enrichment(cx);
    due::settle(cx);
}

fn verifications(cx: &mut Cx<'_>) {
    for email in [
        "ada@example.com",
        "catchall@example.org",
        "nobody@gone.invalid",
        "slow.bela@example.com",
    ] {
        // A fresh workspace has credits.
        let _ = verification::create(cx, email);
    }
}

/// A pre-warmed domain with its mailboxes, ordered half a month ago.
fn order(cx: &mut Cx<'_>) {
    let Some((domain, _)) = order_domains::on_offer(cx).into_iter().next() else {
        return;
    };
    let then = cx.now - 15 * DAY;
    at(cx, then, |cx| {
        let body = json!({ "order_type": "pre_warmed_up", "items": [{ "domain": domain }] });
        let _ = orders::answer(cx, &call(Op::CreateDFYEmailAccountOrder, body));
    });
}

/// One test that ran once, and one that runs every day.
fn placement(cx: &mut Cx<'_>) {
    let senders: Vec<String> = cx
        .ws()
        .accounts
        .iter()
        .filter(|account| number(account, "status") == 1)
        .take(2)
        .map(|account| text(account, "email").to_owned())
        .collect();
    for (name, kind, days) in [("Before the launch", 1, 20), ("Every morning", 2, 4)] {
        let then = cx.now - days * DAY;
        at(cx, then, |cx| {
            let body = json!({
                "name": name,
                "type": kind,
                "sending_method": 1,
                "email_subject": "A question about your onboarding",
                "email_body": "Hi, how do you bring new customers on board?",
                "emails": senders,
            });
            let _ = placement_tests::answer(cx, &call(Op::CreateInboxPlacementTest, body));
        });
    }
}

fn phone_numbers(cx: &mut Cx<'_>) {
    for (nth, number, locality) in [
        (1, "+15550100101", "San Francisco"),
        (2, "+15550100102", "Austin"),
    ] {
        let id = cx.uuid();
        let row = json!({
            "id": id,
            "timestamp_created": clock::text(cx.now - 100 * DAY),
            "organization_id": cx.workspace,
            "phone_number": number,
            "country": "US",
            "locality": locality,
            "subscription_id": format!("sub_sandbox{nth}"),
            "twilio_sid": format!("PN{:032x}", nth),
            "renewal_date": clock::day(cx.now + 20 * DAY),
            "price": 1,
        });
        cx.ws().phone_numbers.put(&id, row);
    }
}

/// The leads of the first list were verified a week ago.
fn enrichment(cx: &mut Cx<'_>) {
    let Some(list) = cx
        .ws()
        .lead_lists
        .iter()
        .next()
        .map(|list| text(list, "id").to_owned())
    else {
        return;
    };
    let then = cx.now - 7 * DAY;
    at(cx, then, |cx| {
        let body = json!({ "resource_id": list, "type": "fully_enriched_profile", "limit": 50 });
        let _ = supersearch_ai::answer(cx, &call(Op::CreateSuperSearchEnrichment, body));
    });
}
