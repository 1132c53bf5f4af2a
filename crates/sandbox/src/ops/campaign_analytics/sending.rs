//! getCampaignSendingStatus, getSubsequenceSendingStatus: why a campaign sends, or does not.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use super::schedule::{delay, is_in};
use crate::call::Call;
use crate::clock::{self, DAY, Millis};
use crate::cx::Cx;
use crate::ops::campaigns::{self, key, status};
use crate::ops::view::{flag, number, set, text};
use crate::ops::{accounts, leads, tags};
use crate::reply::{Answer, Reply};
use crate::world::{Send, SendKind, Workspace};

pub(super) fn of_campaign(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let now = cx.now;
    let ws = &*cx.ws();
    let campaign = ws.campaigns.find(&key(&call.param), campaigns::KIND)?;
    let sender = Sender::of(ws, campaign, None, now);
    Reply::ok(sender.answer(call))
}

pub(super) fn of_subsequence(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let now = cx.now;
    let ws = &*cx.ws();
    let subsequence = ws.subsequences.find(&key(&call.param), "Subsequence")?;
    let nothing = Value::Null;
    let campaign = ws
        .campaigns
        .get(text(subsequence, "parent_campaign"))
        .unwrap_or(&nothing);
    let sender = Sender::of(ws, campaign, Some(subsequence), now);
    Reply::ok(sender.answer(call))
}

/// How a campaign, or one of its subsequences, stands with its sending.
struct Sender<'w> {
    campaign: &'w Value,
    subsequence: Option<&'w Value>,
    now: Millis,
    accounts: Accounts,
    in_schedule: bool,
    daily_limit: Option<i64>,
    sent_today: usize,
    new_today: usize,
    waiting: Waiting,
    last_send: Option<Millis>,
}

/// The accounts that may send.
#[derive(Default)]
struct Accounts {
    connected: usize,
    disconnected: usize,
    at_limit: usize,
}

/// The leads that still have emails to come.
#[derive(Default)]
struct Waiting {
    ready: usize,
    /// Follow-ups whose delay is not over, and the shortest wait, ms.
    delayed: usize,
    shortest: Option<Millis>,
}

impl<'w> Sender<'w> {
    fn of(
        ws: &'w Workspace,
        campaign: &'w Value,
        subsequence: Option<&'w Value>,
        now: Millis,
    ) -> Sender<'w> {
        let today = now.div_euclid(DAY);
        let subsequence_id = subsequence.map(|entity| text(entity, "id"));
        let own: Vec<&Send> = ws
            .sends
            .iter()
            .filter(|send| send.kind == SendKind::Sent && send.campaign == text(campaign, "id"))
            .filter(|send| {
                subsequence_id.is_none() || send.subsequence.as_deref() == subsequence_id
            })
            .collect();
        let of_today = || own.iter().filter(|send| send.at.div_euclid(DAY) == today);
        let schedule = subsequence
            .and_then(|entity| entity.get("subsequence_schedule"))
            .or_else(|| campaign.get("campaign_schedule"));
        let custom = subsequence.filter(|entity| text(entity, "daily_limit_mode") == "custom");
        let unlimited = subsequence.is_some_and(|s| text(s, "daily_limit_mode") == "unlimited");
        let limit = custom
            .unwrap_or(campaign)
            .get("daily_limit")
            .and_then(Value::as_f64);
        Sender {
            campaign,
            subsequence,
            now,
            accounts: accounts_of(ws, campaign, today),
            in_schedule: schedule.is_none_or(|schedule| is_in(schedule, now)),
            daily_limit: limit.filter(|_| !unlimited).map(|limit| limit as i64),
            sent_today: of_today().count(),
            new_today: of_today().filter(|send| send.step == 0).count(),
            waiting: waiting_of(ws, campaign, subsequence, now),
            last_send: own.iter().map(|send| send.at).max(),
        }
    }

    /// The first reason there is, in the order in which sending would meet them.
    fn state(&self) -> &'static str {
        let owner = self.subsequence.unwrap_or(self.campaign);
        match number(owner, "status") {
            status::DRAFT => return "campaign_draft",
            status::PAUSED => return "campaign_paused",
            status::COMPLETED => return "campaign_completed",
            status::RUNNING_SUBSEQUENCES => return "campaign_running_subsequences",
            status::BOUNCE_PROTECT => return "campaign_bounce_protect",
            status::ACCOUNTS_UNHEALTHY => return "campaign_accounts_unhealthy",
            status::ACCOUNT_SUSPENDED => return "campaign_account_suspended",
            _ => {}
        }
        if self.subsequence.is_some() && !campaigns::is_on(self.campaign) {
            return "campaign_paused";
        }
        let accounts = &self.accounts;
        if accounts.connected + accounts.disconnected == 0 {
            "no_accounts_available"
        } else if accounts.connected == 0 {
            "all_accounts_unhealthy"
        } else if !self.in_schedule {
            "out_of_schedule"
        } else if self.limit_hit() {
            "daily_limit_met"
        } else if accounts.at_limit >= accounts.connected {
            "account_daily_limit_met"
        } else if self.waiting.ready == 0 && self.waiting.delayed > 0 {
            "follow_up_delay_not_met"
        } else if self.waiting.ready == 0 {
            "waiting_for_leads"
        } else if self.new_limit_hit() {
            "new_lead_limit_met"
        } else {
            "healthy"
        }
    }

    fn limit_hit(&self) -> bool {
        self.daily_limit
            .is_some_and(|limit| i64::try_from(self.sent_today).unwrap_or(i64::MAX) >= limit)
    }

    fn new_limit(&self) -> Option<i64> {
        self.campaign.get("daily_max_leads").and_then(Value::as_i64)
    }

    fn new_limit_hit(&self) -> bool {
        self.new_limit()
            .is_some_and(|limit| i64::try_from(self.new_today).unwrap_or(i64::MAX) >= limit)
    }

    /// When the present state began: when the campaign last changed, as far as anyone can tell.
    fn since(&self) -> Option<String> {
        let owner = self.subsequence.unwrap_or(self.campaign);
        ["timestamp_updated", "timestamp_created"]
            .iter()
            .map(|name| text(owner, name))
            .find(|at| !at.is_empty())
            .map(str::to_owned)
    }

    fn answer(&self, call: &Call) -> Value {
        let state = self.state();
        let healthy = state == "healthy";
        let since = if healthy { None } else { self.since() };
        let last_send = self.last_send.map(clock::text);
        let mut diagnostics = json!({
            "campaign_id": text(self.campaign, "id"),
            "last_updated": clock::text(self.now),
            "status": state,
            "issue_tracking": {
                "current_status_code": state,
                "issue_first_seen_at": since,
                "consecutive_loops_with_issue": u8::from(!healthy),
                "last_healthy_send_at": last_send,
            },
            "schedule_status": { "in_schedule": self.in_schedule },
        });
        if let Some(subsequence) = self.subsequence {
            set(&mut diagnostics, "subsequence_id", text(subsequence, "id"));
        }
        if self.in_schedule {
            self.detail(&mut diagnostics);
        }
        let message = message(state);
        let mut summary = json!({
            "status": state,
            "status_message": message,
            "issue_started_at": since,
            "last_healthy_send_at": last_send,
        });
        if call.query_flag("with_ai_summary") == Some(true) {
            set(
                &mut summary,
                "ai_summary",
                format!("{message} {} emails went out today.", self.sent_today),
            );
        }
        json!({ "diagnostics": diagnostics, "summary": summary })
    }

    /// What is left out while the campaign is out of schedule.
    fn detail(&self, diagnostics: &mut Value) {
        let accounts = &self.accounts;
        let available = accounts.connected.saturating_sub(accounts.at_limit);
        set(
            diagnostics,
            "accounts_summary",
            json!({
                "total_connected": accounts.connected,
                "available": available,
                "unavailable": {
                    "daily_limit_hit": accounts.at_limit,
                    "slow_ramp_limit_hit": 0,
                    "disconnected": accounts.disconnected,
                    "global_gap_not_met": 0,
                },
            }),
        );
        let mut limit = json!({ "sent": self.sent_today, "limit_hit": self.limit_hit() });
        if let Some(most) = self.daily_limit {
            set(&mut limit, "limit", most);
        }
        set(diagnostics, "campaign_daily_limit", limit);
        set(
            diagnostics,
            "new_lead_limit",
            json!({
                "enabled": self.new_limit().is_some(),
                "limit": self.new_limit(),
                "contacted": self.new_today,
                "limit_hit": self.new_limit_hit(),
            }),
        );
        set(
            diagnostics,
            "follow_ups_waiting",
            json!({
                "count": self.waiting.delayed,
                "earliest_wait_time_seconds": self.waiting.shortest.map(|wait| wait.saturating_add(999) / 1000),
            }),
        );
        set(
            diagnostics,
            "esp_routing_status",
            json!({
                "enabled": flag(self.campaign, "match_lead_esp"),
                "waiting_for_match": false,
            }),
        );
        set(
            diagnostics,
            "leads_status",
            json!({
                "no_leads_ready": self.waiting.ready == 0,
                "account_unavailable_skips": 0,
                "delay_not_met_skips": self.waiting.delayed,
            }),
        );
    }
}

/// The accounts a campaign sends from: those it lists and those its tags are on.
fn accounts_of(ws: &Workspace, campaign: &Value, today: i64) -> Accounts {
    let listed = |name: &str| {
        campaign
            .get(name)
            .and_then(Value::as_array)
            .map(|items| {
                items
                    .iter()
                    .filter_map(Value::as_str)
                    .map(key)
                    .collect::<Vec<_>>()
            })
            .unwrap_or_default()
    };
    let senders: HashSet<String> = listed("email_list").into_iter().collect();
    let tagged = tags::carriers(&ws.tag_mappings, &listed("email_tag_list"));
    let mut sent: HashMap<&str, i64> = HashMap::new();
    for send in &ws.sends {
        if send.kind == SendKind::Sent && send.at.div_euclid(DAY) == today {
            *sent.entry(send.account.as_str()).or_default() += 1;
        }
    }
    let mut counted = Accounts::default();
    for account in ws.accounts.iter() {
        let email = text(account, "email");
        if !senders.contains(&key(email)) && !tagged.contains(&accounts::resource_id(email)) {
            continue;
        }
        if number(account, "status") != accounts::status::ACTIVE {
            counted.disconnected += 1;
            continue;
        }
        counted.connected += 1;
        let limit = account.get("daily_limit").and_then(Value::as_i64);
        let sent = sent.get(email).copied().unwrap_or(0);
        counted.at_limit += usize::from(limit.is_some_and(|limit| sent >= limit));
    }
    counted
}

fn waiting_of(
    ws: &Workspace,
    campaign: &Value,
    subsequence: Option<&Value>,
    now: Millis,
) -> Waiting {
    let id = leads::uuid(text(campaign, "id"));
    let within = subsequence.map(|entity| leads::uuid(text(entity, "id")));
    let steps = subsequence
        .unwrap_or(campaign)
        .pointer("/sequences/0/steps")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut waiting = Waiting::default();
    for lead in ws.leads.iter().filter(|lead| lead.campaign == id) {
        if lead.status != leads::status::ACTIVE || within.is_some_and(|own| lead.subsequence != own)
        {
            continue;
        }
        let last = lead.seen().and_then(|seen| match within {
            Some(_) => seen.subsequence_step,
            None => seen.step,
        });
        let Some(last) = last else {
            waiting.ready += usize::from(!steps.is_empty());
            continue;
        };
        let Some(step) = usize::try_from(last.step).ok().and_then(|at| steps.get(at)) else {
            continue;
        };
        // The last step's email is out: there is nothing to follow up with.
        if usize::try_from(last.step).is_ok_and(|at| at + 1 >= steps.len()) {
            continue;
        }
        let due = last.at.saturating_add(delay(step));
        if due <= now {
            waiting.ready += 1;
        } else {
            waiting.delayed += 1;
            let wait = due.saturating_sub(now);
            waiting.shortest = Some(waiting.shortest.map_or(wait, |least| least.min(wait)));
        }
    }
    waiting
}

fn message(state: &str) -> &'static str {
    match state {
        "healthy" => "The campaign is sending.",
        "campaign_draft" => "The campaign was never launched.",
        "campaign_paused" => "The campaign is paused.",
        "campaign_completed" => "The campaign has finished with all its leads.",
        "campaign_running_subsequences" => "Only the campaign's subsequences are left to send.",
        "campaign_bounce_protect" => "Too many emails bounced; sending is stopped.",
        "campaign_accounts_unhealthy" | "all_accounts_unhealthy" => {
            "None of the campaign's accounts can send."
        }
        "campaign_account_suspended" => "The workspace's sending is suspended.",
        "no_accounts_available" => "The campaign has no accounts to send from.",
        "out_of_schedule" => "It is outside the campaign's schedule.",
        "daily_limit_met" => "The campaign sent all it may send today.",
        "account_daily_limit_met" => "The campaign's accounts sent all they may send today.",
        "new_lead_limit_met" => "The campaign reached all the new leads it may reach today.",
        "follow_up_delay_not_met" => "All leads wait for their next follow-up.",
        "waiting_for_leads" => "The campaign has no leads left to write to.",
        _ => "The campaign's state is unknown.",
    }
}
