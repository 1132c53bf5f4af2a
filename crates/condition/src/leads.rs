//! How many leads a call writes.

use std::fmt;

use doorward_catalog::Op;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};

/// As many leads as there are: the call picks them by a filter, or its body does not say.
pub const LEADS_UNBOUNDED: u32 = u32::MAX;

/// Most leads that one call of `bulkDeleteLeads` removes.
const BULK_DELETE_MAX: u32 = 10_000;

/// How many leads a call adds, changes, moves or removes at most.
///
/// `body` is the request's body as it is sent, empty if there is none. For a list of leads or of
/// their ids that is its length, for a filter with a limit the limit, and without one
/// [`LEADS_UNBOUNDED`], as for a body that can't be read. 0 for operations that write no leads.
pub fn leads_written(op: Op, body: &[u8]) -> u32 {
    let picked = |read: fn(&Named) -> Option<u32>| {
        let named = serde_json::from_slice::<Named>(body).ok();
        named.as_ref().and_then(read).unwrap_or(LEADS_UNBOUNDED)
    };
    match op {
        Op::CreateLead
        | Op::PatchLead
        | Op::DeleteLead
        | Op::UpdateLeadInterestStatus
        | Op::RemoveLeadFromSubsequence
        | Op::MoveLeadToSubsequence => 1,
        Op::MergeLeads => 2,
        Op::BulkAddLeads => picked(|named| match named.leads {
            Part::List(length) => Some(length),
            _ => None,
        }),
        Op::BulkDeleteLeads => picked(Named::by_ids_or_limit).min(BULK_DELETE_MAX),
        Op::MoveLeads | Op::BulkAssignLeads => picked(Named::by_ids_or_limit),
        // All that are in the list.
        Op::DeleteLeadList => LEADS_UNBOUNDED,
        Op::EnrichLeadsFromSupersearch => picked(Named::by_limit),
        _ => 0,
    }
}

/// The members of a body that say how many.
struct Named {
    leads: Part,
    ids: Part,
    limit: Part,
}

impl Named {
    /// A list without ids narrows nothing: it is taken for a list left out.
    fn by_ids_or_limit(&self) -> Option<u32> {
        match self.ids {
            Part::List(length) if length > 0 => Some(length),
            Part::List(_) | Part::Absent => self.by_limit(),
            Part::Count(_) | Part::Other => None,
        }
    }

    /// A limit of 0 is taken for none.
    fn by_limit(&self) -> Option<u32> {
        match self.limit {
            Part::Count(limit) if limit > 0 => Some(limit),
            _ => None,
        }
    }
}

/// What is there.
enum Part {
    Absent,
    /// A list of so many.
    List(u32),
    /// A number, rounded up.
    Count(u32),
    Other,
}

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Body;

        impl<'de> Visitor<'de> for Body {
            type Value = Named;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Named, A::Error> {
                let mut named = Named {
                    leads: Part::Absent,
                    ids: Part::Absent,
                    limit: Part::Absent,
                };
                while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
                    let part = match &*name {
                        "leads" => &mut named.leads,
                        "ids" => &mut named.ids,
                        "limit" => &mut named.limit,
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                            continue;
                        }
                    };
                    // Which of two counts is not to be known.
                    if !matches!(part, Part::Absent) {
                        return Err(de::Error::custom("a name twice"));
                    }
                    *part = map.next_value()?;
                }
                Ok(named)
            }
        }

        deserializer.deserialize_map(Body)
    }
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Part;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_unit<E>(self) -> Result<Part, E> {
                Ok(Part::Absent)
            }

            fn visit_bool<E>(self, _: bool) -> Result<Part, E> {
                Ok(Part::Other)
            }

            fn visit_str<E>(self, _: &str) -> Result<Part, E> {
                Ok(Part::Other)
            }

            fn visit_u64<E>(self, number: u64) -> Result<Part, E> {
                Ok(Part::Count(
                    u32::try_from(number).unwrap_or(LEADS_UNBOUNDED),
                ))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Part, E> {
                let count = u32::try_from(number).map(Part::Count);
                Ok(count.unwrap_or(Part::Other))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Part, E> {
                // Few enough to be exact; anything else is no count.
                let limit = (0..=BULK_DELETE_MAX).find(|count| f64::from(*count) >= number);
                Ok(limit
                    .filter(|_| number >= 0.0)
                    .map_or(Part::Other, Part::Count))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Part, A::Error> {
                let mut length = 0_u32;
                while seq.next_element::<IgnoredAny>()?.is_some() {
                    length = length.saturating_add(1);
                }
                Ok(Part::List(length))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Part, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Part::Other)
            }
        }

        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(op: Op, body: &str) -> u32 {
        leads_written(op, body.as_bytes())
    }

    #[test]
    fn leads_are_counted_where_the_operation_has_them() {
        assert_eq!(written(Op::CreateLead, r#"{"email":"a@x.org"}"#), 1);
        assert_eq!(written(Op::DeleteLead, ""), 1);
        assert_eq!(written(Op::DeleteLeadList, ""), LEADS_UNBOUNDED);
        assert_eq!(written(Op::ListLeads, r#"{"ids":["a"]}"#), 0);
        assert_eq!(
            written(
                Op::BulkAddLeads,
                r#"{"campaign_id":"c","leads":[{},{"leads":[1]},{}]}"#
            ),
            3
        );
        assert_eq!(written(Op::MoveLeads, r#"{"ids":["a","b"],"limit":9}"#), 2);
        assert_eq!(written(Op::MoveLeads, r#"{"campaign":"c","limit":9}"#), 9);
        assert_eq!(written(Op::MoveLeads, r#"{"campaign":"c","limit":8.5}"#), 9);
        assert_eq!(written(Op::BulkDeleteLeads, r#"{"list_id":"l"}"#), 10_000);
        assert_eq!(
            written(Op::EnrichLeadsFromSupersearch, r#"{"limit":500}"#),
            500
        );
    }

    #[test]
    fn what_is_not_said_is_as_many_as_there_are() {
        for body in [
            "",
            "{",
            "[]",
            "null",
            r#"{"campaign":"c"}"#,
            r#"{"ids":[]}"#,
            r#"{"ids":"a","limit":1}"#,
            r#"{"ids":7,"limit":1}"#,
            r#"{"ids":{"0":"a"},"limit":1}"#,
            r#"{"limit":0}"#,
            r#"{"limit":-1}"#,
            r#"{"limit":"1"}"#,
            r#"{"limit":1,"limit":9}"#,
            r#"{"limit":1,"\u006cimit":9}"#,
            r#"{"Limit":1}"#,
        ] {
            assert_eq!(written(Op::MoveLeads, body), LEADS_UNBOUNDED, "{body}");
        }
        for body in ["", "{}", r#"{"leads":{"0":{}}}"#, r#"{"leads":"x"}"#] {
            assert_eq!(written(Op::BulkAddLeads, body), LEADS_UNBOUNDED, "{body}");
        }
    }

    #[test]
    fn every_operation_that_writes_leads_in_bulk_is_known() {
        for op in Op::ALL {
            let fields = doorward_catalog::shapes::of(op.id())
                .and_then(|shape| shape.body.as_ref())
                .map(|body| &body.shape.fields);
            let leads = fields.is_some_and(|fields| fields.iter().any(|f| &*f.name == "leads"));
            if leads && op.facts().writes() {
                assert_eq!(written(op, "{}"), LEADS_UNBOUNDED, "{op}");
            }
            let lead = op.facts().path.starts_with("/api/v2/leads") && op.facts().writes();
            assert_eq!(
                written(op, "{}") > 0,
                lead || [Op::EnrichLeadsFromSupersearch, Op::DeleteLeadList].contains(&op),
                "{op}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_body_is_counted(body in proptest::collection::vec(any::<u8>(), 0..100)) {
            for op in Op::ALL {
                leads_written(op, &body);
            }
        }

        #[test]
        fn a_list_is_its_length(n in 0_usize..50) {
            let body = serde_json::json!({"leads": vec![serde_json::json!({"email": "a"}); n]});
            prop_assert_eq!(written(Op::BulkAddLeads, &body.to_string()) as usize, n);
        }
    }
}
