//! Several policies, faulty ones, and what is kept of a judgement.

use doorward_catalog::Op;
use doorward_condition::{Again, Asked, Asker, Day, Kept, Policies, PolicyText, schema_digest};
use doorward_policy::{Conditions, Judgement};

use crate::{ASKER, NOW, OTHER, asked, body, own, policies, verdict};

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
