//! Grants that are taken and grants that are refused.

#![cfg(test)]

use doorward_catalog::environment::{NEVER_GRANTED, STAGING_WRITES};
use doorward_catalog::{Environment, Op, OpSet, Scope, ScopeSet, UseCase};
use doorward_policy::{
    BREAK_GLASS_MAX_MILLIS, EffectiveGrant, Grant, GrantRefused, Timestamp, WorkspaceKind,
};

use Environment::{Development, Production, Staging};
use WorkspaceKind::{Live, Sandbox};

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const KINDS: [WorkspaceKind; 2] = [Live, Sandbox];

fn never() -> OpSet {
    NEVER_GRANTED.into_iter().collect()
}

fn assumed(op: Op) -> bool {
    op.facts().basis.is_assumed()
}

fn resolve(
    grant: &Grant,
    environment: Environment,
    kind: WorkspaceKind,
) -> Result<EffectiveGrant, GrantRefused> {
    grant.resolve(environment, kind, NOW)
}

fn code(grant: &Grant, environment: Environment, kind: WorkspaceKind) -> &'static str {
    let refused = resolve(grant, environment, kind).unwrap_err();
    let text = refused.to_string();
    // What is wrong, then what to do; one line.
    assert!(text.contains(';') && !text.contains('\n'), "{text}");
    refused.code()
}

#[test]
fn every_use_case_in_every_environment_gives_its_operations_or_is_refused() {
    for case in UseCase::ALL {
        let grant = Grant::for_use_case(case.as_str());
        for environment in Environment::ALL {
            let sandbox = resolve(&grant, environment, Sandbox).unwrap();
            assert_eq!(
                sandbox.operations(NOW),
                case.operations().difference(never()),
                "{case}"
            );

            let live = resolve(&grant, environment, Live);
            let within = case.operations().is_subset(environment.ceiling());
            if case == UseCase::FullAutomation {
                assert_eq!(live, Err(GrantRefused::NeedsBreakGlass(case)));
            } else if within {
                assert_eq!(live.unwrap().operations(NOW), case.operations(), "{case}");
            } else {
                let Err(GrantRefused::BeyondCeiling { operations, .. }) = live else {
                    panic!("{case} in {environment}: {live:?}");
                };
                let beyond: OpSet = operations.into_iter().collect();
                assert_eq!(beyond, case.operations().difference(environment.ceiling()));
            }
        }
    }
    // Not all of one kind, or the loop above has tested little.
    assert!(resolve(&Grant::for_use_case("lead-import"), Staging, Live).is_ok());
    assert!(resolve(&Grant::for_use_case("campaign-launcher"), Production, Live).is_ok());
    assert!(resolve(&Grant::for_use_case("campaign-launcher"), Staging, Live).is_err());
}

#[test]
fn every_operation_by_name_in_every_environment() {
    for op in Op::ALL {
        let grant = Grant::for_operation(op.id());
        for environment in Environment::ALL {
            for kind in KINDS {
                let outcome = resolve(&grant, environment, kind);
                let expected = match (environment, kind) {
                    _ if NEVER_GRANTED.contains(&op) => Err("never_granted"),
                    (_, Sandbox) | (Production, Live) => Ok(()),
                    _ if !op.facts().writes() => Ok(()),
                    (Staging, Live) if STAGING_WRITES.contains(&op) => Ok(()),
                    _ => Err("environment_ceiling"),
                };
                match expected {
                    Err(code) => assert_eq!(outcome.unwrap_err().code(), code, "{op}"),
                    Ok(()) => {
                        let given = outcome.unwrap();
                        assert_eq!(given.operations(NOW), OpSet::from_iter([op]), "{op}");
                        assert_eq!(given.scopes(NOW), ScopeSet::from_iter([op.facts().scope]));
                    }
                }
            }
        }
    }
}

#[test]
fn a_scope_gives_what_it_covers_less_what_is_assumed_never_granted_or_beyond_the_ceiling() {
    for scope in Scope::known() {
        let grant = Grant::for_scopes([scope.to_string()]);
        let wildcard = scope.is_wildcard() || scope.to_string().ends_with(":all");
        let covered = ScopeSet::from_iter([scope]).allows().difference(never());
        let documented: OpSet = covered.iter().filter(|op| !assumed(*op)).collect();
        for environment in Environment::ALL {
            let sandbox = resolve(&grant, environment, Sandbox);
            assert_eq!(sandbox.is_ok(), !documented.is_empty(), "{scope}");
            if let Ok(given) = sandbox {
                assert_eq!(given.operations(NOW), documented, "{scope}");
                assert!(given.scopes(NOW).contains(scope));
            }

            let live = resolve(&grant, environment, Live);
            if wildcard && !(environment == Development && scope.to_string() == "all:read") {
                assert_eq!(live, Err(GrantRefused::Wildcard { scope, environment }));
                continue;
            }
            let within = documented.intersection(environment.ceiling());
            match live {
                Ok(given) if wildcard => {
                    let secret = |op: &Op| op.facts().returns_secrets();
                    let expected: OpSet = within.iter().filter(|op| !secret(op)).collect();
                    assert_eq!(given.operations(NOW), expected);
                }
                Ok(given) => assert_eq!(given.operations(NOW), within, "{scope}"),
                Err(_) => assert!(within.is_empty(), "{scope} in {environment}"),
            }
        }
    }
}

#[test]
fn an_assumed_scope_takes_a_use_case_or_a_name() {
    let op = Op::GetCampaignAnalytics;
    assert!(assumed(op) && op.facts().scope == Scope::parse("campaigns:read").unwrap());
    let has = |grant: Grant| {
        resolve(&grant, Production, Live)
            .unwrap()
            .operations(NOW)
            .contains(op)
    };
    assert!(!has(Grant::for_scopes(["campaigns:read"])));
    assert!(has(Grant::for_use_case("analytics-dashboard")));
    assert!(has(Grant::for_operation("getCampaignAnalytics")));
    let everything = resolve(&Grant::for_scopes(["all:all"]), Production, Sandbox).unwrap();
    assert!(!everything.operations(NOW).iter().any(assumed));
}

#[test]
fn keys_are_never_granted() {
    for environment in Environment::ALL {
        for kind in KINDS {
            for op in NEVER_GRANTED {
                assert_eq!(
                    code(&Grant::for_operation(op.id()), environment, kind),
                    "never_granted"
                );
            }
            for scope in ["api_keys:create", "api_keys:read", "api_keys:delete"] {
                assert_eq!(
                    code(&Grant::for_scopes([scope]), environment, kind),
                    "never_granted"
                );
            }
        }
        let all = Grant {
            use_cases: UseCase::ALL.map(|case| case.to_string()).into(),
            scopes: Scope::known()
                .map(|s| s.to_string())
                .filter(|s| s.starts_with("all:"))
                .collect(),
            ..Grant::default()
        };
        let given = resolve(&all, environment, Sandbox).unwrap();
        assert_eq!(given.operations(NOW), OpSet::all().difference(never()));
    }
}

#[test]
fn wildcards_stay_out_of_staging_and_production() {
    for scope in ["all:all", "all:read", "all:update", "leads:all"] {
        for environment in [Staging, Production] {
            assert_eq!(
                code(&Grant::for_scopes([scope]), environment, Live),
                "wildcard_scope"
            );
        }
    }
    // Nor does a break-glass bring one in.
    let grant = Grant {
        scopes: ["all:all".to_owned()].into(),
        ..Grant::for_use_case("full-automation")
    }
    .with_break_glass("incident 12", NOW.plus_millis(1_000));
    assert_eq!(code(&grant, Production, Live), "wildcard_scope");
}

#[test]
fn a_break_glass_lifts_the_ceiling_for_a_time_and_leaves_the_rest() {
    let until = NOW.plus_millis(BREAK_GLASS_MAX_MILLIS);
    let mut grant = Grant::for_use_case("full-automation").with_break_glass("incident 12", until);
    grant.use_cases.insert("lead-import".to_owned());
    for environment in [Staging, Production] {
        let given = resolve(&grant, environment, Live).unwrap();
        let all = OpSet::all().difference(never());
        let kept = UseCase::LeadImport.operations();
        assert_eq!(given.lifted_until(), Some(until));
        assert_eq!(given.operations(NOW), all);
        assert_eq!(given.operations(until.plus_millis(-1)), all);
        assert_eq!(given.operations(until), kept, "over at its very end");
        assert_eq!(given.scopes(until), kept.narrow_scopes());
        assert_eq!(given.lifted(), all.difference(kept));
        for op in Op::ALL {
            assert_eq!(given.contains(op, NOW), all.contains(op));
            assert_eq!(given.contains(op, until), kept.contains(op));
        }

        // Read again after its end, it is still a grant; made after its end, it is refused.
        let later = until.plus_millis(86_400_000);
        let stored = grant.resolve_stored(environment, Live, later).unwrap();
        assert_eq!(stored.operations(later), kept);
        assert_eq!(
            grant.resolve(environment, Live, until),
            Err(GrantRefused::BreakGlassOver)
        );
    }
}

#[test]
fn a_break_glass_needs_a_reason_an_end_and_something_to_lift() {
    let grant = |reason: &str, millis: i64| {
        Grant::for_use_case("full-automation").with_break_glass(reason, NOW.plus_millis(millis))
    };
    assert!(resolve(&grant("incident 12", 1), Production, Live).is_ok());
    for (reason, millis, expected) in [
        ("", 1, "break_glass_reason"),
        (" \t", 1, "break_glass_reason"),
        (&*"x".repeat(501), 1, "break_glass_reason"),
        (
            "incident",
            BREAK_GLASS_MAX_MILLIS + 1,
            "break_glass_too_long",
        ),
        ("incident", i64::MAX, "break_glass_too_long"),
        ("incident", 0, "break_glass_over"),
        ("incident", -1, "break_glass_over"),
    ] {
        assert_eq!(code(&grant(reason, millis), Production, Live), expected);
    }
    let within = Grant::for_use_case("lead-import").with_break_glass("why", NOW.plus_millis(1));
    assert_eq!(code(&within, Production, Live), "break_glass_lifts_nothing");
    assert_eq!(
        code(&grant("why", 1), Production, Sandbox),
        "break_glass_lifts_nothing"
    );
    // Read under a clock that is a little behind, it still holds; made so, it is refused.
    let behind = NOW.plus_millis(-60_000);
    let longest = grant("incident", BREAK_GLASS_MAX_MILLIS);
    assert!(longest.resolve_stored(Production, Live, behind).is_ok());
    assert_eq!(
        longest.resolve(Production, Live, behind),
        Err(GrantRefused::BreakGlassTooLong)
    );
    // A record that was tampered with does not live longer either.
    let forged = grant("incident", i64::MAX).resolve_stored(Production, Live, NOW);
    assert_eq!(forged, Err(GrantRefused::BreakGlassTooLong));
}

#[test]
fn what_is_unknown_empty_or_huge_is_refused() {
    let live = |grant: &Grant| code(grant, Production, Live);
    assert_eq!(live(&Grant::default()), "grant_empty");
    assert_eq!(live(&Grant::for_use_case("nonsense")), "unknown_use_case");
    assert_eq!(
        live(&Grant::for_operation("createlead")),
        "unknown_operation"
    );
    assert_eq!(live(&Grant::for_scopes(["leads:write"])), "unknown_scope");
    assert_eq!(
        live(&Grant::for_scopes(["sales_flows:read"])),
        "scope_gives_nothing"
    );
    assert_eq!(
        code(&Grant::for_scopes(["leads:update"]), Development, Live),
        "scope_gives_nothing"
    );
    let many = Grant::for_scopes((0..257).map(|n| format!("s{n}:read")));
    assert_eq!(live(&many), "grant_too_large");
    assert_eq!(
        live(&Grant::for_use_case("x".repeat(97))),
        "grant_too_large"
    );
    let mut elsewhere = Grant::for_use_case("reader");
    elsewhere.sub_workspaces.insert("../other".to_owned());
    assert_eq!(live(&elsewhere), "bad_sub_workspace");

    let near = resolve(&Grant::for_operation("createlead"), Production, Live).unwrap_err();
    assert_eq!(
        near.to_string(),
        "there is no operation 'createlead'; did you mean createLead?"
    );
}

#[test]
fn refusals_read_well() {
    let text =
        |grant: Grant, environment| resolve(&grant, environment, Live).unwrap_err().to_string();
    assert_eq!(
        text(Grant::for_use_case("campaign-launcher"), Staging),
        "the use case campaign-launcher goes beyond the ceiling of staging, reads and a short \
         list of writes, with activateCampaign; use a sandbox workspace, or a client in production"
    );
    assert_eq!(
        text(Grant::for_use_case("full-automation"), Production),
        "full-automation is granted only against a sandbox workspace or as break-glass; grant the \
         use cases it consists of, or add a reason and an end within four hours"
    );
    assert_eq!(
        text(Grant::for_scopes(["leads:all"]), Production),
        "leads:all is a wildcard, which production does not admit; name the use case, the \
         operations or the scopes it needs"
    );
}
