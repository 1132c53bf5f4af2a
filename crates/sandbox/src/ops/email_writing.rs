//! Email that is written: sendTestEmail, replyToEmail, forwardEmail; and keeping any email.

use doorward_catalog::Op;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::call::Call;
use crate::cx::Cx;
use crate::ops::accounts::{self, status};
use crate::ops::astray;
use crate::ops::emails::{KIND, kind};
use crate::ops::view::{clip, number, set, shown, text};
use crate::reply::{Answer, Refusal, Reply};

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::SendTestEmail => test(cx, call),
        Op::ReplyToEmail => reply(cx, call),
        Op::ForwardEmail => forward(cx, call),
        other => Err(astray(other)),
    }
}

/// A bad account is told with 200 and an error in the body.
fn test(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let sender = accounts::key(call.field_text("eaccount").unwrap_or_default());
    let error = match cx
        .ws()
        .accounts
        .get(&sender)
        .map(|account| number(account, "status"))
    {
        None => Some("ACC_NOT_FOUND"),
        Some(status::CONNECTION_ERROR) => Some("ACC_AUTH_ERROR"),
        Some(..0) => Some("ACC_UNKNOWN_ERROR"),
        Some(_) => None,
    };
    Reply::ok(match error {
        Some(error) => json!({ "error": error }),
        None => json!({ "status": "success" }),
    })
}

/// What makes up an email; the rest of the entity follows from it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Draft {
    /// `ue_type`
    pub(crate) kind: i64,
    pub(crate) from: String,
    /// Parted by commas, as in the other lists.
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: Option<String>,
    pub(crate) html: Option<String>,
    /// The account of the workspace that sent or received it.
    pub(crate) account: String,
    /// The lead it is about.
    pub(crate) lead: Option<String>,
    pub(crate) lead_id: Option<String>,
    pub(crate) campaign: Option<String>,
    pub(crate) subsequence: Option<String>,
    pub(crate) list: Option<String>,
    /// A new thread when none.
    pub(crate) thread: Option<String>,
    pub(crate) step: Option<String>,
    pub(crate) interest: Option<i64>,
    pub(crate) auto_reply: bool,
}

/// The `Email` entity of a draft, as of now; it is put into the unibox.
pub(crate) fn keep(cx: &mut Cx<'_>, draft: Draft) -> Value {
    let id = cx.uuid();
    let thread = match draft.thread {
        Some(thread) => thread,
        None => cx.uuid(),
    };
    let now = cx.now_text();
    let words = draft
        .text
        .clone()
        .unwrap_or_else(|| without_tags(draft.html.as_deref().unwrap_or_default()));
    let mut body = Map::new();
    for (name, value) in [("text", &draft.text), ("html", &draft.html)] {
        if let Some(value) = value {
            body.insert(name.to_owned(), json!(value));
        }
    }
    let sender = Some(draft.from.as_str()).filter(|from| crate::ops::view::is_address(from));
    let email = json!({
        "id": id,
        "timestamp_created": now,
        "timestamp_email": now,
        "message_id": format!("<{id}@mail.example.com>"),
        "subject": draft.subject,
        "from_address_email": sender,
        "to_address_email_list": draft.to,
        "cc_address_email_list": null,
        "bcc_address_email_list": null,
        "reply_to": null,
        "body": body,
        "organization_id": cx.workspace,
        "campaign_id": draft.campaign,
        "subsequence_id": draft.subsequence,
        "list_id": draft.list,
        "lead": draft.lead,
        "lead_id": draft.lead_id,
        "eaccount": draft.account,
        "ue_type": draft.kind,
        "step": draft.step,
        "is_unread": i64::from(draft.kind == kind::RECEIVED),
        "is_auto_reply": i64::from(draft.auto_reply),
        "reminder_ts": null,
        "ai_interest_value": null,
        "ai_assisted": 0,
        "is_focused": i64::from(!draft.auto_reply),
        "i_status": draft.interest,
        "thread_id": thread,
        "content_preview": clip(words.trim(), 140),
        "attachment_json": null,
        "from_address_json": addresses(&draft.from),
        "to_address_json": addresses(&draft.to),
        "cc_address_json": [],
        "ai_agent_id": null,
    });
    cx.ws().emails.put(&id, email.clone());
    email
}

/// The details of a list of addresses parted by commas.
fn addresses(list: &str) -> Value {
    list.split(',')
        .map(str::trim)
        .filter(|address| !address.is_empty())
        .map(|address| json!({ "address": address, "name": "" }))
        .collect()
}

/// The words of an HTML text, for a preview: tags are left out, breaks become spaces.
fn without_tags(html: &str) -> String {
    let mut words = String::with_capacity(html.len());
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => {
                inside = true;
                words.push(' ');
            }
            '>' if inside => inside = false,
            c if !inside => words.push(c),
            _ => {}
        }
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The account that is to send and the email that is written about; 404 when either is missing or
/// the account cannot send.
fn sender_and_original(cx: &mut Cx<'_>, call: &Call) -> Result<(String, Value), Refusal> {
    let sender = accounts::key(call.field_text("eaccount").unwrap_or_default());
    let account = accounts::find(cx, &sender)?;
    if number(&account, "status") < 0 {
        return Err(Refusal::new(404, "No connected account with this address"));
    }
    let original = call.field_text("reply_to_uuid").unwrap_or_default();
    let original = cx.ws().emails.find(original, KIND)?.clone();
    Ok((sender, original))
}

/// A draft in the original's thread, about the same lead.
fn following(original: &Value, sender: String) -> Draft {
    let copied =
        |name: &str| Some(text(original, name).to_owned()).filter(|value| !value.is_empty());
    Draft {
        kind: kind::MANUAL,
        from: sender.clone(),
        account: sender,
        lead: copied("lead"),
        lead_id: copied("lead_id"),
        campaign: copied("campaign_id"),
        subsequence: copied("subsequence_id"),
        list: copied("list_id"),
        thread: copied("thread_id"),
        interest: original.get("i_status").and_then(Value::as_i64),
        ..Draft::default()
    }
}

fn part(call: &Call, name: &str) -> Option<String> {
    call.field("body")?.get(name)?.as_str().map(str::to_owned)
}

fn reply(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (sender, original) = sender_and_original(cx, call)?;
    let answered = match number(&original, "ue_type") {
        kind::RECEIVED => text(&original, "from_address_email"),
        _ => text(&original, "to_address_email_list"),
    };
    let mut to = vec![answered.to_owned()];
    to.extend(call.field_list("additional_recipients").unwrap_or_default());
    let draft = Draft {
        to: to.join(","),
        subject: call.field_text("subject").unwrap_or_default().to_owned(),
        text: part(call, "text"),
        html: part(call, "html"),
        ..following(&original, sender)
    };
    send(cx, call, draft)
}

fn forward(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let (sender, original) = sender_and_original(cx, call)?;
    let mut html = part(call, "html");
    let mut words = part(call, "text");
    if call.field_flag("include_original_body") == Some(true) {
        let head = format!(
            "---------- Forwarded message ---------\nFrom: {}\nDate: {}\nSubject: {}\nTo: {}\n",
            text(&original, "from_address_email"),
            text(&original, "timestamp_email"),
            text(&original, "subject"),
            text(&original, "to_address_email_list"),
        );
        let body = original.get("body").cloned().unwrap_or_default();
        let told = match body.get("text").and_then(Value::as_str) {
            Some(told) => told.to_owned(),
            None => without_tags(text(&body, "html")),
        };
        if html.is_some() || words.is_none() {
            let head = head.replace('<', "&lt;").replace('\n', "<br/>");
            let note = html
                .take()
                .map(|note| note + "<br/><br/>")
                .unwrap_or_default();
            let told = match body.get("html").and_then(Value::as_str) {
                Some(told) => told.to_owned(),
                None => told.replace('<', "&lt;").replace('\n', "<br/>"),
            };
            html = Some(format!("{note}{head}<br/>{told}"));
        } else {
            let note = words.take().map(|note| note + "\n\n").unwrap_or_default();
            words = Some(format!("{note}{head}\n{told}"));
        }
    }
    let draft = Draft {
        to: call
            .field_text("to_address_email_list")
            .unwrap_or_default()
            .to_owned(),
        subject: call.field_text("subject").unwrap_or_default().to_owned(),
        text: words,
        html,
        ..following(&original, sender)
    };
    send(cx, call, draft)
}

/// Keeps the email, with the fields that the call sets on it, and tells webhooks.
fn send(cx: &mut Cx<'_>, call: &Call, draft: Draft) -> Answer {
    let id = text(&keep(cx, draft), "id").to_owned();
    let Some(email) = cx.ws().emails.get_mut(&id) else {
        return Err(Refusal::not_found(KIND));
    };
    for name in [
        "cc_address_email_list",
        "bcc_address_email_list",
        "reply_to",
        "reminder_ts",
    ] {
        if let Some(value) = call.field(name) {
            set(email, name, value.clone());
        }
    }
    set(
        email,
        "cc_address_json",
        addresses(call.field_text("cc_address_email_list").unwrap_or_default()),
    );
    let email = email.clone();
    if let Some(user) = call
        .field_text("assigned_to")
        .and_then(|id| Uuid::parse_str(id).ok())
    {
        let leads = &mut cx.ws().leads;
        let ids: Vec<Uuid> = leads
            .with_email(text(&email, "lead"))
            .map(|lead| lead.id)
            .collect();
        for lead in ids {
            if let Some(lead) = leads.get_mut(lead) {
                lead.assigned_to = Some(user);
            }
        }
    }
    tell(cx, &email);
    Reply::ok(shown(&email))
}

/// Tells webhooks that an email went out.
fn tell(cx: &mut Cx<'_>, email: &Value) {
    let mut fields = Map::new();
    for (name, value) in [
        ("email_account", text(email, "eaccount")),
        ("email_subject", text(email, "subject")),
        ("email_id", text(email, "id")),
    ] {
        fields.insert(name.to_owned(), json!(value));
    }
    for (part, name) in [("text", "email_text"), ("html", "email_html")] {
        if let Some(value) = email.get("body").and_then(|body| body.get(part)) {
            fields.insert(name.to_owned(), value.clone());
        }
    }
    let some = |name: &str| Some(text(email, name).to_owned()).filter(|value| !value.is_empty());
    cx.emit(
        "email_sent",
        some("campaign_id").as_deref(),
        some("lead").as_deref(),
        fields,
    );
}
