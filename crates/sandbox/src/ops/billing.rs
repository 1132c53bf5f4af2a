//! The plan of the workspace: getWorkspacePlanDetails, getWorkspaceSubscriptionDetails.
//!
//! What the workspace pays for follows from the plans on its record, what it has used from its
//! leads and its credits. Periods are thirty days long, counted from the workspace's creation.

use doorward_catalog::Op;
use serde_json::{Value, json};

use crate::call::Call;
use crate::clock::{self, DAY};
use crate::cx::Cx;
use crate::ops::view::text;
use crate::ops::{astray, credits};
use crate::reply::{Answer, Reply};

/// Leads in the outreach plan, and what the plans cost a month in dollars.
const LEADS: u64 = 25_000;
const OUTREACH_A_MONTH: u64 = 97;
const CREDITS_A_MONTH: u64 = 197;
const CRM_A_MONTH: u64 = 47;
const VISITORS_A_MONTH: u64 = 97;
const PLACEMENT_A_MONTH: u64 = 47;

/// Seconds in a period.
const PERIOD: i64 = 30 * DAY / 1_000;

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::GetWorkspacePlanDetails => plan(cx),
        Op::GetWorkspaceSubscriptionDetails => subscriptions(cx),
        other => Err(astray(other)),
    }
}

/// When the running period ends, seconds since 1970.
fn period_end(cx: &mut Cx<'_>) -> i64 {
    let created =
        clock::parse(text(&cx.ws().record, "timestamp_created")).unwrap_or_default() / 1_000;
    let now = cx.now.div_euclid(1_000);
    created + ((now - created).div_euclid(PERIOD) + 1) * PERIOD
}

/// The end of the subscriptions, when the workspace is to be removed.
fn cancelled_at(cx: &mut Cx<'_>) -> Option<i64> {
    clock::parse(text(&cx.ws().record, "scheduled_for_removal_at")).map(|at| at.div_euclid(1_000))
}

/// A plan that the record names in a field of its own.
fn side_plan(cx: &mut Cx<'_>, field: &str, name: &str, product: &str, price: u64) -> Value {
    let held = !text(&cx.ws().record, field).is_empty();
    if !held {
        return json!({ "plan_name": null, "interval": null, "product_id": null });
    }
    json!({
        "plan_name": name,
        "interval": "month",
        "current_period_end": period_end(cx),
        "cancel_at_time": cancelled_at(cx),
        "price_in_dollars": price,
        "product_id": product,
    })
}

fn plan(cx: &mut Cx<'_>) -> Answer {
    let (end, cancelled) = (period_end(cx), cancelled_at(cx));
    let available = credits::left(cx);
    let leads = cx.ws().leads.len();
    let name = text(&cx.ws().record, "name").to_owned();
    let crm = side_plan(cx, "plan_id_crm", "Growth CRM", "pid_crm_g", CRM_A_MONTH);
    let visitors = side_plan(
        cx,
        "plan_id_website_visitor",
        "Hyper Visitors",
        "pid_hv_v1",
        VISITORS_A_MONTH,
    );
    let placement = side_plan(
        cx,
        "plan_id_inbox_placement",
        "Growth Inbox Placement",
        "pid_ip_g",
        PLACEMENT_A_MONTH,
    );
    Reply::ok(json!({
        "organization_id": cx.workspace,
        "organization_name": name,
        "subscriptions": {
            "outreach": {
                "plan_name": "Hypergrowth",
                "addons_qty": 0,
                "total_lead_limit": LEADS,
                "current_lead_count": leads,
                "base_lead_limit": LEADS,
                "interval": "month",
                "current_period_end": end,
                "cancel_at_time": cancelled,
                "price_in_dollars": OUTREACH_A_MONTH,
                "product_id": "pid_hg_v1",
            },
            "credits": {
                "plan_name": "Hyper Credits",
                "total_credits": credits::OF_THE_PLAN,
                "available_credits": available,
                "interval": "month",
                "current_period_end": end,
                "cancel_at_time": cancelled,
                "price_in_dollars": CREDITS_A_MONTH,
                "product_id": "pid_hic_v1",
                "price_option_id": null,
            },
            "crm": crm,
            "website_visitors": visitors,
            "inbox_placement": placement,
        },
        "addons": {
            "outreach": {
                "product_id": "pid_addon_25kl_v1",
                "unit_lead_limit": 25_000,
                "existing_quantity": 0,
                "max_quantity": 20,
                "interval": "month",
                "can_purchase": true,
                "purchase_blocked_reason": null,
                "annual_discount_percent": 20,
                "monthly_pricing_tiers": [
                    { "from_quantity": 1, "to_quantity": 5, "price_in_dollars": 87 },
                    { "from_quantity": 6, "to_quantity": null, "price_in_dollars": 77 },
                ],
            },
            "credits": {
                "product_id": "pid_addon_ic_50k_v1",
                "annual_product_id": "pid_addon_ic_50k_v1_annual",
                "unit_credits": 50_000,
                "annual_unit_credits": 600_000,
                "existing_quantity": 0,
                "max_quantity": 10,
                "interval": "month",
                "can_purchase": true,
                "purchase_blocked_reason": null,
                "monthly_price_in_dollars": 425,
                "annual_price_in_dollars": 5_100,
            },
        },
    }))
}

fn subscriptions(cx: &mut Cx<'_>) -> Answer {
    let (end, cancelled) = (period_end(cx), cancelled_at(cx));
    let mut held = vec![
        ("pid_hg_v1", "prt_outreach", OUTREACH_A_MONTH),
        ("pid_hic_v1", "prt_leadfinder", CREDITS_A_MONTH),
    ];
    for (field, product, price) in [
        ("plan_id_crm", "pid_crm_g", CRM_A_MONTH),
        ("plan_id_website_visitor", "pid_hv_v1", VISITORS_A_MONTH),
        ("plan_id_inbox_placement", "pid_ip_g", PLACEMENT_A_MONTH),
    ] {
        if !text(&cx.ws().record, field).is_empty() {
            held.push((product, "prt_outreach", price));
        }
    }
    let subscriptions: Vec<Value> = held
        .into_iter()
        .map(|(product, kind, price)| {
            json!({
                "workspace_id": cx.workspace,
                "interval": "month",
                "quantity": 1,
                "product_id": product,
                "product_type": kind,
                "plan_type": "plt_primary",
                "current_period_end": end,
                "cancel_at_time": cancelled,
                "price_in_dollars": price,
                "price_id": format!("price_{product}_month"),
            })
        })
        .collect();
    Reply::ok(json!({
        "subscriptions": subscriptions,
        "all_subs_cancelled": cancelled.is_some(),
    }))
}

#[cfg(test)]
mod tests {
    use crate::clock::DAY;
    use crate::ops::fitting::ok;
    use crate::ops::view::number;
    use crate::testing;

    #[test]
    fn plans_follow_from_the_workspace() {
        let mut world = testing::world();
        let plan = ok(
            &mut world,
            "GET",
            "/api/v2/workspace-billing/plan-details",
            None,
        );
        let outreach = &plan["subscriptions"]["outreach"];
        assert_eq!(
            number(outreach, "current_lead_count") as usize,
            world.workspaces[0].leads.len()
        );
        let end = number(outreach, "current_period_end") * 1_000;
        assert!(end > testing::NOW && end <= testing::NOW + 30 * DAY);
        let path = "/api/v2/workspace-billing/subscription-details";
        let held = ok(&mut world, "GET", path, None);
        assert_eq!(held["all_subs_cancelled"], false);
        ok(
            &mut world,
            "POST",
            "/api/v2/workspaces/current/schedule-for-removal",
            None,
        );
        assert_eq!(
            ok(&mut world, "GET", path, None)["all_subs_cancelled"],
            true
        );
    }
}
