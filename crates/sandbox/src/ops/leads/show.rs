//! A lead as the API shows it, and its variables as templates and webhooks name them.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::row::{Activity, Details, Lead, Upload};
use crate::clock::{self, Millis};
use crate::cx::merge;

impl Lead {
    /// The domain of the lead's company: that of the address, else of the website.
    fn company_domain(&self, details: &Details) -> String {
        if let Some((_, domain)) = self
            .email
            .as_deref()
            .and_then(|email| email.rsplit_once('@'))
        {
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
        let from = last.map(|_| {
            if from_subsequence {
                "subsequence"
            } else {
                "campaign"
            }
        });
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
