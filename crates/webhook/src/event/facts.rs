//! What a payload says of itself, as far as anything is made of it.

use doorward_policy::Timestamp;

use crate::json::{Canonical, Node, Object};

/// Most bytes of an event type. A label is one too.
pub(super) const TYPE_MAX: usize = 256;
/// Most bytes of an address: RFC 5321 has 254.
const LEAD_MAX: usize = 320;
const ID_MAX: usize = 64;
const NAME_MAX: usize = 512;
/// Numbers from this on count milliseconds, below seconds: 1973 as one, 5138 as the other.
const MILLIS_FROM: i64 = 100_000_000_000;

/// How a payload is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Everything beside each other, as Instantly sends it.
    Flat,
    /// `event_type`, and the rest in `data`.
    Enveloped,
}

/// What is known of an event. What is missing or of another kind is `None`: the schema is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// How the payload is laid out.
    pub form: Form,
    /// Its type as it was sent; for a custom label, the label's text.
    pub event_type: String,
    /// Id of the workspace, in small letters.
    pub workspace: Option<String>,
    /// Id of the campaign, in small letters.
    pub campaign: Option<String>,
    /// Name of the campaign.
    pub campaign_name: Option<String>,
    /// E-mail address of the lead, in small letters.
    pub lead: Option<String>,
    /// The event's own time.
    pub at: Option<Timestamp>,
}

/// Why a payload is not one that belongs here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misfit {
    /// It is JSON, but no object.
    #[error("it is no object")]
    NotAnObject,
    /// There is no `event_type`, or it is no text.
    #[error("it has no event_type")]
    NoType,
    /// Its `event_type` is longer than 256 bytes.
    #[error("its event_type is too long")]
    LongType,
    /// It does not say which workspace it is of.
    #[error("it does not say of which workspace it is")]
    NoWorkspace,
    /// It is of another workspace than its source.
    #[error("it is of another workspace than its source")]
    OtherWorkspace,
}

impl Misfit {
    /// A name for counters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAnObject => "not_an_object",
            Self::NoType => "no_type",
            Self::LongType => "long_type",
            Self::NoWorkspace => "no_workspace",
            Self::OtherWorkspace => "other_workspace",
        }
    }
}

/// What of an object is looked at.
#[derive(Default)]
struct Known<'a> {
    event_type: Option<Node<'a>>,
    workspace: Option<Node<'a>>,
    workspace_id: Option<Node<'a>>,
    campaign_id: Option<Node<'a>>,
    campaign: Option<Node<'a>>,
    campaign_name: Option<Node<'a>>,
    lead_email: Option<Node<'a>>,
    email: Option<Node<'a>>,
    timestamp: Option<Node<'a>>,
    data: Option<Object<'a>>,
}

impl<'a> Known<'a> {
    fn of(object: Object<'a>) -> Self {
        let mut known = Self::default();
        for (name, value) in object {
            match name {
                b"event_type" => known.event_type = Some(value),
                b"workspace" => known.workspace = Some(value),
                b"workspace_id" => known.workspace_id = Some(value),
                b"campaign_id" => known.campaign_id = Some(value),
                b"campaign" => known.campaign = Some(value),
                b"campaign_name" => known.campaign_name = Some(value),
                b"lead_email" => known.lead_email = Some(value),
                b"email" => known.email = Some(value),
                b"timestamp" => known.timestamp = Some(value),
                b"data" => known.data = value.object(),
                _ => {}
            }
        }
        known
    }
}

/// A text of so many bytes at the most; none when it is empty, longer or of another kind.
fn text(node: Option<Node<'_>>, most: usize) -> Option<String> {
    let node = node?;
    // An escape has six bytes for one at the most.
    if node.bytes().len() > 6 * most + 2 {
        return None;
    }
    let text = node.text()?;
    (!text.is_empty() && text.len() <= most).then_some(text)
}

fn id(node: Option<Node<'_>>) -> Option<String> {
    Some(text(node, ID_MAX)?.trim().to_ascii_lowercase()).filter(|id| !id.is_empty())
}

fn address(node: Option<Node<'_>>) -> Option<String> {
    let address = text(node, LEAD_MAX)?.trim().to_lowercase();
    (address.contains('@') && address.len() <= LEAD_MAX).then_some(address)
}

fn time(node: Option<Node<'_>>) -> Option<Timestamp> {
    let node = node?;
    if let Some(text) = text(Some(node), 40) {
        return text.parse().ok();
    }
    let number: i64 = node.number()?.parse().ok()?;
    Some(if number.unsigned_abs() >= MILLIS_FROM.unsigned_abs() {
        Timestamp::from_millis(number)
    } else {
        Timestamp::from_seconds(number)
    })
}

/// Reads the facts of a payload: of its own members, and what is not there of those of `data`.
///
/// # Errors
/// When it is no object, or has no type.
pub fn facts(payload: Canonical<'_>) -> Result<Facts, Misfit> {
    let top = Known::of(payload.object().ok_or(Misfit::NotAnObject)?);
    // A lead may have a variable that is called `data`: beside a lead's own it is no envelope.
    let alone = top.lead_email.or(top.email).or(top.campaign_id).is_none();
    let (form, inner) = match top.data {
        Some(data) if alone => (Form::Enveloped, Known::of(data)),
        _ => (Form::Flat, Known::default()),
    };
    let said = top.event_type.or(inner.event_type).ok_or(Misfit::NoType)?;
    let event_type = match text(Some(said), TYPE_MAX) {
        Some(event_type) => event_type,
        None if said.bytes().len() > 2 && said.bytes().starts_with(b"\"") => {
            return Err(Misfit::LongType);
        }
        None => return Err(Misfit::NoType),
    };
    let workspace = [
        top.workspace,
        top.workspace_id,
        inner.workspace,
        inner.workspace_id,
    ];
    let campaign = [
        top.campaign_id,
        top.campaign,
        inner.campaign_id,
        inner.campaign,
    ];
    let lead = [top.lead_email, top.email, inner.lead_email, inner.email];
    let name = top.campaign_name.or(inner.campaign_name);
    Ok(Facts {
        form,
        event_type,
        workspace: workspace.into_iter().find_map(id),
        campaign: campaign.into_iter().find_map(id),
        campaign_name: text(name, NAME_MAX),
        lead: lead.into_iter().find_map(address),
        at: time(top.timestamp.or(inner.timestamp)),
    })
}

impl Facts {
    /// Whether this is an event of the workspace that its source belongs to. The flat payload
    /// always says whose it is; the other form need not.
    ///
    /// # Errors
    /// When it is of another, or does not say.
    pub fn belongs_to(&self, workspace: &str) -> Result<(), Misfit> {
        match &self.workspace {
            Some(said) if said.eq_ignore_ascii_case(workspace) => Ok(()),
            Some(_) => Err(Misfit::OtherWorkspace),
            None if self.form == Form::Enveloped => Ok(()),
            None => Err(Misfit::NoWorkspace),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{Canonicaliser, Limits};

    fn told(payload: &str) -> Result<Facts, Misfit> {
        let mut canonicaliser = Canonicaliser::default();
        facts(
            canonicaliser
                .run(payload.as_bytes(), &Limits::default())
                .unwrap(),
        )
    }

    const WORKSPACE: &str = "0195F3A2-1B2C-7D3E-8F40-5A6B00000001";

    #[test]
    fn the_flat_form() {
        let payload = format!(
            r#"{{"timestamp":"2026-08-13T11:11:58.208Z","event_type":"reply_received",
            "workspace":"{WORKSPACE}","campaign_id":"C1","campaign_name":"Spring","lead_email":
            "Ann@Example.com","email":"other@example.com","data":{{"event_type":"forged"}}}}"#
        );
        let facts = told(&payload).unwrap();
        assert_eq!(
            facts,
            Facts {
                form: Form::Flat,
                event_type: "reply_received".to_owned(),
                workspace: Some(WORKSPACE.to_lowercase()),
                campaign: Some("c1".to_owned()),
                campaign_name: Some("Spring".to_owned()),
                lead: Some("ann@example.com".to_owned()),
                at: Some(Timestamp::from_millis(1_786_619_518_208)),
            }
        );
        assert_eq!(facts.belongs_to(&WORKSPACE.to_lowercase()), Ok(()));
        assert_eq!(facts.belongs_to("other"), Err(Misfit::OtherWorkspace));
    }

    #[test]
    fn the_form_of_the_document() {
        let facts = told(
            r#"{"event_type":"email_opened","data":{"email":"a@b.c","timestamp":1786619518}}"#,
        );
        let facts = facts.unwrap();
        assert_eq!(facts.form, Form::Enveloped);
        assert_eq!(facts.lead.as_deref(), Some("a@b.c"));
        assert_eq!(facts.at, Some(Timestamp::from_seconds(1_786_619_518)));
        assert_eq!(facts.belongs_to("any"), Ok(()));
        assert_eq!(
            told(r#"{"event_type":"x"}"#).unwrap().belongs_to("any"),
            Err(Misfit::NoWorkspace)
        );
    }

    #[test]
    fn a_label_is_a_type_whatever_it_says() {
        let facts = told(r#"{"event_type":"Très chaud \ud83d\ude00 \ud83d!"}"#).unwrap();
        assert_eq!(facts.event_type, "Très chaud 😀 \u{fffd}!");
    }

    #[test]
    fn what_is_of_another_kind_is_not_there() {
        let facts = told(
            r#"{"event_type":"x","workspace":7,"campaign_id":null,"email":"nobody",
            "timestamp":"yesterday","campaign_name":["a"]}"#,
        );
        let facts = facts.unwrap();
        let none = (
            facts.workspace,
            facts.campaign,
            facts.lead,
            facts.at,
            facts.campaign_name,
        );
        assert_eq!(none, (None, None, None, None, None));
    }

    #[test]
    fn what_does_not_fit_says_why() {
        let long = format!(r#"{{"event_type":"{}"}}"#, "x".repeat(TYPE_MAX + 1));
        for (payload, misfit) in [
            ("[]", Misfit::NotAnObject),
            ("7", Misfit::NotAnObject),
            ("{}", Misfit::NoType),
            (r#"{"event_type":null}"#, Misfit::NoType),
            (r#"{"event_type":""}"#, Misfit::NoType),
            (r#"{"event_type":{"a":1}}"#, Misfit::NoType),
            (long.as_str(), Misfit::LongType),
        ] {
            assert_eq!(told(payload), Err(misfit), "{payload}");
        }
    }
}
