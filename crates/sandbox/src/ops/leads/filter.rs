//! Which leads a call means: the filters that listing, moving, assigning and deleting share.

use std::collections::HashSet;

use serde_json::Value;
use uuid::Uuid;

use super::add::Target;
use super::row::{Activity, Lead, status};
use super::table::{LeadTable, fold};
use crate::call::Call;
use crate::clock::{DAY, Millis};
use crate::table::Table;

/// The leads that fit every filter of a body. A filter that cannot be read fits none, so that a
/// mistyped one never widens a move or a deletion.
#[derive(Debug, Default)]
pub(crate) struct Selection {
    ids: Option<HashSet<Uuid>>,
    excluded: HashSet<Uuid>,
    contacts: Option<HashSet<String>>,
    search: Option<Search>,
    filter: Option<Filter>,
    queries: Vec<Query>,
    esg: Option<Esg>,
    nothing: bool,
    pub(crate) campaign: Option<Uuid>,
    pub(crate) list: Option<Uuid>,
    pub(crate) in_campaign: Option<bool>,
    pub(crate) in_list: Option<bool>,
    pub(crate) status: Option<i8>,
    pub(crate) assigned_to: Option<HashSet<Uuid>>,
    pub(crate) visitor: Option<bool>,
    pub(crate) enrichment: Option<i64>,
    pub(crate) esp: Option<i64>,
}

impl Selection {
    /// Reads the filters that all these operations name alike. `labels` are the workspace's lead
    /// labels, for the filters by custom label.
    pub(crate) fn read(call: &Call, labels: &Table, now: Millis) -> Selection {
        let mut selection = Selection {
            campaign: call.field_text("campaign").and_then(uuid),
            list: call.field_text("list_id").and_then(uuid),
            in_campaign: call.field_flag("in_campaign"),
            in_list: call.field_flag("in_list"),
            ids: call.field_list("ids").map(uuids),
            excluded: call
                .field_list("excluded_ids")
                .map(uuids)
                .unwrap_or_default(),
            contacts: call
                .field_list("contacts")
                .map(|emails| emails.iter().map(|email| fold(email)).collect()),
            search: call.field_text("search").and_then(Search::new),
            ..Selection::default()
        };
        if let Some(name) = call.field_text("filter").filter(|name| !name.is_empty()) {
            match Filter::parse(name, labels) {
                Some(filter) => selection.filter = Some(filter),
                None => selection.nothing = true,
            }
        }
        if let Some(queries) = call.field("queries").and_then(Value::as_array) {
            for query in queries {
                match Query::parse(query, now) {
                    Some(query) => selection.queries.push(query),
                    None => selection.nothing = true,
                }
            }
        }
        if let Some(code) = call.field_text("esg_code") {
            selection.esg = Some(match code {
                "all" => Esg::Some,
                "none" => Esg::None,
                code => Esg::Is(code.parse().unwrap_or(u8::MAX)),
            });
        }
        // Smart views live in the web app alone: no id names one here.
        selection.nothing |= call.field("smart_view_id").is_some();
        selection
    }

    /// Every lead of a campaign, a list, or both.
    pub(crate) fn within(place: Target) -> Selection {
        Selection {
            campaign: place.campaign,
            list: place.list,
            ..Selection::default()
        }
    }

    /// Whether ids were named.
    pub(crate) fn names_ids(&self) -> bool {
        self.ids.is_some()
    }

    pub(crate) fn restrict_to(&mut self, ids: Vec<String>) {
        self.ids = Some(uuids(ids));
    }

    /// The leads that fit, in ascending order of id, after a cursor.
    pub(crate) fn of<'t>(
        &'t self,
        table: &'t LeadTable,
        after: Option<Uuid>,
    ) -> Box<dyn Iterator<Item = &'t Lead> + 't> {
        if let Some(ids) = &self.ids {
            let mut ids: Vec<Uuid> = ids.iter().copied().collect();
            ids.sort_unstable();
            return Box::new(
                ids.into_iter()
                    .filter(move |id| after.is_none_or(|after| *id > after))
                    .filter_map(|id| table.get(id))
                    .filter(|lead| self.takes(lead)),
            );
        }
        if let Some(contacts) = &self.contacts {
            let mut ids: Vec<Uuid> = contacts
                .iter()
                .flat_map(|email| table.with_email(email).map(|lead| lead.id))
                .filter(|id| after.is_none_or(|after| *id > after))
                .collect();
            ids.sort_unstable();
            return Box::new(
                ids.into_iter()
                    .filter_map(|id| table.get(id))
                    .filter(|lead| self.takes(lead)),
            );
        }
        Box::new(table.after(after).filter(|lead| self.takes(lead)))
    }

    fn takes(&self, lead: &Lead) -> bool {
        !self.nothing
            && self.campaign.is_none_or(|id| lead.campaign == Some(id))
            && self.list.is_none_or(|id| lead.list == Some(id))
            && self
                .in_campaign
                .is_none_or(|is| lead.campaign.is_some() == is)
            && self.in_list.is_none_or(|is| lead.list.is_some() == is)
            && self.status.is_none_or(|status| lead.status == status)
            && self.ids.as_ref().is_none_or(|ids| ids.contains(&lead.id))
            && !self.excluded.contains(&lead.id)
            && self
                .assigned_to
                .as_ref()
                .is_none_or(|users| lead.assigned_to.is_some_and(|user| users.contains(&user)))
            && self
                .visitor
                .is_none_or(|is| (lead.upload == super::row::Upload::WebsiteVisitor) == is)
            && self
                .enrichment
                .is_none_or(|code| lead.enrichment.map(i64::from) == Some(code))
            && self
                .esp
                .is_none_or(|code| lead.esp.map(i64::from) == Some(code))
            && self.esg.as_ref().is_none_or(|esg| esg.takes(lead.esg))
            && self.filter.as_ref().is_none_or(|filter| filter.takes(lead))
            && self.queries.iter().all(|query| query.takes(lead))
            && self.contacts.as_ref().is_none_or(|contacts| {
                lead.email
                    .as_deref()
                    .is_some_and(|email| contacts.contains(&fold(email)))
            })
            && self.search.as_ref().is_none_or(|search| search.takes(lead))
    }
}

/// A uuid in any letter case.
pub(crate) fn uuid(text: &str) -> Option<Uuid> {
    Uuid::parse_str(text).ok()
}

fn uuids(texts: Vec<String>) -> HashSet<Uuid> {
    texts.iter().filter_map(|text| uuid(text)).collect()
}

#[derive(Debug)]
enum Esg {
    Some,
    None,
    Is(u8),
}

impl Esg {
    fn takes(&self, code: Option<u8>) -> bool {
        match self {
            Esg::Some => code.is_some(),
            Esg::None => code.is_none(),
            Esg::Is(wanted) => code == Some(*wanted),
        }
    }
}

/// A text looked for in the names and the address.
#[derive(Debug)]
struct Search {
    needle: String,
}

impl Search {
    fn new(text: &str) -> Option<Search> {
        let needle = fold(text);
        (!needle.is_empty()).then_some(Search { needle })
    }

    fn takes(&self, lead: &Lead) -> bool {
        let first = lead.first_name.as_deref().unwrap_or_default();
        let last = lead.last_name.as_deref().unwrap_or_default();
        self.is_in(lead.email.as_deref().unwrap_or_default())
            || self.is_in(first)
            || self.is_in(last)
            // Only a needle with a space can lie across both names.
            || (self.needle.contains(' ') && self.is_in(&format!("{first} {last}")))
    }

    /// Letter case aside; without a copy of the text where it is ASCII and the needle short, as most
    /// are.
    fn is_in(&self, text: &str) -> bool {
        let needle = self.needle.as_bytes();
        if text.is_ascii() && needle.len() <= 64 {
            text.as_bytes()
                .windows(needle.len())
                .any(|part| part.eq_ignore_ascii_case(needle))
        } else {
            text.to_lowercase().contains(&self.needle)
        }
    }
}

/// One of the named filters.
#[derive(Debug)]
enum Filter {
    Status(i8),
    Interest(i16),
    /// Any of the workspace's labels of one polarity.
    Labels(HashSet<i16>),
    Verification(i8),
    Seen(fn(&Activity) -> bool),
    Not(fn(&Activity) -> bool),
    InSubsequence,
    CompletedNoReply,
}

impl Filter {
    fn parse(name: &str, labels: &Table) -> Option<Filter> {
        let contacted = |seen: &Activity| seen.last_contact.is_some();
        Some(match name {
            "FILTER_VAL_CONTACTED" => Filter::Seen(contacted),
            "FILTER_VAL_NOT_CONTACTED" => Filter::Not(contacted),
            "FILTER_VAL_COMPLETED" => Filter::Status(status::COMPLETED),
            "FILTER_VAL_UNSUBSCRIBED" => Filter::Status(status::UNSUBSCRIBED),
            "FILTER_VAL_ACTIVE" => Filter::Status(status::ACTIVE),
            "FILTER_VAL_BOUNCED" => Filter::Status(status::BOUNCED),
            "FILTER_VAL_SKIPPED" => Filter::Status(status::SKIPPED),
            "FILTER_LEAD_INTERESTED" => Filter::Interest(1),
            "FILTER_LEAD_NOT_INTERESTED" => Filter::Interest(-1),
            "FILTER_LEAD_MEETING_BOOKED" => Filter::Interest(2),
            "FILTER_LEAD_MEETING_COMPLETED" => Filter::Interest(3),
            "FILTER_LEAD_CLOSED" => Filter::Interest(4),
            "FILTER_LEAD_OUT_OF_OFFICE" => Filter::Interest(0),
            "FILTER_LEAD_WRONG_PERSON" => Filter::Interest(-2),
            "FILTER_LEAD_LOST" => Filter::Interest(-3),
            "FILTER_LEAD_NO_SHOW" => Filter::Interest(-4),
            "FILTER_LEAD_CUSTOM_LABEL_POSITIVE" => Filter::Labels(of_polarity(labels, "positive")),
            "FILTER_LEAD_CUSTOM_LABEL_NEGATIVE" => Filter::Labels(of_polarity(labels, "negative")),
            "FILTER_VAL_RISKY" => Filter::Verification(-2),
            "FILTER_VAL_INVALID" => Filter::Verification(-1),
            "FILTER_VAL_VALID" => Filter::Verification(1),
            "FILTER_VAL_IN_SUBSEQUENCE" => Filter::InSubsequence,
            "FILTER_VAL_OPENED_NO_REPLY" => {
                Filter::Seen(|seen| seen.opens > 0 && seen.replies == 0)
            }
            "FILTER_VAL_COMPLETED_NO_REPLY" => Filter::CompletedNoReply,
            "FILTER_VAL_NO_OPENS" => Filter::Not(|seen| seen.opens > 0),
            "FILTER_VAL_REPLIED" => Filter::Seen(|seen| seen.replies > 0),
            "FILTER_VAL_LINK_CLICKED" => Filter::Seen(|seen| seen.clicks > 0),
            _ => return None,
        })
    }

    fn takes(&self, lead: &Lead) -> bool {
        match self {
            Filter::Status(status) => lead.status == *status,
            Filter::Interest(interest) => lead.interest == Some(*interest),
            Filter::Labels(labels) => lead.interest.is_some_and(|i| labels.contains(&i)),
            Filter::Verification(code) => lead.verification == Some(*code),
            Filter::Seen(holds) => lead.seen().is_some_and(holds),
            Filter::Not(holds) => !lead.seen().is_some_and(holds),
            Filter::InSubsequence => lead.subsequence.is_some(),
            Filter::CompletedNoReply => {
                lead.status == status::COMPLETED && lead.seen().is_none_or(|seen| seen.replies == 0)
            }
        }
    }
}

/// The interest values of the labels of a polarity.
pub(crate) fn of_polarity(labels: &Table, polarity: &str) -> HashSet<i16> {
    labels
        .iter()
        .filter(|label| {
            label.get("interest_status_label").and_then(Value::as_str) == Some(polarity)
        })
        .filter_map(|label| label.get("interest_status")?.as_i64())
        .filter_map(|value| i16::try_from(value).ok())
        .collect()
}

/// One query of a smart view.
#[derive(Debug)]
struct Query {
    action: Action,
    /// Only what happened at or after this time.
    since: Option<Millis>,
    count: Option<(std::cmp::Ordering, f64)>,
    /// The interest asked for, and whether it is asked for or shut out.
    interest: Option<(f64, bool)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Action {
    Reply,
    Open,
    Click,
    Contact,
    Interest,
    InterestChange,
}

impl Query {
    fn parse(query: &Value, now: Millis) -> Option<Query> {
        let action = match query.get("actionType")?.as_str()? {
            "reply" => Action::Reply,
            "email-open" => Action::Open,
            "link-click" => Action::Click,
            "last-contacted" => Action::Contact,
            "lead-status" => Action::Interest,
            "lead-status-change" => Action::InterestChange,
            _ => return None,
        };
        let values = query.get("values")?;
        let since = values
            .get("occurrence-days")
            .and_then(Value::as_f64)
            .map(|days| now.saturating_sub((days * DAY as f64) as Millis));
        let count = values.get("occurrence-count").and_then(|count| {
            let ordering = match count.get("condition").and_then(Value::as_str) {
                Some("more") => std::cmp::Ordering::Greater,
                Some("less") => std::cmp::Ordering::Less,
                _ => std::cmp::Ordering::Equal,
            };
            Some((ordering, count.get("count")?.as_f64()?))
        });
        let interest = values.get("lead-status").and_then(|status| {
            let is = status.get("condition").and_then(Value::as_str) != Some("is-not");
            Some((status.get("status")?.as_f64()?, is))
        });
        Some(Query {
            action,
            since,
            count,
            interest,
        })
    }

    fn takes(&self, lead: &Lead) -> bool {
        let seen = lead.seen();
        let (times, last) = match self.action {
            Action::Reply => (seen.map(|s| s.replies), seen.and_then(|s| s.last_reply)),
            Action::Open => (seen.map(|s| s.opens), seen.and_then(|s| s.last_open)),
            Action::Click => (seen.map(|s| s.clicks), seen.and_then(|s| s.last_click)),
            Action::Contact => (None, seen.and_then(|s| s.last_contact)),
            Action::Interest | Action::InterestChange => (None, seen.and_then(|s| s.last_interest)),
        };
        let times = times.unwrap_or(0);
        // A status may have been there from the start, with no change ever recorded.
        let timed = self.action != Action::Interest;
        if timed
            && self
                .since
                .is_some_and(|since| last.is_none_or(|last| last < since))
        {
            return false;
        }
        let counted = matches!(self.action, Action::Reply | Action::Open | Action::Click);
        let fits = match self.count {
            Some((ordering, wanted)) if counted => f64::from(times).total_cmp(&wanted) == ordering,
            // With no count asked for, it must have happened at all.
            _ => !timed || last.is_some(),
        };
        fits && self
            .interest
            .is_none_or(|(wanted, is)| (lead.interest.map(f64::from) == Some(wanted)) == is)
    }
}
