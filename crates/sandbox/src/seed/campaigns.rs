//! Campaigns in every status with their subsequences, leads in lists and campaigns, labels, tags, and
//! a month of what happened.

mod leads;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::clock::{self, DAY};
use crate::cx::{Cx, merge};
use crate::ops::campaigns::{self, status};
use crate::ops::view::{set, text};
use crate::ops::{lead_labels, lead_lists, tags};

/// A planted campaign: name, status, leads, whether it is evergreen.
type Plan = (&'static str, i64, usize, bool);

const CAMPAIGNS: [Plan; 9] = [
    ("Spring outreach", status::ACTIVE, 60, false),
    ("Website visitors", status::ACTIVE, 30, true),
    ("Agency partners", status::PAUSED, 30, false),
    ("Winter launch", status::COMPLETED, 40, false),
    ("Trial follow-up", status::RUNNING_SUBSEQUENCES, 20, false),
    ("Hiring managers", status::ACCOUNTS_UNHEALTHY, 10, false),
    ("Old conference list", status::BOUNCE_PROTECT, 15, false),
    ("Cold storage", status::ACCOUNT_SUSPENDED, 5, false),
    ("Summer preview", status::DRAFT, 20, false),
];

const LISTS: [&str; 3] = [
    "Conference badges",
    "Newsletter sign-ups",
    "Partner referrals",
];

/// Text, polarity, description, whether it is used with AI.
const LABELS: [(&str, &str, &str, bool); 4] = [
    (
        "Asked for pricing",
        "positive",
        "wants to know the price or a quote",
        true,
    ),
    ("Hot lead", "positive", "ready to buy soon", true),
    (
        "Ask again later",
        "neutral",
        "timing is not right this quarter",
        true,
    ),
    (
        "Do not contact",
        "negative",
        "asked to be left alone",
        false,
    ),
];

const TAGS: [&str; 3] = ["Priority", "EMEA", "Nurture"];

/// Plants them in the workspace of `cx`; its accounts are there already.
pub(crate) fn plant(cx: &mut Cx<'_>) {
    for (label, polarity, description, with_ai) in LABELS {
        let fields = json!({
            "label": label,
            "interest_status_label": polarity,
            "description": description,
            "use_with_ai": with_ai,
        });
        // A fresh workspace has room for labels.
        let _ = lead_labels::put(cx, &fields);
    }
    let lists: Vec<String> = LISTS
        .iter()
        .map(|name| text(&lead_lists::put(cx, &json!({ "name": name })), "id").to_owned())
        .collect();
    let senders: Vec<String> = cx
        .ws()
        .accounts
        .iter()
        .map(|account| text(account, "email").to_owned())
        .take(4)
        .collect();
    let mut made = Vec::new();
    for (n, plan) in CAMPAIGNS.iter().enumerate() {
        let id = campaign(cx, plan, &senders, n);
        leads::plant_campaign(cx, &id, plan.1, plan.2);
        made.push(id);
    }
    for (n, list) in lists.iter().enumerate() {
        leads::plant_list(cx, list, made.first().filter(|_| n == 0), 20 + 5 * n);
    }
    cx.ws().sends.sort_by_key(|send| send.at);
    tagged(cx, &made, &senders);
}

fn tagged(cx: &mut Cx<'_>, campaigns: &[String], senders: &[String]) {
    let tags: Vec<String> = TAGS
        .iter()
        .filter_map(|label| {
            // The labels differ, so none is refused.
            let tag = tags::put(cx, &json!({ "label": label })).ok()?;
            Some(text(&tag, "id").to_owned())
        })
        .collect();
    for (n, campaign) in campaigns.iter().enumerate().take(4) {
        if let Some(tag) = tags.get(n % TAGS.len()) {
            tags::tag(cx, tag, campaign);
        }
    }
    for (sender, tag) in senders.iter().zip(&tags) {
        tags::tag(cx, tag, sender);
    }
}

fn schedule() -> Value {
    json!({
        "start_date": null,
        "end_date": null,
        "schedules": [{
            "name": "Office hours",
            "timing": { "from": "08:00", "to": "18:00" },
            "days": { "0": false, "1": true, "2": true, "3": true, "4": true, "5": true, "6": false },
            "timezone": "Etc/GMT+12",
        }],
    })
}

fn steps() -> Value {
    let email = |subject: &str, body: &str| json!({ "subject": subject, "body": body });
    json!([{
        "steps": [
            {
                "type": "email",
                "delay": 3,
                "delay_unit": "days",
                "variants": [
                    email(
                        "A question about {{companyName}}",
                        "Hi {{firstName}},<br/><br/>{{personalization}}<br/><br/>Who looks after this \
                         at {{companyName}}?",
                    ),
                    email(
                        "{{firstName}}, one idea",
                        "Hi {{firstName}},<br/><br/>I have one idea for {{companyName}}. Shall I send \
                         it over?",
                    ),
                ],
            },
            {
                "type": "email",
                "delay": 4,
                "delay_unit": "days",
                "variants": [email("", "Hi {{firstName}},<br/><br/>Did my note reach you?")],
            },
            {
                "type": "email",
                "delay": 5,
                "delay_unit": "days",
                "variants": [email("", "{{firstName}}, this is my last note. All the best.")],
            },
        ],
    }])
}

fn campaign(cx: &mut Cx<'_>, plan: &Plan, senders: &[String], n: usize) -> String {
    let (name, status, _, evergreen) = *plan;
    let fields = json!({
        "name": name,
        "campaign_schedule": schedule(),
        "sequences": steps(),
        "email_list": senders,
        "daily_limit": 50,
        "daily_max_leads": 25,
        "is_evergreen": evergreen,
        "pl_value": 100 * (n + 1),
        "stop_on_reply": true,
    });
    let made = clock::text(cx.now - 60 * DAY + (n as i64) * DAY);
    let id = text(&campaigns::put(cx, &fields), "id").to_owned();
    if let Some(entity) = cx.ws().campaigns.get_mut(&id) {
        set(entity, "status", status);
        set(entity, "timestamp_created", made.clone());
        set(entity, "timestamp_updated", made.clone());
    }
    match status {
        status::ACTIVE => {
            let clicked = json!({ "lead_activity": [4] });
            let priced = json!({ "reply_contains": "price" });
            subsequence(cx, &id, "Clicked a link", status::ACTIVE, clicked, &made);
            subsequence(cx, &id, "Asked for the price", status::DRAFT, priced, &made);
        }
        status::RUNNING_SUBSEQUENCES => {
            let silent = json!({ "lead_activity": [91] });
            subsequence(cx, &id, "No answer", status::ACTIVE, silent, &made);
        }
        status::PAUSED => {
            let interested = json!({ "crm_status": [1, 2] });
            subsequence(cx, &id, "Interested", status::PAUSED, interested, &made);
        }
        _ => {}
    }
    id
}

fn subsequence(
    cx: &mut Cx<'_>,
    campaign: &str,
    name: &str,
    status: i64,
    conditions: Value,
    made: &str,
) {
    let id = cx.uuid();
    let mut entity = json!({
        "id": id,
        "timestamp_created": made,
        "timestamp_leads_updated": made,
        "parent_campaign": campaign,
        "workspace": cx.workspace,
        "status": status,
        "name": name,
        "conditions": conditions,
        "subsequence_schedule": schedule(),
        "sequences": [{
            "steps": [
                {
                    "type": "email",
                    "delay": 2,
                    "pre_delay": 1,
                    "variants": [{ "subject": "Following up", "body": "Hi {{firstName}}, any news?" }],
                },
                {
                    "type": "email",
                    "delay": 2,
                    "variants": [{ "subject": "", "body": "Shall we talk this week?" }],
                },
            ],
        }],
    });
    merge(
        &mut entity,
        &json!({
            "auto_variant_select": null,
            "daily_limit_mode": "inherit",
            "daily_limit": null,
            "ignore_account_daily_limit": false,
        }),
    );
    cx.ws().subsequences.put(&id, entity);
}
