//! getCampaignAnalytics, getCampaignAnalyticsOverview, getDailyCampaignAnalytics,
//! getCampaignStepsAnalytics, getSubsequenceAnalytics, getSubsequenceStepsAnalytics, countLaunched;
//! sending statuses are in [`sending`]. All is counted from what happened (`ws.sends`) and the leads.

mod schedule;
mod sending;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashSet};

use doorward_catalog::Op;
use serde_json::{Value, json};

use self::tally::{Opportunities, Tally};
use crate::call::Call;
use crate::clock::{self, DAY, Millis};
use crate::cx::Cx;
use crate::ops::campaigns::{self, key};
use crate::ops::view::{flag, number, set, text};
use crate::ops::{astray, leads};
use crate::reply::{Answer, Reply};
use crate::world::{Send, SendKind, Workspace};

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::GetCampaignAnalytics => by_campaign(cx, call),
        Op::GetCampaignAnalyticsOverview => overview(cx, call),
        Op::GetDailyCampaignAnalytics => daily(cx, call),
        Op::GetCampaignStepsAnalytics => campaign_steps(cx, call),
        Op::GetSubsequenceAnalytics => by_subsequence(cx, call),
        Op::GetSubsequenceStepsAnalytics => subsequence_steps(cx, call),
        Op::CountLaunched => campaigns::count_launched(cx),
        Op::GetCampaignSendingStatus => sending::of_campaign(cx, call),
        Op::GetSubsequenceSendingStatus => sending::of_subsequence(cx, call),
        other => Err(astray(other)),
    }
}

/// The time a call asks about. A date that cannot be read bounds an empty range: it must not widen
/// what is counted.
#[derive(Debug, Clone, Copy)]
struct Range {
    from: Millis,
    to: Millis,
}

impl Range {
    /// Dates without a time are their first instant in UTC, at the end of a range too.
    fn read(call: &Call) -> Range {
        let bound = |name: &str, open: Millis, unreadable: Millis| match call.query_text(name) {
            None | Some("") => open,
            Some(text) => clock::parse(text.trim()).unwrap_or(unreadable),
        };
        Range {
            from: bound("start_date", Millis::MIN, Millis::MAX),
            to: bound("end_date", Millis::MAX, Millis::MIN),
        }
    }

    /// The whole days, both ends included.
    fn in_days(self) -> Range {
        let start = |at: Millis| at - at.rem_euclid(DAY);
        Range {
            from: if self.from == Millis::MIN || self.from == Millis::MAX {
                self.from
            } else {
                start(self.from)
            },
            to: if self.to == Millis::MIN || self.to == Millis::MAX {
                self.to
            } else {
                start(self.to).saturating_add(DAY - 1)
            },
        }
    }

    fn holds(self, at: Millis) -> bool {
        self.from <= at && at <= self.to
    }
}

/// The campaigns a call means: those named by `id`, `ids` or `campaign_id`, or all; of a status, if
/// one is asked for.
fn campaigns_of<'w>(ws: &'w Workspace, call: &Call) -> Vec<&'w Value> {
    let mut named: Vec<String> = call.query_list("ids").unwrap_or_default();
    for name in ["id", "campaign_id"] {
        named.extend(call.query_text(name).map(str::to_owned));
    }
    let named: HashSet<String> = named.iter().map(|id| key(id)).collect();
    let status = call.query_number("campaign_status");
    ws.campaigns
        .iter()
        .rev()
        .filter(|campaign| named.is_empty() || named.contains(text(campaign, "id")))
        .filter(|campaign| {
            status.is_none() || campaign.get("status").and_then(Value::as_f64) == status
        })
        .collect()
}

fn by_campaign(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let range = Range::read(call);
    let ws = &*cx.ws();
    let positive = leads::of_polarity(&ws.lead_labels, "positive");
    let count_leads = call.query_flag("exclude_total_leads_count") != Some(true);
    let mut held: BTreeMap<String, u64> = BTreeMap::new();
    if count_leads {
        for campaign in ws.leads.iter().filter_map(|lead| lead.campaign) {
            *held.entry(campaign.to_string()).or_default() += 1;
        }
    }
    let tallies = tally::by(
        ws.sends.iter().filter(|send| range.holds(send.at)),
        |send| send.campaign.as_str(),
    );
    let nothing = Tally::default();
    let figures: Vec<Value> = campaigns_of(ws, call)
        .into_iter()
        .map(|campaign| {
            let id = text(campaign, "id");
            let tally = tallies.get(id).unwrap_or(&nothing);
            let opportunities = tally.opportunities(&positive, false);
            let mut figures = counts(tally);
            set(&mut figures, "campaign_name", text(campaign, "name"));
            set(&mut figures, "campaign_id", id);
            set(&mut figures, "campaign_status", number(campaign, "status"));
            set(
                &mut figures,
                "campaign_is_evergreen",
                flag(campaign, "is_evergreen"),
            );
            set(
                &mut figures,
                "leads_count",
                held.get(id).copied().unwrap_or(0),
            );
            set(&mut figures, "total_opportunities", opportunities.total);
            set(
                &mut figures,
                "total_opportunity_value",
                worth(ws, &opportunities),
            );
            figures
        })
        .collect();
    Reply::ok(Value::Array(figures))
}

/// The counts that a campaign's analytics and the overview share.
fn counts(tally: &Tally<'_>) -> Value {
    let of = |kind| tally.of(kind);
    let (opened, clicked) = (of(SendKind::Opened), of(SendKind::Clicked));
    let (replied, automatic) = (of(SendKind::Replied), of(SendKind::AutoReplied));
    json!({
        "contacted_count": of(SendKind::Sent).leads,
        "emails_sent_count": of(SendKind::Sent).total,
        "new_leads_contacted_count": tally.new_leads(),
        "open_count": opened.total,
        "open_count_unique": opened.leads,
        "open_count_unique_by_step": opened.by_step,
        "reply_count": replied.total,
        "reply_count_unique": replied.leads,
        "reply_count_unique_by_step": replied.by_step,
        "reply_count_automatic": automatic.total,
        "reply_count_automatic_unique": automatic.leads,
        "reply_count_automatic_unique_by_step": automatic.by_step,
        "link_click_count": clicked.total,
        "link_click_count_unique": clicked.leads,
        "link_click_count_unique_by_step": clicked.by_step,
        "bounced_count": of(SendKind::Bounced).leads,
        "unsubscribed_count": of(SendKind::Unsubscribed).leads,
        "completed_count": of(SendKind::Completed).leads,
    })
}

/// What opportunities are worth: a lead's own value where it is a number, else its campaign's, else
/// the workspace's default.
fn worth(ws: &Workspace, opportunities: &Opportunities<'_>) -> f64 {
    let default = |campaign: &str| {
        ws.campaigns
            .get(campaign)
            .and_then(|campaign| campaign.get("pl_value")?.as_f64())
            .or_else(|| ws.record.get("default_opportunity_value")?.as_f64())
            .unwrap_or(0.0)
    };
    let sum: f64 = opportunities
        .sends
        .iter()
        .map(|send| {
            leads::uuid(&send.lead)
                .and_then(|id| ws.leads.get(id))
                .and_then(|lead| lead.details().pl_value_lead?.trim().parse::<f64>().ok())
                .filter(|value| value.is_finite())
                .unwrap_or_else(|| default(&send.campaign))
        })
        .sum();
    // JSON has no infinity.
    sum.clamp(f64::MIN, f64::MAX)
}

fn overview(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let range = Range::read(call);
    let expand = call.query_flag("expand_crm_events") == Some(true);
    let ws = &*cx.ws();
    let positive = leads::of_polarity(&ws.lead_labels, "positive");
    let tally = Tally::of_all(meant(ws, call, range));
    let opportunities = tally.opportunities(&positive, expand);
    let mut figures = counts(&tally);
    set(&mut figures, "total_opportunities", opportunities.total);
    set(
        &mut figures,
        "total_opportunity_value",
        worth(ws, &opportunities),
    );
    for (name, interest) in [
        ("total_interested", 1),
        ("total_meeting_booked", 2),
        ("total_meeting_completed", 3),
        ("total_closed", 4),
    ] {
        set(&mut figures, name, opportunities.of(interest));
    }
    Reply::ok(figures)
}

/// What happened in the campaigns a call means, within a range.
fn meant<'w>(ws: &'w Workspace, call: &Call, range: Range) -> impl Iterator<Item = &'w Send> {
    let ids: HashSet<&str> = campaigns_of(ws, call)
        .into_iter()
        .map(|campaign| text(campaign, "id"))
        .collect();
    ws.sends
        .iter()
        .filter(move |send| range.holds(send.at) && ids.contains(send.campaign.as_str()))
}

fn daily(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let range = Range::read(call).in_days();
    let ws = &*cx.ws();
    let positive = leads::of_polarity(&ws.lead_labels, "positive");
    let days = tally::by(meant(ws, call, range), |send| send.at.div_euclid(DAY));
    let figures = days
        .into_iter()
        .map(|(day, tally)| {
            let mut figures = engagement(&tally);
            let opportunities = tally.opportunities(&positive, true);
            set(&mut figures, "date", clock::day(day.saturating_mul(DAY)));
            set(&mut figures, "contacted", tally.of(SendKind::Sent).leads);
            set(&mut figures, "new_leads_contacted", tally.new_leads());
            set(&mut figures, "opportunities", opportunities.total);
            set(
                &mut figures,
                "unique_opportunities",
                tally.opportunities(&positive, false).total,
            );
            figures
        })
        .collect();
    Reply::ok(Value::Array(figures))
}

/// The counts that days and steps share.
fn engagement(tally: &Tally<'_>) -> Value {
    let of = |kind| tally.of(kind);
    json!({
        "sent": of(SendKind::Sent).total,
        "opened": of(SendKind::Opened).total,
        "unique_opened": of(SendKind::Opened).leads,
        "replies": of(SendKind::Replied).total,
        "unique_replies": of(SendKind::Replied).leads,
        "replies_automatic": of(SendKind::AutoReplied).total,
        "unique_replies_automatic": of(SendKind::AutoReplied).leads,
        "clicks": of(SendKind::Clicked).total,
        "unique_clicks": of(SendKind::Clicked).leads,
    })
}

/// Steps of campaigns count from 1, their variants from 0; what happens in subsequences is not among
/// them.
fn campaign_steps(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let range = Range::read(call);
    let with_opportunities = call.query_flag("include_opportunities_count") == Some(true);
    let ws = &*cx.ws();
    let positive = leads::of_polarity(&ws.lead_labels, "positive");
    let own = meant(ws, call, range).filter(|send| send.subsequence.is_none());
    let figures = tally::by(own, |send| (send.step, send.variant))
        .into_iter()
        .map(|((step, variant), tally)| {
            let mut figures = engagement(&tally);
            set(&mut figures, "step", (u64::from(step) + 1).to_string());
            set(&mut figures, "variant", variant.to_string());
            if with_opportunities {
                let unique = tally.opportunities(&positive, false);
                let all = tally.opportunities(&positive, true).total;
                set(&mut figures, "opportunities", all);
                set(&mut figures, "unique_opportunities", unique.total);
                set(&mut figures, "meetings_booked", now_at(ws, &unique, 2));
                set(&mut figures, "won", now_at(ws, &unique, 4));
            }
            figures
        })
        .collect();
    Reply::ok(Value::Array(figures))
}

/// How many of the opportunities' leads have an interest status now.
fn now_at(ws: &Workspace, opportunities: &Opportunities<'_>, interest: i16) -> usize {
    opportunities
        .sends
        .iter()
        .filter_map(|send| ws.leads.get(leads::uuid(&send.lead)?))
        .filter(|lead| lead.interest == Some(interest))
        .count()
}

fn by_subsequence(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let campaign = key(call.query_text("campaign_id").unwrap_or_default());
    let ws = &*cx.ws();
    ws.campaigns.find(&campaign, campaigns::KIND)?;
    let tallies = tally::by(
        ws.sends.iter().filter(|send| send.subsequence.is_some()),
        |send| send.subsequence.as_deref().unwrap_or_default(),
    );
    let nothing = Tally::default();
    let figures = ws
        .subsequences
        .iter()
        .filter(|entity| text(entity, "parent_campaign") == campaign)
        .map(|entity| {
            let id = text(entity, "id");
            let tally = tallies.get(id).unwrap_or(&nothing);
            json!({
                "subsequence_id": id,
                "emails_sent": tally.of(SendKind::Sent).total,
                "unique_opens": tally.of(SendKind::Opened).leads,
                "unique_replies": tally.of(SendKind::Replied).leads,
            })
        })
        .collect();
    Reply::ok(Value::Array(figures))
}

/// Steps and variants of subsequences both count from 0, and dates mean whole days.
fn subsequence_steps(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let range = Range::read(call).in_days();
    let id = key(&call.param);
    let ws = &*cx.ws();
    ws.subsequences.find(&id, "Subsequence")?;
    let own = ws
        .sends
        .iter()
        .filter(|send| range.holds(send.at) && send.subsequence.as_deref() == Some(id.as_str()));
    let figures = tally::by(own, |send| (send.step, send.variant))
        .into_iter()
        .map(|((step, variant), tally)| {
            let mut figures = engagement(&tally);
            set(&mut figures, "step", step.to_string());
            set(&mut figures, "variant", variant.to_string());
            figures
        })
        .collect();
    Reply::ok(Value::Array(figures))
}
