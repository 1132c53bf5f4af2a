//! The emails that pass between a campaign and a lead, as the unibox keeps them.

use serde_json::{Map, Value};

use super::row::Lead;
use crate::cx::Cx;
use crate::ops::email_writing::{self, Draft};
use crate::ops::emails::kind;
use crate::ops::view;

/// The most a rendered text may grow to, in bytes: a template can name a long variable many times.
const MOST: usize = 64 * 1024;

/// Which email it is: the campaign's (and the subsequence's) step and variant, from 0.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) campaign: String,
    pub(crate) subsequence: Option<String>,
    pub(crate) step: u32,
    pub(crate) variant: u32,
    pub(crate) account: String,
}

/// The template of a step's variant in a campaign or a subsequence: subject and HTML body.
fn template(owner: &Value, step: u32, variant: u32) -> Option<(String, String)> {
    let variant = owner
        .pointer("/sequences/0/steps")?
        .get(usize::try_from(step).ok()?)?
        .get("variants")?
        .get(usize::try_from(variant).ok()?)?;
    let text = |name: &str| view::text(variant, name).to_owned();
    Some((text("subject"), text("body")))
}

/// Puts a lead's variables in place of `{{name}}`; an unknown name leaves nothing.
pub(super) fn render(template: &str, variables: &Map<String, Value>) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            // Nothing closes any more.
            rest = rest.get(before.len()..).unwrap_or_default();
            break;
        };
        match variables.get(name.trim()) {
            Some(Value::String(text)) => out.push_str(text),
            Some(Value::Null) | None => {}
            Some(other) => out.push_str(&other.to_string()),
        }
        rest = after;
        if out.len() > MOST {
            break;
        }
    }
    out.push_str(rest);
    view::clip(&out, MOST)
}

/// The email of a step to a lead: kept as sent, and the payload's fields about it.
pub(super) fn sent(cx: &mut Cx<'_>, lead: &Lead, place: &Place) -> Map<String, Value> {
    let ws = cx.ws();
    let owner = match &place.subsequence {
        Some(id) => ws.subsequences.get(id),
        None => ws.campaigns.get(&place.campaign),
    };
    let (subject, body) = owner
        .and_then(|owner| template(owner, place.step, place.variant))
        .unwrap_or_default();
    let variables = lead.payload();
    let (subject, body) = (render(&subject, &variables), render(&body, &variables));
    let draft = Draft {
        kind: kind::CAMPAIGN,
        from: place.account.clone(),
        to: address(lead),
        subject: subject.clone(),
        html: Some(body.clone()),
        step: Some(place.step.to_string()),
        ..about(lead, place)
    };
    let email = email_writing::keep(cx, draft);
    let text = view::text(&email, "content_preview").to_owned();
    fields([
        ("email_id", view::text(&email, "id").to_owned()),
        ("email_subject", subject),
        ("email_text", text),
        ("email_html", body),
    ])
}

/// A reply of a lead: kept as received, and the payload's fields about it.
pub(super) fn received(
    cx: &mut Cx<'_>,
    lead: &Lead,
    place: &Place,
    asked: &Map<String, Value>,
    automatic: bool,
) -> Map<String, Value> {
    let text = |name: &str| asked.get(name).and_then(Value::as_str).map(str::to_owned);
    let ws = cx.ws();
    let owner = match &place.subsequence {
        Some(id) => ws.subsequences.get(id),
        None => ws.campaigns.get(&place.campaign),
    };
    let subject = text("reply_subject").unwrap_or_else(|| {
        let (subject, _) = owner
            .and_then(|owner| template(owner, place.step, place.variant))
            .unwrap_or_default();
        format!("Re: {}", render(&subject, &lead.payload()))
    });
    let words = text("reply_text").unwrap_or_else(|| {
        if automatic {
            "I am out of the office and will answer when I am back.".to_owned()
        } else {
            "Thanks for writing. Tell me more.".to_owned()
        }
    });
    let html = text("reply_html").unwrap_or_else(|| {
        let escaped = words.replace('&', "&amp;").replace('<', "&lt;");
        format!("<div>{}</div>", escaped.replace('\n', "<br/>"))
    });
    let draft = Draft {
        kind: kind::RECEIVED,
        from: address(lead),
        to: place.account.clone(),
        subject: subject.clone(),
        text: Some(words.clone()),
        html: Some(html.clone()),
        step: Some(place.step.to_string()),
        auto_reply: automatic,
        ..about(lead, place)
    };
    let email = email_writing::keep(cx, draft);
    fields([
        ("email_id", view::text(&email, "id").to_owned()),
        ("reply_text_snippet", view::clip(words.trim(), 140)),
        ("reply_subject", subject),
        ("reply_text", words),
        ("reply_html", html),
        (
            "unibox_url",
            format!(
                "https://app.instantly.ai/app/unibox?thread_search={}",
                address(lead)
            ),
        ),
    ])
}

fn address(lead: &Lead) -> String {
    lead.email.as_deref().unwrap_or_default().to_owned()
}

/// What every email to or from a lead has: a thread of the lead and the account, and what it is
/// about.
fn about(lead: &Lead, place: &Place) -> Draft {
    Draft {
        account: place.account.clone(),
        lead: lead.email.as_deref().map(str::to_owned),
        lead_id: Some(lead.id.to_string()),
        campaign: Some(place.campaign.clone()),
        subsequence: place.subsequence.clone(),
        list: lead.list.map(|id| id.to_string()),
        thread: Some(view::uuid_of(&format!(
            "thread/{}/{}",
            lead.id, place.account
        ))),
        interest: lead.interest.map(i64::from),
        ..Draft::default()
    }
}

fn fields<const N: usize>(fields: [(&str, String); N]) -> Map<String, Value> {
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::String(value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn renders_what_it_knows_and_leaves_no_braces_of_what_it_does_not() {
        let variables = json!({"firstName": "Ada", "seats": 3, "none": null});
        let variables = variables.as_object().unwrap();
        for (template, rendered) in [
            ("Hi {{firstName}}, {{ seats }} seats", "Hi Ada, 3 seats"),
            ("{{nobody}}{{none}}!", "!"),
            ("open {{firstName", "open {{firstName"),
            ("", ""),
        ] {
            assert_eq!(render(template, variables), rendered);
        }
    }

    #[test]
    fn a_hostile_template_stays_bounded() {
        let variables = json!({"x": "y".repeat(10_000)});
        let variables = variables.as_object().unwrap();
        for template in ["{{x}}".repeat(10_000), "{{".repeat(1_000_000)] {
            assert!(render(&template, variables).len() <= MOST);
        }
    }
}
