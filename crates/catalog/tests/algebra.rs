//! The algebra of scopes, the planner, risk, use cases and environments.

#![cfg(test)]

use std::sync::LazyLock;

use doorward_catalog::environment::{NEVER_GRANTED, STAGING_WRITES};
use doorward_catalog::{
    Action, Basis, Environment, Hazard, Op, OpSet, Resource, Risk, Scope, ScopeSet, UseCase,
    plan_scopes,
};
use proptest::prelude::*;

fn scopes(text: &str) -> ScopeSet {
    text.parse().expect("scopes")
}

/// A second way to say what covers what, from the texts alone.
fn covers_by_text(granted: &str, asked: &str) -> bool {
    let (granted, asked) = (
        granted.split_once(':').unwrap(),
        asked.split_once(':').unwrap(),
    );
    (granted.0 == "all" || granted.0 == asked.0) && (granted.1 == "all" || granted.1 == asked.1)
}

#[test]
fn every_scope_covers_what_its_text_says_and_no_more() {
    for scope in Scope::known() {
        let set = ScopeSet::from_iter([scope]);
        for op in Op::ALL {
            let expected = covers_by_text(&scope.to_string(), &op.facts().scope.to_string());
            assert_eq!(set.covers(op), expected, "{scope} and {op}");
        }
    }
}

#[test]
fn scopes_parse_only_as_the_vendor_spells_them() {
    for scope in Scope::known() {
        assert_eq!(scope.to_string().parse(), Ok(scope));
    }
    for wrong in [
        "",
        ":",
        "leads",
        "leads:",
        "leads:write",
        "Leads:read",
        "leads:read ",
        "lead_labels:read",
        "email_verifications:delete",
        "supersearch_enrichments:update",
    ] {
        assert!(Scope::parse(wrong).is_err(), "{wrong:?}");
    }
    let hint = Scope::parse("lead_labels:read").unwrap_err().to_string();
    assert!(hint.contains("did you mean `lead-labels:read`?"), "{hint}");
    let hostile = Scope::parse(&format!("\u{1b}[31m{}", "x".repeat(10_000)))
        .unwrap_err()
        .to_string();
    assert!(
        hostile.len() < 300 && !hostile.contains('\u{1b}'),
        "{hostile}"
    );
}

#[test]
fn a_plan_takes_a_wildcard_only_where_no_narrow_scope_can_be_had() {
    let plan = plan_scopes(OpSet::from_iter([Op::CreateLead, Op::ListCampaign]));
    assert_eq!(plan.scopes(), scopes("campaigns:read leads:create"));
    assert!(
        plan.choices
            .iter()
            .all(|choice| choice.wider_because.is_none())
    );

    let plan = plan_scopes(OpSet::from_iter([
        Op::GetEnrichmentHistory,
        Op::ListCampaign,
        Op::CreateLead,
    ]));
    assert_eq!(plan.scopes(), scopes("all:read leads:create"));
    let wildcard = &plan.choices[0];
    assert!(
        wildcard
            .wider_because
            .as_ref()
            .unwrap()
            .contains("no key can be given")
    );
    assert_eq!(
        wildcard.operations,
        ["listCampaign", "getEnrichmentHistory"]
    );
}

#[test]
fn use_cases_have_the_risk_of_the_source_documents() {
    let risks = |case: UseCase| case.risk();
    assert_eq!(risks(UseCase::AnalyticsDashboard), Risk::Low);
    assert_eq!(risks(UseCase::LeadImport), Risk::Medium);
    assert_eq!(risks(UseCase::CampaignLauncher), Risk::High);
    assert_eq!(risks(UseCase::FullAutomation), Risk::Critical);
    assert_eq!(risks(UseCase::WebhookHandler), Risk::Low);
    for case in UseCase::ALL {
        let operations = case.operations();
        assert!(!operations.is_empty(), "{case}");
        assert_eq!(case.as_str().parse(), Ok(case));
        let (stated, computed) = (case.risk(), operations.risk().unwrap());
        // Reading people's data is what a low-risk handler is for; writing is not.
        let floor = if computed.risk == Risk::Medium {
            Risk::Low
        } else {
            computed.risk
        };
        assert!(stated >= floor, "{case} is {stated}, yet {computed:?}");
        if stated == Risk::Low {
            assert!(operations.iter().all(|op| !op.facts().writes()), "{case}");
        }
        if case != UseCase::FullAutomation {
            assert!(!case.scopes().has_wildcard(), "{case}");
            assert!(
                operations.iter().all(|op| op.risk().risk < Risk::Critical),
                "{case}"
            );
            assert!(
                operations.iter().all(|op| !op.facts().returns_secrets()),
                "{case}"
            );
        }
        for never in NEVER_GRANTED {
            assert!(!operations.contains(never), "{case} has {never}");
        }
        for op in Op::ALL {
            let needed = case.scopes().covers(op) || !operations.contains(op);
            assert!(needed, "{case}: its scopes do not cover {op}");
        }
    }
    assert!(UseCase::LeadImport.scopes().covers(Op::CreateLead));
    assert!(!UseCase::LeadImport.scopes().covers(Op::PatchLead));
}

#[test]
fn environments_are_ceilings() {
    for op in Op::ALL {
        let facts = op.facts();
        let never = NEVER_GRANTED.contains(&op);
        assert_eq!(
            Environment::Development.admits(op).is_ok(),
            !facts.writes() && !never,
            "{op}"
        );
        assert_eq!(Environment::Production.admits(op).is_ok(), !never, "{op}");
    }
    for op in STAGING_WRITES {
        let facts = op.facts();
        assert!(
            facts.writes() && facts.hazards.is_empty() && !facts.returns_secrets(),
            "{op}"
        );
        assert_eq!(Environment::Staging.admits(op), Ok(()));
    }
    assert!(Environment::Staging.admits(Op::ActivateCampaign).is_err());
    assert!(Environment::Staging.admits(Op::SendTestEmail).is_err());
}

#[test]
fn hazards_mark_what_the_design_names() {
    let has = |op: Op, hazard| op.facts().hazards.contains(hazard);
    assert!(has(Op::ActivateCampaign, Hazard::StartsSending));
    for op in [
        Op::MoveLeads,
        Op::DeleteCampaign,
        Op::ChangeWorkspaceOwner,
        Op::ScheduleCurrentWorkspaceRemoval,
    ] {
        assert!(has(op, Hazard::Destructive), "{op}");
    }
    for op in [
        Op::CreateAPIKey,
        Op::DeleteAPIKey,
        Op::CreateWorkspaceMember,
        Op::ChangeWorkspaceOwner,
    ] {
        assert!(has(op, Hazard::Access), "{op}");
    }
    for op in Op::ALL {
        let facts = op.facts();
        if facts.scope.action == Action::Delete && op != Op::CancelCurrentWorkspaceRemoval {
            assert!(has(op, Hazard::Destructive), "{op}");
        }
        if !facts.hazards.is_empty() && !has(op, Hazard::StartsSending) && !has(op, Hazard::Spends)
        {
            assert!(facts.writes(), "{op}");
        }
    }
}

#[test]
fn wildcards_are_graver_than_what_they_stand_for() {
    assert_eq!(Scope::ALL_ALL.risk().risk, Risk::Critical);
    for scope in Scope::known() {
        let wildcard = Scope::new(Resource::All, scope.action);
        assert!(
            wildcard.risk().risk >= scope.risk().risk || scope.action == Action::Read,
            "{scope}"
        );
    }
    assert_eq!(Scope::parse("all:read").unwrap().risk().risk, Risk::High);
    assert_eq!(
        Scope::parse("api_keys:create").unwrap().risk().risk,
        Risk::Critical
    );
    assert_eq!(
        Scope::parse("webhooks:read").unwrap().risk().risk,
        Risk::High
    );
    assert_eq!(
        Scope::parse("workspaces:update").unwrap().risk().risk,
        Risk::Critical
    );
    let risk = |scope: &str| Scope::parse(scope).unwrap().risk().risk;
    assert_eq!(risk("subsequences:read"), Risk::Low);
    // search-by-contact shows people's data.
    assert_eq!(risk("campaigns:read"), Risk::Medium);
}

#[test]
fn assumed_scopes_are_assignable_or_known_not_to_be() {
    for op in Op::ALL {
        let facts = op.facts();
        if facts.basis == Basis::Assumed {
            let supersearch = facts.scope.resource == Resource::SupersearchEnrichments;
            assert_eq!(facts.scope.is_assignable(), !supersearch, "{op}");
        }
    }
}

static BREADTHS: LazyLock<Vec<(Scope, usize)>> = LazyLock::new(|| {
    Scope::assignable()
        .map(|scope| (scope, scope.breadth()))
        .collect()
});

fn any_op() -> impl Strategy<Value = Op> {
    (0..Op::COUNT).prop_map(|n| Op::ALL[n])
}

fn any_ops() -> impl Strategy<Value = OpSet> {
    proptest::collection::vec(any_op(), 0..12).prop_map(OpSet::from_iter)
}

fn any_scopes() -> impl Strategy<Value = ScopeSet> {
    let all: Vec<Scope> = Scope::assignable().collect();
    proptest::collection::vec(0..all.len(), 0..8)
        .prop_map(move |picks| picks.into_iter().map(|n| all[n]).collect())
}

proptest! {
    #[test]
    fn a_plan_covers_all_and_can_lose_nothing(ops in any_ops()) {
        let plan = plan_scopes(ops).scopes();
        prop_assert!(ops.iter().all(|op| plan.covers(op)));
        prop_assert!(plan.iter().all(Scope::is_assignable));
        for scope in plan.iter() {
            let less = plan.without(scope);
            prop_assert!(!ops.iter().all(|op| less.covers(op)), "{scope} is not needed");
        }
        // No narrower assignable scope could stand in for any of its scopes.
        for scope in plan.iter() {
            let breadth = scope.breadth();
            for (narrower, _) in BREADTHS.iter().copied().filter(|(_, n)| *n < breadth) {
                let swapped = plan.without(scope).union(ScopeSet::from_iter([narrower]));
                prop_assert!(!ops.iter().all(|op| swapped.covers(op)), "{narrower} for {scope}");
            }
        }
    }

    #[test]
    fn excess_is_what_can_go(set in any_scopes(), used in any_ops()) {
        let excess = set.excess(used);
        let rest = set.difference(excess);
        for op in used.iter().filter(|op| set.covers(*op)) {
            prop_assert!(rest.covers(op));
        }
        for scope in rest.iter() {
            let less = rest.without(scope);
            prop_assert!(used.iter().any(|op| rest.covers(op) && !less.covers(op)));
        }
    }

    #[test]
    fn sets_of_operations_are_sets(a in any_ops(), b in any_ops(), op in any_op()) {
        prop_assert_eq!(a.union(b).contains(op), a.contains(op) || b.contains(op));
        prop_assert_eq!(a.intersection(b).contains(op), a.contains(op) && b.contains(op));
        prop_assert_eq!(a.difference(b).contains(op), a.contains(op) && !b.contains(op));
        prop_assert_eq!(a.iter().count(), a.len());
        prop_assert_eq!(OpSet::from_iter(a.iter()), a);
    }

    #[test]
    fn scope_sets_survive_their_text(set in any_scopes()) {
        prop_assert_eq!(set.to_string().parse::<ScopeSet>(), Ok(set));
    }
}
