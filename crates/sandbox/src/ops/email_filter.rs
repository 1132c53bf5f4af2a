//! Which emails a listing means.

use std::collections::HashSet;

use serde_json::Value;

use crate::call::Call;
use crate::clock::{self, Millis};
use crate::cx::Cx;
use crate::ops::emails::{is_unread, kind};
use crate::ops::leads::fold;
use crate::ops::view::{domain_of, flag, holds, number, text};

/// What is asked of an email; what is not asked for is left open.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    thread: Option<String>,
    search: Option<String>,
    /// Fields that must be this text.
    exact: Vec<(&'static str, String)>,
    /// The addresses of the leads that somebody is assigned to.
    assigned: Option<HashSet<String>>,
    interest: Option<f64>,
    senders: Option<Vec<String>>,
    unread: Option<bool>,
    reminder: Option<bool>,
    done: Option<bool>,
    focused: Option<bool>,
    kind: Option<i64>,
    company: Option<String>,
    after: Option<Millis>,
    before: Option<Millis>,
}

impl Filter {
    /// The filter in the query of listEmail.
    pub(crate) fn of(cx: &mut Cx<'_>, call: &Call) -> Filter {
        let text = |name: &str| call.query_text(name).map(str::to_owned);
        let search = call.query_text("search").unwrap_or_default();
        let thread = search
            .strip_prefix("thread:")
            .map(|id| id.trim().to_owned());
        let exact = [
            ("campaign_id", "campaign_id"),
            ("list_id", "list_id"),
            ("lead", "lead"),
        ];
        let assigned = text("assigned_to").map(|user| {
            let id = uuid::Uuid::parse_str(&user).ok();
            cx.ws()
                .leads
                .iter()
                .filter(|lead| id.is_some() && lead.assigned_to == id)
                .filter_map(|lead| lead.email.as_deref().map(fold))
                .collect()
        });
        Filter {
            search: Some(search.to_lowercase()).filter(|part| thread.is_none() && !part.is_empty()),
            thread,
            assigned,
            exact: exact
                .into_iter()
                .filter_map(|(asked, field)| Some((field, text(asked)?)))
                .collect(),
            interest: call.query_number("i_status"),
            senders: call.query_list("eaccount").map(|senders| {
                senders
                    .iter()
                    .map(|sender| sender.to_ascii_lowercase())
                    .collect()
            }),
            unread: call.query_flag("is_unread"),
            reminder: call.query_flag("has_reminder"),
            done: call.query_flag("marked_as_done"),
            focused: match call.query_text("mode") {
                Some("emode_focused") => Some(true),
                Some("emode_others") => Some(false),
                _ => None,
            },
            kind: if call.query_flag("scheduled_only") == Some(true) {
                Some(kind::SCHEDULED)
            } else {
                call.query_text("email_type").map(|name| match name {
                    "received" => kind::RECEIVED,
                    "sent" => kind::CAMPAIGN,
                    _ => kind::MANUAL,
                })
            },
            company: text("company_domain").map(|domain| domain.to_ascii_lowercase()),
            after: call
                .query_text("min_timestamp_created")
                .and_then(clock::parse),
            before: call
                .query_text("max_timestamp_created")
                .and_then(clock::parse),
        }
    }

    /// Does the email pass?
    pub(crate) fn takes(&self, email: &Value) -> bool {
        let is = |wanted: Option<bool>, found: bool| wanted.is_none_or(|wanted| wanted == found);
        self.thread
            .as_deref()
            .is_none_or(|thread| thread == text(email, "thread_id"))
            && self.search.as_deref().is_none_or(|part| {
                [
                    "lead",
                    "from_address_email",
                    "to_address_email_list",
                    "subject",
                ]
                .iter()
                .any(|name| holds(text(email, name), part))
            })
            && self
                .exact
                .iter()
                .all(|(name, wanted)| text(email, name).eq_ignore_ascii_case(wanted))
            && self
                .assigned
                .as_ref()
                .is_none_or(|leads| leads.contains(&fold(text(email, "lead"))))
            && self.interest.is_none_or(|interest| {
                email.get("i_status").and_then(Value::as_f64) == Some(interest)
            })
            && self.senders.as_ref().is_none_or(|senders| {
                senders
                    .iter()
                    .any(|sender| sender == text(email, "eaccount"))
            })
            && is(self.unread, is_unread(email))
            && is(self.reminder, !text(email, "reminder_ts").is_empty())
            && is(self.done, flag(email, "_done"))
            && is(self.focused, number(email, "is_focused") == 1)
            && self
                .kind
                .is_none_or(|kind| kind == number(email, "ue_type"))
            && self
                .company
                .as_deref()
                .is_none_or(|company| domain_of(text(email, "lead")).eq_ignore_ascii_case(company))
            && self.is_of_time(email)
    }

    fn is_of_time(&self, email: &Value) -> bool {
        if self.after.is_none() && self.before.is_none() {
            return true;
        }
        let Some(created) = clock::parse(text(email, "timestamp_created")) else {
            return false;
        };
        self.after.is_none_or(|after| created >= after)
            && self.before.is_none_or(|before| created <= before)
    }
}

/// Leaves of emails, oldest first, the latest of each thread.
pub(crate) fn keep_latest_of_thread(emails: &mut Vec<&Value>) {
    let mut seen = HashSet::new();
    emails.reverse();
    emails.retain(|email| {
        let thread = text(email, "thread_id");
        thread.is_empty() || seen.insert(thread.to_owned())
    });
    emails.reverse();
}
