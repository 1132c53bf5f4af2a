//! What a policy is told of a request.

use doorward_catalog::Op;
use doorward_condition::{Asked, Day};

use crate::{ASKER, OTHER, asked, body, policies, verdict};

#[test]
fn what_is_asked_for_is_what_the_request_holds() {
    let on = |condition: &str, of: Asked<'_>| {
        let action = format!("action == Action::\"{}\"", of.op.id());
        let text = format!("forbid (principal, {action}, resource) when {{ {condition} }};");
        verdict(&policies(&[("p", &text)]), of)
    };
    let holds =
        |condition: &str, of: Asked<'_>| assert_eq!(on(condition, of), "deny p", "{condition}");
    let add = r#"{"campaign_id":"0195c1a0-0000-7000-8000-000000000001","leads":[{},{}],"skip_if_in_workspace":true}"#;
    holds("context.leads_in_call == 2", body(Op::BulkAddLeads, add));
    holds(
        "context.body has skip_if_in_workspace && context.body.skip_if_in_workspace",
        body(Op::BulkAddLeads, add),
    );
    assert_eq!(
        on(
            "context.body has verify_leads_on_import",
            body(Op::BulkAddLeads, add)
        ),
        "allow"
    );
    holds(
        "context.leads_today == 3 && context.calls_today == 4",
        Asked {
            today: Day { calls: 4, leads: 3 },
            ..asked(Op::ListCampaign)
        },
    );
    holds(
        "context.hour == 8 && context.weekday == 5",
        asked(Op::ListCampaign),
    );
    holds(
        "context.now < datetime(\"2027-01-15T08:00:01Z\")",
        asked(Op::ListCampaign),
    );
    holds(
        "context.source_ip.isInRange(ip(\"10.0.0.0/8\"))",
        asked(Op::ListCampaign),
    );
    holds(
        "context.source_ip.isInRange(ip(\"10.0.0.0/8\"))",
        Asked {
            source: "::ffff:10.1.1.1".parse().unwrap(),
            ..asked(Op::ListCampaign)
        },
    );
    holds("!(context has as_workspace)", asked(Op::ListCampaign));
    holds(
        "context has as_workspace && context.as_workspace == \"x\"",
        Asked {
            as_workspace: Some("x"),
            ..asked(Op::ListCampaign)
        },
    );
    holds(
        "context.query has limit && context.query.limit > 50",
        Asked {
            query: "limit=51",
            ..asked(Op::ListCampaign)
        },
    );
    // Neither number is to be trusted.
    assert_eq!(
        on(
            "context.query has limit && context.query.limit > 50",
            Asked {
                query: "limit=1&limit=99",
                ..asked(Op::ListCampaign)
            }
        ),
        "failed p"
    );
    assert_eq!(
        on(
            "context.body has limit && context.body.limit > 50",
            body(Op::ListLeads, r#"{"limit":"99"}"#)
        ),
        "failed p"
    );
    assert_eq!(
        on(
            "context.body has limit && context.body.limit > 50",
            body(Op::ListLeads, r#"{"limit":50.5}"#)
        ),
        "failed p"
    );
    holds(
        "context.body has limit && context.body.limit > 50",
        body(Op::ListLeads, r#"{"limit":51.0}"#),
    );
    holds(
        "context.parameter == \"0195c1a0-0000-7000-8000-00000000000f\"",
        Asked {
            parameter: Some(&OTHER.to_uppercase()),
            ..asked(Op::GetCampaign)
        },
    );
    holds(
        "principal.environment == \"production\" && principal.owner == \"Ann\" && resource.kind == \"live\"",
        asked(Op::ListCampaign),
    );
    holds(
        "action in [Action::\"reads\", Action::\"tag:Campaign\"]",
        asked(Op::ListCampaign),
    );
    holds(
        "context.accounts.containsAny([\"a@x.org\", \"*\"])",
        body(Op::PauseAccounts, r#"{"emails":["B@x.org","A@X.org"]}"#),
    );
    assert_eq!(
        on(
            "context.accounts.containsAny([\"c@x.org\", \"*\"])",
            body(Op::PauseAccounts, r#"{"emails":["B@x.org","A@X.org"]}"#)
        ),
        "allow"
    );
    assert_eq!(
        on(
            "context.accounts.containsAny([\"c@x.org\", \"*\"])",
            body(Op::PauseAccounts, r#"{"emails":["Ann <c@x.org>"]}"#)
        ),
        "failed p"
    );
}

#[test]
fn whether_the_day_is_asked_for_is_told() {
    let counts = "forbid (principal, action in Action::\"writes\", resource)\n\
                  when { context.leads_today + context.leads_in_call > 5 };";
    let other = "forbid (principal, action in Action::\"reads\", resource)\n\
                 when { context.hour < 6 };";
    assert!(!policies(&[("other", other)]).ask_for_today());
    let both = policies(&[("counts", counts), ("other", other)]);
    assert!(both.ask_for_today());
    let today = Day { calls: 1, leads: 2 };
    let told = |op| {
        let asked = Asked { today, ..asked(op) };
        both.judge(&ASKER, asked).today()
    };
    assert_eq!(told(Op::CreateLead), Some(today));
    assert_eq!(told(Op::ListCampaign), None, "it bears on writes alone");
}
