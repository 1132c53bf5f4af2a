//! One lead, kept small: a workspace may hold a hundred thousand.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::clock::Millis;

/// `status` of a lead.
pub(crate) mod status {
    pub(crate) const ACTIVE: i8 = 1;
    pub(crate) const PAUSED: i8 = 2;
    pub(crate) const COMPLETED: i8 = 3;
    pub(crate) const BOUNCED: i8 = -1;
    pub(crate) const UNSUBSCRIBED: i8 = -2;
    pub(crate) const SKIPPED: i8 = -3;
}

/// A lead. What filters look at is typed; the rest is one JSON text that is read only when the lead
/// is shown or changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Lead {
    pub(crate) id: Uuid,
    pub(crate) created: Millis,
    pub(crate) updated: Millis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) campaign: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) list: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subsequence: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) assigned_to: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) first_name: Option<Box<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_name: Option<Box<str>>,
    pub(crate) status: i8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) interest: Option<i16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verification: Option<i8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) enrichment: Option<i8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) esp: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) esg: Option<u8>,
    #[serde(default)]
    pub(crate) upload: Upload,
    /// [`Details`] as JSON; none when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) details: Option<Box<str>>,
    /// None until something happens to the lead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) activity: Option<Box<Activity>>,
}

/// How a lead came in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Upload {
    Manual,
    #[default]
    Api,
    WebsiteVisitor,
}

/// The fields no filter looks at.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Details {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) company_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) job_title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) website: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) personalization: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) pl_value_lead: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(crate) variables: Map<String, Value>,
}

/// What has happened to a lead. Steps and variants count from 0.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Activity {
    pub(crate) opens: u32,
    pub(crate) clicks: u32,
    pub(crate) replies: u32,
    pub(crate) auto_replies: u32,
    pub(crate) opened: Option<(u32, u32)>,
    pub(crate) clicked: Option<(u32, u32)>,
    pub(crate) replied: Option<(u32, u32)>,
    pub(crate) last_contact: Option<Millis>,
    pub(crate) last_open: Option<Millis>,
    pub(crate) last_click: Option<Millis>,
    pub(crate) last_reply: Option<Millis>,
    pub(crate) last_interest: Option<Millis>,
    pub(crate) last_touch: Option<Millis>,
    pub(crate) added_to_subsequence: Option<Millis>,
    /// The last email of the campaign itself.
    pub(crate) step: Option<Step>,
    /// The last email of the subsequence the lead is in.
    pub(crate) subsequence_step: Option<Step>,
    /// The account that wrote last.
    pub(crate) account: Option<Box<str>>,
}

/// An email that was sent: which, and when.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) id: Uuid,
    pub(crate) step: u32,
    pub(crate) variant: u32,
    pub(crate) at: Millis,
}

impl Activity {
    /// Counts another lead's activity in.
    fn add(&mut self, other: &Activity) {
        self.opens = self.opens.saturating_add(other.opens);
        self.clicks = self.clicks.saturating_add(other.clicks);
        self.replies = self.replies.saturating_add(other.replies);
        self.auto_replies = self.auto_replies.saturating_add(other.auto_replies);
        self.opened = self.opened.or(other.opened);
        self.clicked = self.clicked.or(other.clicked);
        self.replied = self.replied.or(other.replied);
        self.last_contact = self.last_contact.max(other.last_contact);
        self.last_open = self.last_open.max(other.last_open);
        self.last_click = self.last_click.max(other.last_click);
        self.last_reply = self.last_reply.max(other.last_reply);
        self.last_interest = self.last_interest.max(other.last_interest);
        self.last_touch = self.last_touch.max(other.last_touch);
        self.step = self.step.or(other.step);
        if self.account.is_none() {
            self.account.clone_from(&other.account);
        }
    }
}

impl Lead {
    /// A lead of which nothing but its id is known.
    pub(crate) fn new(id: Uuid, at: Millis) -> Lead {
        Lead {
            id,
            created: at,
            updated: at,
            campaign: None,
            list: None,
            subsequence: None,
            assigned_to: None,
            email: None,
            first_name: None,
            last_name: None,
            status: status::ACTIVE,
            interest: None,
            verification: None,
            enrichment: None,
            esp: None,
            esg: None,
            upload: Upload::Api,
            details: None,
            activity: None,
        }
    }

    /// What has happened to the lead, if anything.
    pub(crate) fn seen(&self) -> Option<&Activity> {
        self.activity.as_deref()
    }

    /// What has happened to the lead, to add to.
    pub(crate) fn activity_mut(&mut self) -> &mut Activity {
        self.activity.get_or_insert_default()
    }

    pub(crate) fn details(&self) -> Details {
        self.details
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default()
    }

    pub(crate) fn set_details(&mut self, details: &Details) {
        self.details = if *details == Details::default() {
            None
        } else {
            serde_json::to_string(details)
                .ok()
                .map(String::into_boxed_str)
        };
    }

    /// Whether the campaign has nothing more to send to the lead.
    pub(crate) fn is_finished(&self) -> bool {
        !matches!(self.status, status::ACTIVE | status::PAUSED)
    }

    /// Forgets where the lead was in its sequence: it begins anew where it is put.
    pub(crate) fn restart(&mut self) {
        self.status = status::ACTIVE;
        self.subsequence = None;
        if let Some(activity) = self.activity.as_deref_mut() {
            activity.step = None;
            activity.subsequence_step = None;
            activity.added_to_subsequence = None;
        }
    }

    /// Takes the fields of a body of createLead, patchLead or bulkAddLeads; fields that are left out
    /// stay, `null` clears. The email and the interest are not among them.
    pub(crate) fn take_fields(&mut self, body: &Value) {
        let Some(body) = body.as_object() else {
            return;
        };
        let mut details = self.details();
        for (name, value) in body {
            let text = value.as_str();
            let owned = || text.map(str::to_owned);
            match name.as_str() {
                "first_name" => self.first_name = text.map(Into::into),
                "last_name" => self.last_name = text.map(Into::into),
                "company_name" => details.company_name = owned(),
                "job_title" => details.job_title = owned(),
                "phone" => details.phone = owned(),
                "website" => details.website = owned(),
                "personalization" => details.personalization = owned(),
                "pl_value_lead" => details.pl_value_lead = owned(),
                "assigned_to" => self.assigned_to = text.and_then(|id| Uuid::parse_str(id).ok()),
                "custom_variables" => {
                    if let Some(variables) = value.as_object() {
                        details.variables.extend(variables.clone());
                    }
                }
                _ => {}
            }
        }
        self.set_details(&details);
    }

    /// Takes over what it lacks from another lead, and counts together what happened to both.
    pub(crate) fn absorb(&mut self, other: Lead) {
        let (mut details, theirs) = (self.details(), other.details());
        fn fill<T>(mine: &mut Option<T>, theirs: Option<T>) {
            if mine.is_none() {
                *mine = theirs;
            }
        }
        fill(&mut self.campaign, other.campaign);
        fill(&mut self.list, other.list);
        fill(&mut self.assigned_to, other.assigned_to);
        fill(&mut self.email, other.email);
        fill(&mut self.first_name, other.first_name);
        fill(&mut self.last_name, other.last_name);
        fill(&mut self.interest, other.interest);
        fill(&mut self.verification, other.verification);
        fill(&mut self.enrichment, other.enrichment);
        fill(&mut self.esp, other.esp);
        fill(&mut self.esg, other.esg);
        fill(&mut details.company_name, theirs.company_name);
        fill(&mut details.job_title, theirs.job_title);
        fill(&mut details.phone, theirs.phone);
        fill(&mut details.website, theirs.website);
        fill(&mut details.personalization, theirs.personalization);
        fill(&mut details.pl_value_lead, theirs.pl_value_lead);
        for (name, value) in theirs.variables {
            details.variables.entry(name).or_insert(value);
        }
        self.set_details(&details);
        if let Some(theirs) = other.activity {
            self.activity_mut().add(&theirs);
        }
    }
}
