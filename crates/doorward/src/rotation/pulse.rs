//! Whether a key works: one harmless read under it. Never a write.

use std::time::Duration;

use doorward_catalog::{Method, Op, ScopeSet, shapes};
use doorward_upstream::{Call, Client, Error};
use serde_json::json;

/// What one read under a key came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pulse {
    /// The API took the key, and the key covered the read.
    Works,
    /// The API took the key, and its scopes do not cover the read.
    NotCovered,
    /// The API said that the key is none.
    Dead,
    /// The answer says nothing of the key.
    Unclear(String),
}

/// What is read first, where a key may: cheap, and there in every workspace.
const FIRST: [Op; 8] = [
    Op::ListCampaign,
    Op::ListAccount,
    Op::ListLeadList,
    Op::ListLeads,
    Op::ListAPIKey,
    Op::ListWebhook,
    Op::ListCustomTag,
    Op::GetWorkspace,
];

/// What is asked of a key that may read nothing: it tells a live key from a dead one, too.
const BESIDE: Op = Op::ListCampaign;

/// A well-formed id that nothing has.
const NOTHING: &str = "00000000-0000-4000-8000-000000000000";
/// How often a key that was called dead is asked again before that is believed, and how soon.
const AGAIN: u32 = 2;
const SOON: Duration = Duration::from_millis(400);

/// The read that is made under a key of these scopes, and whether they cover it.
pub(crate) fn read_of(scopes: ScopeSet) -> (Op, bool) {
    let may = |op: &Op| scopes.covers(*op) && !op.facts().basis.is_assumed();
    if let Some(op) = FIRST.into_iter().find(|op| may(op)) {
        return (op, true);
    }
    let plain = |op: &Op| {
        let facts = op.facts();
        let needs = shapes::of(op.id()).is_some_and(|shape| {
            shape.query.iter().any(|param| param.required) || shape.body.is_some()
        });
        facts.method == Method::Get && !facts.writes() && facts.hazards.is_empty() && !needs
    };
    let mut reads: Vec<Op> = Op::ALL
        .into_iter()
        .filter(|op| may(op) && plain(op))
        .collect();
    // Without a parameter first: what is not there is an answer as well, but a poorer one.
    reads.sort_by_key(|op| (op.facts().path.contains('{'), op.id()));
    match reads.first() {
        Some(op) => (*op, true),
        None => (BESIDE, false),
    }
}

/// The call that is made, for people: `GET /api/v2/campaigns`.
pub(super) fn shown(scopes: ScopeSet) -> String {
    let (op, covered) = read_of(scopes);
    let facts = op.facts();
    let beside = match covered {
        true => "",
        false => " (which it does not cover: it may read nothing)",
    };
    format!("{} {}{beside}", facts.method, facts.path)
}

fn call(op: Op) -> Result<Call, Error> {
    let call = Call::new(op);
    let call = match op.facts().path.contains('{') {
        true => call.param(NOTHING),
        false => call,
    };
    match (op, op.facts().method) {
        (_, Method::Post) => call.json(&json!({ "limit": 1 })),
        (Op::GetWorkspace, _) => Ok(call),
        _ if doorward_upstream::page_max(op).is_some() => Ok(call.query("limit", 1)),
        _ => Ok(call),
    }
}

/// Makes one read under the client's key, which has these scopes.
pub(crate) async fn pulse(client: &Client, scopes: ScopeSet) -> Pulse {
    let (op, covered) = read_of(scopes);
    let call = match call(op) {
        Ok(call) => call,
        Err(error) => return Pulse::Unclear(error.to_string()),
    };
    let answered = client.send(&call).await;
    told(op, covered, answered.as_ref().err())
}

/// What an answer tells of the key: nothing, unless the API itself can have given it under one.
fn told(op: Op, covered: bool, error: Option<&Error>) -> Pulse {
    match error {
        None => Pulse::Works,
        Some(Error::DeadKey { .. }) => Pulse::Dead,
        Some(Error::WrongScope { .. }) if covered => Pulse::NotCovered,
        // That the scopes were looked at says that the key was taken.
        Some(Error::WrongScope { .. }) => Pulse::Works,
        // What lies behind the scope check: the call had an id that nothing has.
        Some(Error::NotFound { .. }) if covered && op.facts().path.contains('{') => Pulse::Works,
        Some(error) => Pulse::Unclear(error.to_string()),
    }
}

/// The same, and a key that is called dead is asked again: one answer of one machine is no proof.
pub(crate) async fn sure_pulse(client: &Client, scopes: ScopeSet) -> Pulse {
    let mut last = pulse(client, scopes).await;
    for _ in 0..AGAIN {
        if last != Pulse::Dead {
            break;
        }
        tokio::time::sleep(SOON).await;
        last = pulse(client, scopes).await;
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_catalog::Scope;

    fn scopes(text: &str) -> ScopeSet {
        text.parse().unwrap()
    }

    #[test]
    fn only_an_answer_under_the_key_is_taken_for_a_sign_of_life() {
        let message = || "said".to_owned();
        let one = Op::GetCampaign;
        assert!(one.facts().path.contains('{'));
        for (op, covered) in [(Op::ListCampaign, true), (one, true), (BESIDE, false)] {
            let told = |error: Error| told(op, covered, Some(&error));
            let unclear = |error: Error| matches!(told(error), Pulse::Unclear(_));
            let status = 400;
            assert!(
                unclear(Error::Invalid {
                    op,
                    status,
                    message: message()
                }),
                "{op}"
            );
            assert!(
                unclear(Error::NoPlan {
                    op,
                    message: message()
                }),
                "{op}"
            );
            assert!(
                unclear(Error::Forbidden {
                    op,
                    message: message()
                }),
                "{op}"
            );
            let nothing = told(Error::NotFound {
                op,
                message: message(),
            });
            assert_eq!(nothing == Pulse::Works, op == one, "{op}");
            assert_eq!(
                told(Error::DeadKey {
                    op,
                    message: message()
                }),
                Pulse::Dead
            );
            let scope = told(Error::WrongScope {
                op,
                required: vec![],
                found: None,
            });
            let meant = if covered {
                Pulse::NotCovered
            } else {
                Pulse::Works
            };
            assert_eq!(scope, meant, "{op}");
        }
        assert_eq!(told(Op::ListCampaign, true, None), Pulse::Works);
    }

    #[test]
    fn a_key_is_asked_by_a_read_that_it_covers_and_never_by_a_write() {
        for (text, op) in [
            ("campaigns:read, leads:read", Op::ListCampaign),
            ("leads:all", Op::ListLeads),
            (
                "api_keys:create, api_keys:read, api_keys:delete",
                Op::ListAPIKey,
            ),
            ("all:read", Op::ListCampaign),
        ] {
            assert_eq!(read_of(scopes(text)), (op, true), "{text}");
        }
        for text in [
            "leads:create",
            "lead_lists:create, leads:create",
            "campaigns:delete",
        ] {
            assert_eq!(read_of(scopes(text)), (BESIDE, false), "{text}");
        }
        for op in Op::ALL {
            let scopes: ScopeSet = [op.facts().scope].into_iter().collect();
            let (read, covered) = read_of(scopes);
            assert!(
                !read.facts().writes() && read.facts().hazards.is_empty(),
                "{op}"
            );
            assert_eq!(covered, scopes.covers(read), "{op}");
            assert!(call(read).is_ok(), "{op}");
        }
        assert_eq!(
            read_of([Scope::ALL_ALL].into_iter().collect()).0,
            Op::ListCampaign
        );
    }
}
