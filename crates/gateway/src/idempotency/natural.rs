//! Creates with a natural key: what shows whether one was done.
//!
//! An object that is older than the call is not what the call made: then the call was not carried
//! out, and whether it may be repeated is the API's to say, as it would have been at first.

use bytes::Bytes;
use doorward_catalog::Op;
use doorward_policy::Timestamp;
use http::uri::PathAndQuery;
use serde_json::{Map, Value, json};

/// Objects asked for at once; the API gives no more.
const PAGE: usize = 100;
/// How much older than the call an object may seem that the call made: clocks count whole seconds.
const MARGIN_MS: i64 = 10_000;

/// What is to be looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A lead by its address, in a campaign or a list or neither.
    Lead {
        email: String,
        campaign: Option<String>,
        list: Option<String>,
    },
    /// An entry of the block list by its value.
    Blocked(String),
    /// A tag by its label.
    Tag(String),
}

/// What a page of objects shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Page {
    /// The object.
    Found(Bytes),
    /// It is not there, but for what is on the next page.
    Next(String),
    /// It is not there.
    Absent,
    /// This is no page of objects.
    Unclear,
}

impl Wanted {
    /// What a create with this body would have made, where that can be told.
    pub(crate) fn of(op: Op, body: &[u8]) -> Option<Self> {
        let body: Map<String, Value> = serde_json::from_slice(body).ok()?;
        let text = |name: &str| {
            let text = body.get(name)?.as_str()?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        match op {
            Op::CreateLead => Some(Self::Lead {
                email: text("email")?,
                campaign: text("campaign"),
                list: text("list_id"),
            }),
            Op::CreateBlockListEntry => text("bl_value").map(Self::Blocked),
            Op::CreateCustomTag => text("label").map(Self::Tag),
            _ => None,
        }
    }

    /// The read that lists what may be it.
    pub(crate) fn op(&self) -> Op {
        match self {
            Self::Lead { .. } => Op::ListLeads,
            Self::Blocked(_) => Op::ListBlockListEntry,
            Self::Tag(_) => Op::ListCustomTag,
        }
    }

    /// Target and body of that read, from a page on.
    pub(crate) fn request(&self, after: Option<&str>) -> Option<(PathAndQuery, Option<Bytes>)> {
        let path = self.op().path_with(None)?;
        let search = match self {
            Self::Lead {
                email,
                campaign,
                list,
            } => {
                let mut body = json!({ "contacts": [email], "limit": PAGE });
                let members = [
                    ("campaign", campaign.as_deref()),
                    ("list_id", list.as_deref()),
                    ("starting_after", after),
                ];
                for (name, value) in members {
                    if let (Some(value), Some(body)) = (value, body.as_object_mut()) {
                        body.insert(name.to_owned(), value.into());
                    }
                }
                return Some((path.parse().ok()?, Some(body.to_string().into())));
            }
            Self::Blocked(value) | Self::Tag(value) => value,
        };
        let mut target = format!("{path}?limit={PAGE}&search={}", encoded(search));
        if let Some(after) = after {
            target.push_str("&starting_after=");
            target.push_str(&encoded(after));
        }
        Some((target.parse().ok()?, None))
    }

    /// What a page shows. `api_now` is the API's clock as it answered; `sent` and `now` are ours.
    pub(crate) fn on_page(
        &self,
        page: &[u8],
        sent: Timestamp,
        now: Timestamp,
        api_now: Option<Timestamp>,
    ) -> Page {
        let Ok(Value::Object(mut page)) = serde_json::from_slice(page) else {
            return Page::Unclear;
        };
        let Some(Value::Array(items)) = page.remove("items") else {
            return Page::Unclear;
        };
        let made_by_the_call = |item: &Value| {
            let made = item.get("timestamp_created").and_then(Value::as_str);
            let Some(made) = made.and_then(|text| text.parse::<Timestamp>().ok()) else {
                return true;
            };
            let age = api_now.unwrap_or(now).millis_since(made);
            age <= now.millis_since(sent).saturating_add(MARGIN_MS)
        };
        let found = items
            .iter()
            .find(|item| self.is(item) && made_by_the_call(item));
        if let Some(item) = found {
            return Page::Found(item.to_string().into());
        }
        match page.get("next_starting_after").and_then(Value::as_str) {
            Some(next) if !items.is_empty() && !next.is_empty() => Page::Next(next.to_owned()),
            _ => Page::Absent,
        }
    }

    fn is(&self, item: &Value) -> bool {
        let text = |name: &str| item.get(name).and_then(Value::as_str).map(str::trim);
        let same = |name, wanted: &str| {
            text(name).is_some_and(|text| text.to_lowercase() == wanted.to_lowercase())
        };
        // Which list a lead is in is not told everywhere; the read asked for that list alone.
        let in_place = |name, wanted: Option<&str>| match wanted {
            Some(_) => text(name).is_none() || text(name) == wanted,
            None => text(name).is_none_or(str::is_empty),
        };
        match self {
            Self::Lead {
                email,
                campaign,
                list,
            } => {
                same("email", email)
                    && in_place("campaign", campaign.as_deref())
                    && in_place("list_id", list.as_deref())
            }
            Self::Blocked(value) => same("bl_value", value),
            Self::Tag(label) => text("label") == Some(label.as_str()),
        }
    }
}

/// Percent-encoded but for what RFC 3986 calls unreserved.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SENT: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const NOW: Timestamp = SENT.plus_millis(30_000);

    fn lead(campaign: Option<&str>) -> Wanted {
        Wanted::Lead {
            email: "Ann@example.com".to_owned(),
            campaign: campaign.map(str::to_owned),
            list: None,
        }
    }

    fn page(wanted: &Wanted, items: &Value, next: Option<&str>) -> Page {
        let page = json!({ "items": items, "next_starting_after": next });
        wanted.on_page(page.to_string().as_bytes(), SENT, NOW, None)
    }

    #[test]
    fn what_a_create_makes_is_told_by_its_natural_key() {
        let of = |op, body: &str| Wanted::of(op, body.as_bytes());
        assert_eq!(
            of(
                Op::CreateLead,
                r#"{"email":" Ann@example.com ","campaign":"c1"}"#
            ),
            Some(lead(Some("c1")))
        );
        assert_eq!(of(Op::CreateLead, r#"{"campaign":"c1"}"#), None);
        assert_eq!(
            of(Op::CreateCustomTag, r#"{"label":" hot "}"#),
            Some(Wanted::Tag("hot".to_owned()))
        );
        for (op, body) in [
            (Op::CreateCampaign, r#"{"name":"x"}"#),
            (Op::CreateBlockListEntry, r#"{"bl_value":7}"#),
            (Op::CreateBlockListEntry, "[]"),
            (Op::PatchLead, r#"{"email":"a@b.org"}"#),
        ] {
            assert_eq!(of(op, body), None, "{op}");
        }
    }

    #[test]
    fn the_read_is_canonical() {
        let (target, body) = Wanted::Blocked("a&b=ü.com".to_owned())
            .request(Some("x y"))
            .unwrap();
        assert_eq!(
            target,
            "/api/v2/block-lists-entries?limit=100&search=a%26b%3D%C3%BC.com&starting_after=x%20y"
        );
        assert_eq!(body, None);
        let (target, body) = lead(Some("c1")).request(None).unwrap();
        assert_eq!(target, "/api/v2/leads/list");
        assert_eq!(
            body.unwrap(),
            r#"{"contacts":["Ann@example.com"],"limit":100,"campaign":"c1"}"#
        );
    }

    #[test]
    fn only_the_very_object_counts_and_only_if_the_call_made_it() {
        let item = |email: &str, campaign: Option<&str>, made: Timestamp| json!([{ "email": email, "campaign": campaign, "timestamp_created": made.to_string() }]);
        let wanted = lead(Some("c1"));
        let found = |items: &Value| matches!(page(&wanted, items, None), Page::Found(_));
        assert!(found(&item("ann@EXAMPLE.com", Some("c1"), SENT)));
        assert!(!found(&item("ann@example.com", Some("c2"), SENT)));
        assert!(!found(&item("xann@example.com", Some("c1"), SENT)));
        let earlier = SENT.plus_millis(-MARGIN_MS - 1);
        assert!(
            !found(&item("ann@example.com", Some("c1"), earlier)),
            "it was there before"
        );
        assert!(matches!(
            page(
                &lead(None),
                &item("ann@example.com", Some("c1"), SENT),
                None
            ),
            Page::Absent
        ));

        // The API's clock is an hour behind ours: so are its times.
        let hour = 3_600_000;
        let items = item("ann@example.com", Some("c1"), SENT.plus_millis(-hour));
        let text = json!({ "items": items }).to_string();
        let api_now = Some(NOW.plus_millis(-hour));
        let shown = wanted.on_page(text.as_bytes(), SENT, NOW, api_now);
        assert!(matches!(shown, Page::Found(_)));
    }

    #[test]
    fn pages_go_on_until_they_are_empty() {
        let tag = Wanted::Tag("hot".to_owned());
        let other = json!([{ "label": "hotter" }]);
        assert_eq!(page(&tag, &other, Some("n")), Page::Next("n".to_owned()));
        assert_eq!(page(&tag, &other, None), Page::Absent);
        assert_eq!(page(&tag, &json!([]), Some("n")), Page::Absent);
        assert_eq!(tag.on_page(b"<html>", SENT, NOW, None), Page::Unclear);
        assert_eq!(tag.on_page(b"{}", SENT, NOW, None), Page::Unclear);
    }

    proptest! {
        #[test]
        fn any_value_makes_a_target(value in "\\PC{1,60}", after in "\\PC{1,20}") {
            let wanted = Wanted::Blocked(value);
            prop_assert!(wanted.request(Some(&after)).is_some());
        }
    }
}
