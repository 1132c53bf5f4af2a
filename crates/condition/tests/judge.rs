//! How requests are judged, and what tries to get by.

#![cfg(test)]

use doorward_catalog::{Environment, Op};
use doorward_condition::{
    Again, Asked, Asker, Day, Kept, Policies, PolicyText, check, schema_digest,
};
use doorward_policy::{Conditions, Judgement, Timestamp, WorkspaceKind};

const OWN: &str = "0195c1a0-0000-7000-8000-000000000001";
const OTHER: &str = "0195c1a0-0000-7000-8000-00000000000f";
/// A Friday, 08:00 UTC.
const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

const ASKER: Asker<'static> = Asker {
    name: "importer",
    environment: Environment::Production,
    owner: "Ann",
    purpose: "imports",
    workspace: "acme",
    workspace_kind: WorkspaceKind::Live,
};

/// A text that lives as long as the tests.
macro_rules! text {
    ($($arg:tt)*) => {
        &*Box::leak(format!($($arg)*).into_boxed_str())
    };
}

fn asked(op: Op) -> Asked<'static> {
    Asked {
        op,
        parameter: None,
        query: "",
        body: b"",
        source: [10, 0, 0, 1].into(),
        as_workspace: None,
        now: NOW,
        today: Day::default(),
    }
}

fn policies(texts: &[(&str, &str)]) -> Policies {
    for (name, text) in texts {
        if let Err(faults) = check(name, text) {
            panic!("{name}: {}", faults[0]);
        }
    }
    let texts = texts.iter().map(|(name, text)| PolicyText {
        name,
        text,
        schema: schema_digest(),
    });
    Policies::read(texts, None)
}

fn own() -> Policies {
    let text = format!(
        "forbid (principal, action, resource) unless {{ [\"{OWN}\"].containsAll(context.campaigns) }};"
    );
    policies(&[("own", &text)])
}

fn verdict(policies: &Policies, asked: Asked<'_>) -> String {
    let asker = ASKER;
    match policies.judge(&asker, asked).judgement() {
        Judgement::Allow => "allow".to_owned(),
        Judgement::Deny(name) => format!("deny {name}"),
        Judgement::NeedsApproval(name) => format!("approval {name}"),
        Judgement::Failed(name) => format!("failed {name}"),
        other => panic!("{other:?}"),
    }
}

fn body(op: Op, text: &str) -> Asked<'_> {
    Asked {
        body: text.as_bytes(),
        ..asked(op)
    }
}

#[test]
fn own_campaigns_are_let_pass_wherever_they_are_named() {
    let own = own();
    for of in [
        Asked {
            parameter: Some(OWN),
            ..asked(Op::ActivateCampaign)
        },
        Asked {
            query: text!("ids={OWN}&ids={OWN}"),
            ..asked(Op::GetCampaignAnalytics)
        },
        body(
            Op::CreateLead,
            text!(r#"{{"campaign":"{OWN}","email":"a@x.org"}}"#),
        ),
        body(
            Op::CreateLead,
            text!(
                r#"{{"campaign":"{}","custom_variables":{{"campaign":"x"}}}}"#,
                OWN.to_uppercase()
            ),
        ),
        body(
            Op::BulkAddLeads,
            text!(r#"{{"campaign_id":"{OWN}","leads":[{{"email":"a@x.org"}}]}}"#),
        ),
        body(
            Op::MoveLeads,
            text!(r#"{{"campaign":"{OWN}","to_campaign_id":"{OWN}"}}"#),
        ),
        body(
            Op::ListLeads,
            text!(r#"{{"campaign":"{OWN}","in_campaign":true}}"#),
        ),
        asked(Op::ListCustomTag),
    ] {
        assert_eq!(verdict(&own, of), "allow", "{of:?}");
    }
}

/// Each is a way to reach another campaign.
#[test]
fn nothing_else_is() {
    let own = own();
    let deny = [
        Asked {
            parameter: Some(OTHER),
            ..asked(Op::ActivateCampaign)
        },
        Asked {
            query: text!("ids={OWN}&ids={OTHER}"),
            ..asked(Op::GetCampaignAnalytics)
        },
        Asked {
            query: text!("ids={OWN}%2C{OTHER}"),
            ..asked(Op::GetCampaignAnalytics)
        },
        Asked {
            query: text!("id={OWN}&ids={OTHER}"),
            ..asked(Op::GetCampaignAnalytics)
        },
        asked(Op::GetCampaignAnalytics),
        asked(Op::ListCampaign),
        Asked {
            parameter: Some(OTHER),
            ..asked(Op::DeleteLead)
        },
        body(
            Op::MoveLeads,
            text!(r#"{{"campaign":"{OWN}","to_campaign_id":"{OTHER}"}}"#),
        ),
        body(
            Op::MoveLeads,
            text!(r#"{{"list_id":"{OTHER}","campaign":"{OWN}"}}"#),
        ),
        body(
            Op::MoveLeads,
            text!(r#"{{"to_campaign_id":"{OWN}","ids":["{OTHER}"]}}"#),
        ),
        body(
            Op::MoveLeads,
            text!(r#"{{"campaign":"{OWN}","ignore_resource_filter_clauses":true}}"#),
        ),
        body(
            Op::ListLeads,
            text!(r#"{{"campaign":"{OWN}","in_campaign":false}}"#),
        ),
        body(Op::ListLeads, "{}"),
        body(Op::ListLeads, r#"{"campaign":null}"#),
        body(Op::ListLeads, r#"{"campaign":""}"#),
        asked(Op::ListLeads),
        body(
            Op::BulkDeleteLeads,
            text!(r#"{{"list_id":"{OTHER}","campaign_id":"{OWN}"}}"#),
        ),
        body(Op::CreateWebhook, r#"{"target_hook_url":"https://x.org"}"#),
        body(
            Op::CreateInboxPlacementTest,
            text!(r#"{{"campaign_id":"{OTHER}"}}"#),
        ),
        body(Op::RunEnrichment, text!(r#"{{"resource_id":"{OTHER}"}}"#)),
        body(
            Op::ToggleTagResource,
            r#"{"selected_all":true,"resource_type":2}"#,
        ),
        body(
            Op::ToggleTagResource,
            text!(r#"{{"resource_ids":["{OWN}"],"filter":"x"}}"#),
        ),
    ];
    for of in deny {
        assert_eq!(verdict(&own, of), "deny own", "{of:?}");
    }
    let failed = [
        Asked {
            parameter: Some("1"),
            ..asked(Op::ActivateCampaign)
        },
        Asked {
            query: text!("ids={OWN}&campaign_id={OTHER}"),
            ..asked(Op::GetCampaignAnalytics)
        },
        Asked {
            query: text!("ids={OWN}&ids%5B%5D={OTHER}"),
            ..asked(Op::GetCampaignAnalytics)
        },
        Asked {
            query: text!("ids={}", OWN.replace('-', "")),
            ..asked(Op::GetCampaignAnalytics)
        },
        body(Op::CreateLead, r#"{"campaign":7}"#),
        body(Op::CreateLead, text!(r#"{{"campaign":["{OWN}"]}}"#)),
        body(
            Op::CreateLead,
            text!(r#"{{"campaign":{{"id":"{OTHER}"}}}}"#),
        ),
        body(Op::CreateLead, text!(r#"{{"campaign":"{{{OWN}}}"}}"#)),
        body(Op::CreateLead, text!(r#"{{"campaign":" {OWN}\u0000"}}"#)),
        body(
            Op::CreateLead,
            text!(r#"{{"campaign":"{OWN}","campaign_id":"{OTHER}"}}"#),
        ),
        body(
            Op::CreateLead,
            text!(r#"{{"campaign":"{OWN}","Campaign":"{OTHER}"}}"#),
        ),
        body(
            Op::CreateLead,
            text!(r#"{{"campaign":"{OWN}","x":{{"campaignId":"{OTHER}"}}}}"#),
        ),
        body(
            Op::BulkAddLeads,
            text!(r#"{{"campaign_id":"{OWN}","leads":[{{"campaign":"{OTHER}"}}]}}"#),
        ),
        body(Op::BulkAddLeads, text!(r#"[{{"campaign_id":"{OTHER}"}}]"#)),
        body(Op::CreateLead, "{"),
        body(Op::CreateLead, "\"x\""),
        Asked {
            body: br#"{"campaign_id":"x"}"#,
            parameter: Some(OWN),
            ..asked(Op::ActivateCampaign)
        },
    ];
    for of in failed {
        let verdict = verdict(&own, of);
        assert!(
            ["failed own", "deny own"].contains(&verdict.as_str()),
            "{verdict}: {of:?}"
        );
    }
}

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
fn a_denial_comes_before_a_failure_and_a_failure_before_an_approval() {
    let deny = "forbid (principal, action, resource) when { context.leads_in_call > 1 };";
    let wait = "@approval(\"required\") forbid (principal, action, resource);";
    let overflow = "forbid (principal, action, resource) when { context.calls_today * 9223372036854775807 == 1 };";
    let of = Asked {
        today: Day { calls: 3, leads: 0 },
        ..asked(Op::MergeLeads)
    };
    for (texts, expected) in [
        (vec![("w", wait)], "approval w"),
        (vec![("w", wait), ("f", overflow)], "failed f"),
        (vec![("w", wait), ("f", overflow), ("d", deny)], "deny d"),
        (vec![("d", deny), ("w", wait)], "deny d"),
    ] {
        assert_eq!(verdict(&policies(&texts), of), expected);
    }
}

#[test]
fn a_stored_policy_that_is_faulty_by_now_refuses_what_it_could_bear_on() {
    let read = |text: &str| {
        Policies::read(
            [PolicyText {
                name: "old",
                text,
                schema: "another",
            }],
            None,
        )
    };
    let gone = read(
        "forbid (principal == Client::\"importer\", action == Action::\"listCampaign\", resource) when { context.gone };",
    );
    assert_eq!(verdict(&gone, asked(Op::ListCampaign)), "failed old");
    assert_eq!(verdict(&gone, asked(Op::GetCampaign)), "allow");
    assert_eq!(gone.faulty().next().unwrap().0, "old");
    let garbled = read("forbid (");
    for op in Op::ALL {
        assert_eq!(verdict(&garbled, asked(op)), "failed old", "{op}");
    }
}

#[test]
fn others_policies_do_not_bear_on_a_client() {
    let text: String = (0..1000)
        .map(|n| format!("forbid (principal == Client::\"c{n}\", action, resource);\n"))
        .collect();
    let policies = Policies::read(
        [PolicyText {
            name: "p",
            text: &text,
            schema: schema_digest(),
        }],
        None,
    );
    assert_eq!(policies.faulty().count(), 0);
    assert_eq!(verdict(&policies, asked(Op::ListCampaign)), "allow");
    let asker = Asker {
        name: "c7",
        ..ASKER
    };
    let judged = policies.judge(&asker, asked(Op::ListCampaign));
    assert_eq!(judged.judgement(), Judgement::Deny("p"));
    assert!(policies.bear_on("c7", Op::ListCampaign) && !policies.bear_on("d", Op::ListCampaign));
}

#[test]
fn what_is_kept_is_enough_to_judge_again_but_for_fields() {
    let small = "forbid (principal, action, resource) when { context.leads_in_call > 2 };";
    let by_field = "forbid (principal, action, resource) when { context.body has limit && context.body.limit > 9 };";
    let own = own();
    let text = format!(r#"{{"campaign":"{OTHER}","limit":5}}"#);
    let of = body(Op::MoveLeads, &text);
    let judged = own.judge(&ASKER, of);
    let facts = judged.facts();
    assert_eq!(facts.against.as_deref(), Some("own"));
    assert_eq!(facts.policies[0].name, "own");
    let json = serde_json::to_string(&facts).unwrap();
    assert!(json.len() < 500 && !json.contains("limit"), "{json}");
    let facts = serde_json::from_str(&json).unwrap();
    let kept = Kept {
        op: of.op,
        asker: ASKER,
        now: NOW,
        as_workspace: None,
        facts: &facts,
    };
    assert_eq!(
        own.judge_again(&kept),
        Again::Judged(Judgement::Deny("own"))
    );
    assert_eq!(
        policies(&[("s", small)]).judge_again(&kept),
        Again::Judged(Judgement::Deny("s"))
    );
    assert_eq!(
        policies(&[("b", by_field)]).judge_again(&kept),
        Again::Unknown("b")
    );
    assert_eq!(
        policies(&[("b", by_field), ("s", small)]).judge_again(&kept),
        Again::Judged(Judgement::Deny("s"))
    );
    assert_eq!(
        Policies::default().judge_again(&kept),
        Again::Judged(Judgement::Allow)
    );
    // Asked on another operation or time than it was judged for, it stands for nothing.
    assert_eq!(judged.judge(Op::ListLeads, NOW), Judgement::Failed(""));
    assert_eq!(judged.judge(Op::MoveLeads, NOW), Judgement::Deny("own"));
}
