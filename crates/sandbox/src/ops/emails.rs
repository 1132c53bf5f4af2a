//! Emails and threads of the unibox: listEmail, getEmail, patchEmail, deleteEmail,
//! countUnreadEmails, markThreadAsRead. What writes email is in `email_writing`.

use doorward_catalog::Op;
use serde_json::{Value, json};

use crate::call::Call;
use crate::cx::Cx;
use crate::ops::email_filter::{self, Filter};
use crate::ops::view::{hide, number, set, show_items, shown, text};
use crate::ops::{astray, email_writing};
use crate::reply::{Answer, Refusal, Reply};
use crate::table;

/// The name of the kind in refusals.
pub(crate) const KIND: &str = "Email";

/// How an email came to be (`ue_type`).
pub(crate) mod kind {
    pub(crate) const CAMPAIGN: i64 = 1;
    pub(crate) const RECEIVED: i64 = 2;
    pub(crate) const MANUAL: i64 = 3;
    pub(crate) const SCHEDULED: i64 = 4;
}

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::ListEmail => list(cx, call),
        Op::GetEmail => Reply::ok(shown(cx.ws().emails.find(&call.param, KIND)?)),
        Op::PatchEmail => patch(cx, call),
        Op::DeleteEmail => match cx.ws().emails.remove(&call.param) {
            Some(email) => Reply::ok(shown(&email)),
            None => Err(Refusal::not_found(KIND)),
        },
        Op::CountUnreadEmails => {
            let count = cx
                .ws()
                .emails
                .iter()
                .filter(|email| is_unread(email))
                .count();
            Reply::ok(json!({ "count": count }))
        }
        Op::MarkThreadAsRead => mark_thread(cx, call),
        Op::SendTestEmail | Op::ReplyToEmail | Op::ForwardEmail => email_writing::answer(cx, call),
        other => Err(astray(other)),
    }
}

pub(crate) fn is_unread(email: &Value) -> bool {
    number(email, "is_unread") != 0
}

fn patch(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let email = cx.ws().emails.find_mut(&call.param, KIND)?;
    for name in ["is_unread", "reminder_ts"] {
        if let Some(value) = call.body.get(name) {
            set(email, name, value.clone());
        }
    }
    Reply::ok(shown(email))
}

fn mark_thread(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let mut found = false;
    for email in cx.ws().emails.iter_mut() {
        if text(email, "thread_id") == call.param {
            found = true;
            set(email, "is_unread", 0);
        }
    }
    if !found {
        return Err(Refusal::not_found("Thread"));
    }
    Reply::ok(json!({ "success": true }))
}

fn list(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let filter = Filter::of(cx, call);
    let mut emails: Vec<&Value> = cx
        .ws()
        .emails
        .iter()
        .filter(|email| filter.takes(email))
        .collect();
    emails.sort_by(|a, b| text(a, "timestamp_created").cmp(text(b, "timestamp_created")));
    if call.query_flag("latest_of_thread") == Some(true) {
        email_filter::keep_latest_of_thread(&mut emails);
    }
    if call.query_text("sort_order") != Some("asc") {
        emails.reverse();
    }
    let answer = table::page(emails.into_iter(), call, |email| {
        text(email, "id").to_owned()
    });
    let preview = call.query_flag("preview_only") == Some(true);
    show_items(answer, |email| {
        hide(email);
        if preview {
            set(email, "body", json!({}));
        }
    })
}

#[cfg(test)]
mod tests;
