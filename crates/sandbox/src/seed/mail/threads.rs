//! The unibox: what campaigns wrote to leads that answered, their answers, and what was written
//! back by hand.

use serde_json::Value;

use super::at;
use crate::clock::Millis;
use crate::cx::Cx;
use crate::ops::email_writing::{self, Draft};
use crate::ops::emails::kind;
use crate::ops::leads::Lead;
use crate::ops::view::{set, text, uuid_of};

const HOUR: Millis = 3_600_000;

/// Threads in the unibox.
const THREADS: usize = 30;

const ANSWERS: &[&str] = &[
    "Thanks for writing. Could you send a price list?",
    "Not for us at the moment, please try again in autumn.",
    "Sounds interesting. Do you have time on Thursday?",
    "I am not the right person, please write to our office.",
    "How is this different from what we use now?",
];

/// An answer: the lead it is from, where it belongs, when it came.
struct Answered {
    lead: Lead,
    account: String,
    campaign: Option<String>,
    sent: Millis,
    came: Millis,
    automatic: bool,
}

pub(super) fn plant(cx: &mut Cx<'_>) {
    for (number, answered) in answers(cx).into_iter().enumerate() {
        thread(cx, number, &answered);
    }
    scheduled(cx);
}

/// The leads that answered, in the order of their answers.
fn answers(cx: &mut Cx<'_>) -> Vec<Answered> {
    let now = cx.now;
    let ws = cx.ws();
    let fallback = ws
        .accounts
        .iter()
        .next()
        .map(|account| text(account, "email").to_owned());
    let mut answers: Vec<Answered> = ws
        .leads
        .iter()
        .filter_map(|lead| {
            let seen = lead.seen()?;
            lead.email.as_ref()?;
            let came = seen.last_reply?;
            let account = seen
                .account
                .as_deref()
                .filter(|account| ws.accounts.get(account).is_some())
                .map(str::to_owned)
                .or_else(|| fallback.clone())?;
            Some(Answered {
                account,
                campaign: lead.campaign.map(|id| id.to_string()),
                sent: seen.last_contact.unwrap_or(came - 5 * HOUR).min(came),
                came: came.min(now),
                automatic: seen.replies == 0,
                lead: lead.clone(),
            })
        })
        .collect();
    answers.sort_by_key(|answered| (answered.came, answered.lead.id));
    let surplus = answers.len().saturating_sub(THREADS);
    answers.drain(..surplus);
    answers
}

fn thread(cx: &mut Cx<'_>, number: usize, answered: &Answered) {
    let lead = &answered.lead;
    let email = lead.email.as_deref().unwrap_or_default().to_owned();
    let name = lead.first_name.as_deref().unwrap_or("there").to_owned();
    let now = cx.now;
    let about = || Draft {
        account: answered.account.clone(),
        lead: Some(email.clone()),
        lead_id: Some(lead.id.to_string()),
        campaign: answered.campaign.clone(),
        list: lead.list.map(|id| id.to_string()),
        thread: Some(uuid_of(&format!("thread/{}/{}", lead.id, answered.account))),
        interest: lead.interest.map(i64::from),
        ..Draft::default()
    };
    let subject = "A question about your onboarding".to_owned();
    at(cx, answered.sent, |cx| {
        let html = format!("Hi {name},<br/><br/>how do you bring new customers on board?");
        let draft = Draft {
            kind: kind::CAMPAIGN,
            from: answered.account.clone(),
            to: email.clone(),
            subject: subject.clone(),
            html: Some(html),
            step: Some("0".to_owned()),
            ..about()
        };
        email_writing::keep(cx, draft);
    });
    let words = if answered.automatic {
        "I am out of the office until Monday."
    } else {
        ANSWERS
            .get(number % ANSWERS.len())
            .copied()
            .unwrap_or_default()
    };
    let reply = at(cx, answered.came, |cx| {
        let draft = Draft {
            kind: kind::RECEIVED,
            from: email.clone(),
            to: answered.account.clone(),
            subject: format!("Re: {subject}"),
            text: Some(words.to_owned()),
            html: Some(format!("<div>{words}</div>")),
            step: Some("0".to_owned()),
            auto_reply: answered.automatic,
            ..about()
        };
        email_writing::keep(cx, draft)
    });
    // The older half is read, some of it answered by hand and done with.
    if number >= THREADS / 2 {
        return;
    }
    change(cx, &reply, |reply| set(reply, "is_unread", 0));
    if number.is_multiple_of(3) {
        at(cx, (answered.came + 2 * HOUR).min(now), |cx| {
            let draft = Draft {
                kind: kind::MANUAL,
                from: answered.account.clone(),
                to: email.clone(),
                subject: format!("Re: {subject}"),
                html: Some(format!(
                    "Hi {name},<br/><br/>happy to tell you more. Shall we talk?"
                )),
                ..about()
            };
            email_writing::keep(cx, draft);
        });
        change(cx, &reply, |reply| set(reply, "_done", true));
    }
    if number % 5 == 1 {
        let when = crate::clock::text(now + 48 * HOUR);
        change(cx, &reply, |reply| set(reply, "reminder_ts", when));
    }
}

fn change(cx: &mut Cx<'_>, email: &Value, how: impl FnOnce(&mut Value)) {
    if let Some(email) = cx.ws().emails.get_mut(text(email, "id")) {
        how(email);
    }
}

/// Some mail by hand: to one lead that never answered, and one email that is still to go out.
fn scheduled(cx: &mut Cx<'_>) {
    let now = cx.now;
    let ws = cx.ws();
    let Some(account) = ws
        .accounts
        .iter()
        .next()
        .map(|account| text(account, "email").to_owned())
    else {
        return;
    };
    for (kind, when, subject) in [
        (kind::RECEIVED, now - 3 * HOUR, "Invoice for last month"),
        (kind::MANUAL, now - HOUR, "Re: Invoice for last month"),
        (kind::SCHEDULED, now - HOUR, "Our call on Friday"),
    ] {
        let received = kind == self::kind::RECEIVED;
        let (from, to) = if received {
            ("billing@vendor.example".to_owned(), account.clone())
        } else {
            (account.clone(), "billing@vendor.example".to_owned())
        };
        at(cx, when, |cx| {
            let draft = Draft {
                kind,
                from,
                to,
                subject: subject.to_owned(),
                text: Some("Please see the details below.".to_owned()),
                account: account.clone(),
                lead: Some("billing@vendor.example".to_owned()),
                thread: Some(uuid_of(&format!("thread/billing/{account}"))),
                ..Draft::default()
            };
            email_writing::keep(cx, draft);
        });
    }
}
