//! What Instantly may not have recorded while a subscription was off: replies by the e-mails that came,
//! changes of a lead's status by the leads. Such events are marked, and never taken for sent ones.

use std::sync::Arc;

use bytes::Bytes;
use doorward_catalog::Op;
use doorward_policy::Timestamp;
use doorward_upstream::{Call, Client};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::fill::take;
use super::lookup::{is_here, millis};
use super::rows::is_scope;
use super::{ReconcileError, Reconciled, Span, Subscribed};
use crate::EventStore;
use crate::events::{Origin, Taken};
use crate::intake::{Intake, Of};

/// Most e-mails, and most leads of one status, that are looked at.
const EMAILS_MAX: usize = 50_000;
const LEADS_MAX: usize = 10_000;
/// Most bytes of an event that is made.
const BYTES_MAX: usize = 1024 * 1024;
/// Most characters of a reply's text that go into one.
const TEXT_MAX: usize = 100_000;

const REPLIES: [&str; 2] = ["reply_received", "auto_reply_received"];

/// A lead's status as it is asked for, and the event of coming to it.
const STATUSES: [(&str, &[&str; 1]); 8] = [
    ("FILTER_LEAD_INTERESTED", &["lead_interested"]),
    ("FILTER_LEAD_NOT_INTERESTED", &["lead_not_interested"]),
    ("FILTER_LEAD_MEETING_BOOKED", &["lead_meeting_booked"]),
    ("FILTER_LEAD_MEETING_COMPLETED", &["lead_meeting_completed"]),
    ("FILTER_LEAD_CLOSED", &["lead_closed"]),
    ("FILTER_LEAD_OUT_OF_OFFICE", &["lead_out_of_office"]),
    ("FILTER_LEAD_WRONG_PERSON", &["lead_wrong_person"]),
    ("FILTER_LEAD_NO_SHOW", &["lead_no_show"]),
];

#[derive(Debug, Deserialize)]
struct Email {
    id: String,
    timestamp_email: Option<String>,
    timestamp_created: Option<String>,
    lead: Option<String>,
    campaign_id: Option<String>,
    is_auto_reply: Option<f64>,
    subject: Option<String>,
    eaccount: Option<String>,
    #[serde(default)]
    body: Option<Text>,
    content_preview: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Text {
    text: Option<String>,
    html: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Lead {
    email: Option<String>,
    campaign: Option<String>,
    timestamp_last_interest_change: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    company_name: Option<String>,
}

/// Where reconstructed events go.
struct Making<'a> {
    store: &'a Arc<EventStore>,
    source: &'a Subscribed,
    intake: Intake,
    found: Reconciled,
}

/// Makes events of what e-mails and leads tell of a span in which the subscription was off, where no such
/// event is here. What the key does not cover is left out: `whole` says so.
///
/// # Errors
/// As for [`fill`](super::fill()).
pub async fn rebuild(
    store: &Arc<EventStore>,
    client: &Client,
    source: &Subscribed,
    span: Span,
    now_ms: impl Fn() -> i64,
) -> Result<Reconciled, ReconcileError> {
    let mut making = Making {
        store,
        source,
        intake: Intake::new(store.keys(), BYTES_MAX),
        found: Reconciled {
            whole: true,
            ..Reconciled::default()
        },
    };
    for work in [
        making.replies(client, span, &now_ms).await,
        making.statuses(client, span, &now_ms).await,
    ] {
        match work {
            Ok(()) => {}
            Err(ReconcileError::Instantly(error)) if is_scope(&error) => making.found.whole = false,
            Err(error) => return Err(error),
        }
    }
    Ok(making.found)
}

impl Making<'_> {
    async fn replies(
        &mut self,
        client: &Client,
        span: Span,
        now_ms: &impl Fn() -> i64,
    ) -> Result<(), ReconcileError> {
        let campaign = self.source.campaign.clone();
        if !REPLIES
            .iter()
            .any(|reply| self.source.wants(reply, campaign.as_deref()))
        {
            return Ok(());
        }
        let time = |ms| Timestamp::from_millis(ms).to_string();
        let call = Call::new(Op::ListEmail)
            .query("email_type", "received")
            .query("min_timestamp_created", time(span.from_ms))
            .query("max_timestamp_created", time(span.to_ms))
            .query("sort_order", "asc")
            .maybe_query("campaign_id", campaign);
        let mut emails = client.items::<Email>(call);
        let mut looked_at = 0;
        while let Some(email) = emails.next().await {
            let email = email?;
            looked_at += 1;
            if looked_at > EMAILS_MAX {
                self.found.whole = false;
                break;
            }
            let at = millis(email.timestamp_email.as_deref());
            let at = at.or_else(|| millis(email.timestamp_created.as_deref()));
            let (Some(lead), Some(at)) = (email.lead.clone(), at) else {
                continue;
            };
            let event_type = match email.is_auto_reply.unwrap_or(0.0) != 0.0 {
                true => "auto_reply_received",
                false => "reply_received",
            };
            if !(span.from_ms..span.to_ms).contains(&at)
                || !self.source.wants(event_type, email.campaign_id.as_deref())
                || is_here(self.store, &self.source.workspace, &lead, &REPLIES, at).await?
            {
                continue;
            }
            let text = |text: Option<String>| {
                text.map(|text| text.chars().take(TEXT_MAX).collect::<String>())
            };
            let (plain, html) = email
                .body
                .map_or((None, None), |body| (body.text, body.html));
            let payload = json!({
                "email_id": email.id,
                "email_account": email.eaccount,
                "reply_subject": email.subject,
                "reply_text_snippet": email.content_preview,
                "reply_text": text(plain),
                "reply_html": text(html),
            });
            self.make(
                (event_type, at),
                (&lead, email.campaign_id),
                payload,
                now_ms(),
            )
            .await?;
        }
        Ok(())
    }

    async fn statuses(
        &mut self,
        client: &Client,
        span: Span,
        now_ms: &impl Fn() -> i64,
    ) -> Result<(), ReconcileError> {
        for (filter, types) in STATUSES {
            let [event_type] = *types;
            let campaign = self.source.campaign.clone();
            if !self.source.wants(event_type, campaign.as_deref()) {
                continue;
            }
            let mut asked = json!({ "filter": filter });
            if let (Some(campaign), Some(asked)) = (campaign, asked.as_object_mut()) {
                asked.insert("campaign".to_owned(), campaign.into());
            }
            let call = Call::new(Op::ListLeads).json(&asked)?;
            let mut leads = client.items::<Lead>(call);
            let mut looked_at = 0;
            while let Some(lead) = leads.next().await {
                let lead = lead?;
                looked_at += 1;
                if looked_at > LEADS_MAX {
                    self.found.whole = false;
                    break;
                }
                let at = millis(lead.timestamp_last_interest_change.as_deref());
                let (Some(email), Some(at)) = (lead.email.clone(), at) else {
                    continue;
                };
                if !(span.from_ms..span.to_ms).contains(&at)
                    || !self.source.wants(event_type, lead.campaign.as_deref())
                    || is_here(self.store, &self.source.workspace, &email, types, at).await?
                {
                    continue;
                }
                let payload = json!({
                    "firstName": lead.first_name,
                    "lastName": lead.last_name,
                    "companyName": lead.company_name,
                });
                self.make((event_type, at), (&email, lead.campaign), payload, now_ms())
                    .await?;
            }
        }
        Ok(())
    }

    async fn make(
        &mut self,
        (event_type, at): (&str, i64),
        (lead, campaign): (&str, Option<String>),
        known: Value,
        now_ms: i64,
    ) -> Result<(), ReconcileError> {
        let mut payload = Map::new();
        payload.insert("event_type".to_owned(), event_type.into());
        let time = Timestamp::from_millis(at).to_string();
        payload.insert("timestamp".to_owned(), time.into());
        let workspace = self.source.workspace.clone();
        payload.insert("workspace".to_owned(), workspace.into());
        payload.insert("campaign_id".to_owned(), campaign.into());
        payload.insert("lead_email".to_owned(), lead.into());
        payload.insert("email".to_owned(), lead.into());
        // Whoever reads it must be able to tell.
        payload.insert("reconstructed".to_owned(), true.into());
        if let Value::Object(known) = known {
            payload.extend(known.into_iter().filter(|(_, value)| !value.is_null()));
        }
        let of = Of {
            source: self.source.source,
            workspace: &self.source.workspace,
        };
        let body = Bytes::from(Value::Object(payload).to_string());
        let event = self.intake.event(of, body, now_ms, Origin::Reconstructed);
        if let Taken::Stored(_) = take(self.store, event).await? {
            self.found.reconstructed += 1;
        }
        Ok(())
    }
}
