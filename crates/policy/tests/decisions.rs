//! Decisions: allow exactly what is granted and nothing else, and say why not.

#![cfg(test)]

use doorward_catalog::{Environment, Op, OpSet, UseCase};
use doorward_policy::{
    ClientView, Decision, Denial, DenyReason, EffectiveGrant, Grant, RequestFacts, Terms,
    Timestamp, WorkspaceKind, authorize, decide, decide_audit,
};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::sync::Arc;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

struct Fixture {
    name: Arc<str>,
    workspace: Arc<str>,
    grant: EffectiveGrant,
}

impl Fixture {
    fn new(grant: &Grant, environment: Environment, kind: WorkspaceKind) -> Self {
        let grant = grant.resolve(environment, kind, NOW).unwrap();
        Self {
            name: "importer".into(),
            workspace: "ws_1".into(),
            grant,
        }
    }

    fn live(grant: &Grant) -> Self {
        Self::new(grant, Environment::Production, WorkspaceKind::Live)
    }

    fn view(&self) -> ClientView<'_> {
        ClientView::new(&self.name, &self.workspace, &self.grant)
    }
}

fn denied<'a>(view: &ClientView<'a>, facts: &RequestFacts<'_>) -> Denial<'a> {
    match decide(view, facts) {
        Decision::Deny(denial) => denial,
        other => panic!("{other:?}"),
    }
}

fn facts(op: Op) -> RequestFacts<'static> {
    RequestFacts::new(op, "ws_1", NOW)
}

#[test]
fn every_operation_under_every_use_case_and_environment() {
    let mut seen = BTreeSet::new();
    for case in UseCase::ALL {
        for environment in Environment::ALL {
            for kind in [WorkspaceKind::Live, WorkspaceKind::Sandbox] {
                let grant = Grant::for_use_case(case.as_str());
                let Ok(grant) = grant.resolve(environment, kind, NOW) else {
                    continue;
                };
                let fixture = Fixture {
                    name: "importer".into(),
                    workspace: "ws_1".into(),
                    grant,
                };
                for op in Op::ALL {
                    let view = fixture.view();
                    let granted = case.operations().contains(op);
                    let outcome = authorize(&view, &facts(op), &Terms::GRANT_ALONE, op);
                    assert_eq!(
                        outcome.is_ok(),
                        granted,
                        "{op} under {case} in {environment}"
                    );
                    assert_eq!(decide(&view, &facts(op)).is_allow(), granted);
                    match outcome {
                        Ok(authorized) => {
                            assert_eq!(authorized.op(), op);
                            assert_eq!(&**authorized.client(), "importer");
                            assert_eq!(&**authorized.workspace(), "ws_1");
                            assert_eq!(authorized.decided_at(), NOW);
                            assert_eq!(authorized.into_inner(), op);
                        }
                        Err(denial) => {
                            check_denial(&denial, op, &fixture);
                            seen.insert(denial.reason());
                        }
                    }
                }
            }
        }
    }
    let expected = [
        DenyReason::NeverGranted,
        DenyReason::EnvironmentCeiling,
        DenyReason::ScopeMissing,
        DenyReason::OperationNotGranted,
    ];
    assert_eq!(seen, expected.into(), "each of these and no other");
}

/// The reason tells the truth and the text names client and operation in one line.
fn check_denial(denial: &Denial<'_>, op: Op, fixture: &Fixture) {
    let text = denial.to_string();
    assert!(
        text.contains("'importer'") && text.contains(op.id()) && text.contains(';'),
        "{text}"
    );
    assert!(!text.contains('\n'));
    assert_eq!(denial.required(), Some(op.facts().scope));
    assert_eq!(denial.granted(), fixture.grant.scopes(NOW));
    let covered = denial.granted().covers(op);
    match denial.reason() {
        DenyReason::ScopeMissing => assert!(!covered, "{text}"),
        DenyReason::OperationNotGranted => assert!(covered, "{text}"),
        DenyReason::EnvironmentCeiling => {
            assert!(fixture.grant.environment().admits(op).is_err(), "{text}");
            assert_eq!(fixture.grant.workspace_kind(), WorkspaceKind::Live);
        }
        DenyReason::NeverGranted => {
            assert!(doorward_catalog::environment::NEVER_GRANTED.contains(&op));
        }
        other => panic!("{other} for {op}"),
    }
}

#[test]
fn reasons_have_names_of_their_own() {
    let codes: BTreeSet<&str> = DenyReason::ALL.into_iter().map(DenyReason::code).collect();
    assert_eq!(codes.len(), DenyReason::ALL.len());
    let snake = |code: &str| code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    assert!(codes.iter().all(|code| snake(code)));
    assert_eq!(
        serde_json::to_string(&DenyReason::ScopeMissing).unwrap(),
        "\"scope_missing\""
    );
}

#[test]
fn the_key_and_the_client_come_before_the_operation() {
    let fixture = Fixture::live(&Grant::for_use_case("lead-import"));
    let sound = fixture.view();
    let past = Some(NOW.plus_millis(-1));
    let views = [
        (
            ClientView {
                key_revoked_at: past,
                ..sound
            },
            DenyReason::KeyRevoked,
        ),
        (
            ClientView {
                key_expires_at: past,
                ..sound
            },
            DenyReason::KeyExpired,
        ),
        (
            ClientView {
                disabled_at: past,
                ..sound
            },
            DenyReason::ClientDisabled,
        ),
        (
            ClientView {
                expires_at: past,
                ..sound
            },
            DenyReason::ClientExpired,
        ),
        (
            ClientView {
                grant: None,
                ..sound
            },
            DenyReason::GrantInvalid,
        ),
        (
            ClientView {
                environment: Environment::Staging,
                ..sound
            },
            DenyReason::GrantInvalid,
        ),
    ];
    for (view, reason) in views {
        // The same for what it was granted and for what it was not.
        for op in [Op::CreateLead, Op::DeleteLead, Op::CreateAPIKey] {
            let denial = denied(&view, &facts(op));
            assert_eq!(denial.reason(), reason);
            assert!(denial.to_string().contains("importer"), "{denial}");
        }
    }
    assert!(DenyReason::KeyRevoked.is_of_the_key() && DenyReason::KeyExpired.is_of_the_key());
    assert!(!DenyReason::ScopeMissing.is_of_the_key());
}

#[test]
fn an_end_is_over_when_it_comes_and_a_revocation_holds_at_once() {
    let fixture = Fixture::live(&Grant::for_use_case("lead-import"));
    let sound = fixture.view();
    let end = Some(NOW);
    let before = RequestFacts {
        now: NOW.plus_millis(-1),
        ..facts(Op::CreateLead)
    };
    let at = facts(Op::CreateLead);
    for view in [
        ClientView {
            key_expires_at: end,
            ..sound
        },
        ClientView {
            expires_at: end,
            ..sound
        },
    ] {
        assert!(decide(&view, &before).is_allow());
        assert!(!decide(&view, &at).is_allow());
    }
    // A clock that lags behind whoever revoked changes nothing.
    for view in [
        ClientView {
            key_revoked_at: end,
            ..sound
        },
        ClientView {
            disabled_at: end,
            ..sound
        },
    ] {
        assert!(!decide(&view, &before).is_allow());
    }
}

#[test]
fn a_client_stays_in_its_workspace() {
    let mut grant = Grant::for_use_case("lead-import");
    grant.sub_workspaces.insert("sub-1".to_owned());
    let fixture = Fixture::live(&grant);
    let view = fixture.view();
    let ask = |workspace, as_workspace| RequestFacts {
        workspace,
        as_workspace,
        ..RequestFacts::new(Op::CreateLead, "ws_1", NOW)
    };
    assert!(decide(&view, &ask("ws_1", None)).is_allow());
    assert!(decide(&view, &ask("ws_1", Some("sub-1"))).is_allow());
    for facts in [
        ask("ws_2", None),
        ask("ws_1", Some("sub-2")),
        ask("ws_1", Some("")),
        ask("", None),
    ] {
        assert_eq!(
            denied(&view, &facts).reason(),
            DenyReason::WorkspaceNotGranted
        );
    }
}

#[test]
fn what_is_no_operation_is_denied() {
    let fixture = Fixture::new(
        &Grant::for_use_case("full-automation"),
        Environment::Production,
        WorkspaceKind::Sandbox,
    );
    let denial = denied(
        &fixture.view(),
        &RequestFacts {
            op: None,
            ..facts(Op::CreateLead)
        },
    );
    assert_eq!(denial.reason(), DenyReason::UnknownOperation);
    assert_eq!((denial.operation(), denial.required()), (None, None));
}

#[test]
fn a_break_glass_that_is_over_says_so() {
    let until = NOW.plus_millis(60_000);
    let grant = Grant::for_use_case("full-automation").with_break_glass("incident 12", until);
    let fixture = Fixture::live(&grant);
    let view = fixture.view();
    assert!(decide(&view, &facts(Op::DeleteLead)).is_allow());
    let denial = denied(
        &view,
        &RequestFacts {
            now: until,
            ..facts(Op::DeleteLead)
        },
    );
    assert_eq!(denial.reason(), DenyReason::BreakGlassOver);
    assert_eq!(
        denial.to_string(),
        "client 'importer' had deleteLead by a break-glass that ended at 2027-01-15T08:01:00Z; ask \
         for a new one"
    );
}

#[test]
fn denials_read_well() {
    let fixture = Fixture::live(&Grant::for_use_case("lead-import"));
    let text = |op| denied(&fixture.view(), &facts(op)).to_string();
    assert_eq!(
        text(Op::PatchLead),
        "client 'importer' lacks leads:update for patchLead; ask for the use case writer or \
         crm-sync, or for leads:update"
    );
    assert_eq!(
        text(Op::GetCampaignAnalytics),
        "client 'importer' is not granted getCampaignAnalytics, whose scope campaigns:read is only \
         assumed; ask for the use case analytics-dashboard or reader, or for the operation \
         getCampaignAnalytics by name"
    );
    assert_eq!(
        text(Op::DeleteAPIKey),
        "client 'importer' asked for deleteAPIKey, which no client is granted; keys are managed \
         with Doorward's own commands"
    );
    let reader = Fixture::new(
        &Grant::for_use_case("reader"),
        Environment::Development,
        WorkspaceKind::Live,
    );
    assert_eq!(
        denied(&reader.view(), &facts(Op::CreateLead)).to_string(),
        "client 'importer' is in development, which admits reads only, and so is not granted \
         createLead; use a sandbox workspace, or a client in staging or production"
    );
}

fn any_op() -> impl Strategy<Value = Op> {
    (0..Op::ALL.len()).prop_map(|n| Op::ALL[n])
}

fn any_time() -> impl Strategy<Value = Option<Timestamp>> {
    proptest::option::weighted(0.3, (-3_i64..=3).prop_map(|n| NOW.plus_millis(n)))
}

proptest! {
    /// Allowed exactly when the operation was granted and nothing is expired, revoked or disabled
    /// and the workspace is the client's.
    #[test]
    fn allows_exactly_what_is_granted_and_in_force(
        ops in proptest::collection::btree_set(any_op().prop_map(|op| op.id().to_owned()), 1..20),
        asked in any_op(),
        key_expires_at in any_time(),
        key_revoked_at in any_time(),
        expires_at in any_time(),
        disabled_at in any_time(),
        workspace in prop_oneof![4 => Just("ws_1"), 1 => Just("ws_2")],
    ) {
        let grant = Grant { operations: ops.clone(), ..Grant::default() };
        let Ok(grant) = grant.resolve(Environment::Production, WorkspaceKind::Live, NOW) else {
            // Only for what no client is granted.
            let never = doorward_catalog::environment::NEVER_GRANTED;
            prop_assert!(never.iter().any(|op| ops.contains(op.id())));
            return Ok(());
        };
        let fixture = Fixture { name: "c".into(), workspace: "ws_1".into(), grant };
        let view = ClientView {
            key_expires_at, key_revoked_at, expires_at, disabled_at, ..fixture.view()
        };
        let ended = |time: Option<Timestamp>| time.is_some_and(|time| time <= NOW);
        let expected = ops.contains(asked.id())
            && !ended(key_expires_at)
            && !ended(expires_at)
            && key_revoked_at.is_none()
            && disabled_at.is_none()
            && workspace == "ws_1";
        let facts = RequestFacts::new(asked, workspace, NOW);
        prop_assert_eq!(decide(&view, &facts).is_allow(), expected);
        prop_assert_eq!(authorize(&view, &facts, &Terms::GRANT_ALONE, ()).is_ok(), expected);
    }

    /// Adding to a grant never takes anything away, and no live grant but a break-glass is beyond
    /// the ceiling.
    #[test]
    fn grants_add_up_and_stay_under_the_ceiling(
        first in any_op(),
        second in any_op(),
        scope in any_op().prop_map(|op| op.facts().scope),
        environment in prop_oneof![
            Just(Environment::Development), Just(Environment::Staging), Just(Environment::Production)
        ],
    ) {
        let small = Grant::for_operation(first.id());
        let mut large = small.clone();
        large.operations.insert(second.id().to_owned());
        large.scopes.insert(scope.to_string());
        let resolved = |grant: &Grant| grant.resolve(environment, WorkspaceKind::Live, NOW);
        if let Ok(large) = resolved(&large) {
            let small: OpSet = resolved(&small).unwrap().operations(NOW);
            prop_assert!(small.is_subset(large.operations(NOW)));
            prop_assert!(large.operations(NOW).is_subset(environment.ceiling()));
        }
    }

    /// Any text in any list: an answer, never a panic.
    #[test]
    fn any_names_are_answered(case in ".{0,80}", op in ".{0,80}", scope in ".{0,80}", sub in ".{0,80}") {
        let grant = Grant {
            use_cases: [case].into(),
            operations: [op].into(),
            scopes: [scope].into(),
            sub_workspaces: [sub].into(),
            audit: false,
            break_glass: None,
            learning: None,
        };
        let refused = grant.resolve(Environment::Staging, WorkspaceKind::Live, NOW).unwrap_err();
        prop_assert!(!refused.to_string().chars().any(char::is_control));
    }
}

#[test]
fn claims_take_a_right_of_their_own() {
    let resolve = |grant: &Grant| grant.resolve(Environment::Development, WorkspaceKind::Live, NOW);
    let (name, workspace): (Arc<str>, Arc<str>) = ("crm".into(), "ws_1".into());
    let without = resolve(&Grant::for_use_case("reader")).unwrap();
    let client = ClientView::new(&name, &workspace, &without);
    let Decision::Deny(denial) = decide_audit(&client, NOW) else {
        panic!("allowed")
    };
    assert_eq!(denial.reason(), DenyReason::AuditNotGranted);
    assert!(denial.to_string().contains("ask for `audit`"), "{denial}");

    // It is enough for a grant, and gives no operation.
    assert!(resolve(&Grant::default()).is_err());
    let only = resolve(&Grant::default().with_audit()).unwrap();
    assert!(only.operations(NOW).is_empty());
    let client = ClientView::new(&name, &workspace, &only);
    assert!(decide_audit(&client, NOW).is_allow());
    let revoked = ClientView {
        key_revoked_at: Some(NOW),
        ..client
    };
    assert!(!decide_audit(&revoked, NOW).is_allow());
}
