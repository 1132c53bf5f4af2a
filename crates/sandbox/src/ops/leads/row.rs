//! One lead, kept small: a workspace may hold a hundred thousand.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::clock::{self, Millis};
use crate::cx::merge;

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
            serde_json::to_string(details).ok().map(String::into_boxed_str)
        };
    }

    /// Whether the campaign has nothing more to send to the lead.
    pub(crate) fn is_finished(&self) -> bool {
        !matches!(self.status, status::ACTIVE | status::PAUSED)
    }

    pub(crate) fn is_contacted(&self) -> bool {
        self.seen().is_some_and(|seen| seen.last_contact.is_some())
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

    /// The domain of the lead's company: that of the address, else of the website.
    fn company_domain(&self, details: &Details) -> String {
        if let Some((_, domain)) = self.email.as_deref().and_then(|email| email.rsplit_once('@')) {
            return domain.to_owned();
        }
        let site = details.website.as_deref().unwrap_or_default();
        let site = site.split_once("://").map_or(site, |(_, rest)| rest);
        let host = site.split(['/', '?', '#']).next().unwrap_or_default();
        host.trim_start_matches("www.").to_owned()
    }

    /// The lead's variables as templates and webhooks name them.
    pub(crate) fn payload(&self) -> Map<String, Value> {
        self.payload_of(&self.details())
    }

    fn payload_of(&self, details: &Details) -> Map<String, Value> {
        const TEXTS: [&str; 7] = [
            "firstName",
            "lastName",
            "companyName",
            "jobTitle",
            "website",
            "phone",
            "personalization",
        ];
        let mut payload = details.variables.clone();
        // A custom variable under one of these names must still be a text.
        for name in TEXTS {
            match payload.get_mut(name) {
                Some(Value::String(_)) | None => {}
                Some(Value::Null) => {
                    payload.remove(name);
                }
                Some(other) => *other = Value::String(other.to_string()),
            }
        }
        let values = [
            self.first_name.as_deref(),
            self.last_name.as_deref(),
            details.company_name.as_deref(),
            details.job_title.as_deref(),
            details.website.as_deref(),
            details.phone.as_deref(),
            details.personalization.as_deref(),
        ];
        for (name, value) in TEXTS.iter().zip(values) {
            if let Some(value) = value {
                payload.insert((*name).to_owned(), value.into());
            }
        }
        payload
    }

    /// The `Lead` entity.
    pub(crate) fn entity(&self, organization: &str) -> Value {
        let details = self.details();
        let nothing = Activity::default();
        let seen = self.seen().unwrap_or(&nothing);
        let time = |at: Option<Millis>| at.map(clock::text);
        let id = |id: Option<Uuid>| id.map(|id| id.to_string());
        let from_subsequence = seen.subsequence_step.is_some();
        let last = seen.subsequence_step.or(seen.step);
        let from = last.map(|_| if from_subsequence { "subsequence" } else { "campaign" });
        let mut summary = json!({});
        if let Some(step) = seen.step {
            summary = json!({"lastStep": {
                "from": "campaign",
                "stepID": step.id,
                "timestamp_executed": clock::text(step.at),
            }});
        }
        let mut entity = json!({
            "id": self.id,
            "timestamp_created": clock::text(self.created),
            "timestamp_updated": clock::text(self.updated),
            "organization": organization,
            "campaign": id(self.campaign),
            "status": self.status,
            "email": self.email,
            "personalization": details.personalization,
            "website": details.website,
            "last_name": self.last_name,
            "first_name": self.first_name,
            "company_name": details.company_name,
            "job_title": details.job_title,
            "phone": details.phone,
            "email_open_count": seen.opens,
            "email_reply_count": seen.replies,
            "email_click_count": seen.clicks,
            "company_domain": self.company_domain(&details),
            "status_summary": summary,
            "payload": self.payload_of(&details),
        });
        let happened = json!({
            "last_step_from": from,
            "last_step_id": last.map(|step| step.id),
            "last_step_timestamp_executed": time(last.map(|step| step.at)),
            "email_opened_step": seen.opened.map(|(step, _)| step + 1),
            "email_opened_variant": seen.opened.map(|(_, variant)| variant + 1),
            "email_replied_step": seen.replied.map(|(step, _)| step + 1),
            "email_replied_variant": seen.replied.map(|(_, variant)| variant + 1),
            "email_clicked_step": seen.clicked.map(|(step, _)| step + 1),
            "email_clicked_variant": seen.clicked.map(|(_, variant)| variant + 1),
            "subsequence_id": id(self.subsequence),
            "pl_value_lead": details.pl_value_lead,
            "timestamp_added_subsequence": time(seen.added_to_subsequence),
            "timestamp_last_contact": time(seen.last_contact),
            "timestamp_last_open": time(seen.last_open),
            "timestamp_last_reply": time(seen.last_reply),
            "timestamp_last_interest_change": time(seen.last_interest),
            "timestamp_last_click": time(seen.last_click),
            "list_id": id(self.list),
            "last_contacted_from": seen.account,
            "uploaded_by_user": null,
            "upload_method": self.upload,
            "assigned_to": id(self.assigned_to),
            "is_website_visitor": self.upload == Upload::WebsiteVisitor,
            "timestamp_last_touch": time(seen.last_touch),
        });
        // These may be absent but not null.
        let sparing = [
            ("lt_interest_status", self.interest.map(i64::from)),
            ("verification_status", self.verification.map(i64::from)),
            ("enrichment_status", self.enrichment.map(i64::from)),
            ("esp_code", self.esp.map(i64::from)),
            ("esg_code", self.esg.map(i64::from)),
        ];
        merge(&mut entity, &happened);
        if let Some(entity) = entity.as_object_mut() {
            for (name, value) in sparing {
                if let Some(value) = value {
                    entity.insert(name.to_owned(), value.into());
                }
            }
            if let Some(step) = seen.subsequence_step {
                entity.insert(
                    "status_summary_subseq".to_owned(),
                    json!({
                        "from": "subsequence",
                        "stepID": step.id,
                        "timestampExecuted": clock::text(step.at),
                    }),
                );
            }
        }
        entity
    }
}
