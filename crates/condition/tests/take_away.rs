//! Policies only take away: whatever they say, nothing is allowed that is not granted.

#![cfg(test)]

use std::sync::{Arc, LazyLock};

use doorward_catalog::{Environment, Op};
use doorward_condition::{Asked, Asker, Day, Policies, PolicyText, schema_digest};
use doorward_policy::{
    Approval, Approvals, ClientView, Grant, Judgement, RequestFacts, Terms, Timestamp,
    WorkspaceKind, authorize, decide,
};
use proptest::prelude::*;

const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

/// Texts of all sorts: those that fit, one that does not, and a permit that found its way in.
const TEXTS: [&str; 8] = [
    "forbid (principal, action, resource);",
    "forbid (principal, action in Action::\"writes\", resource);",
    "forbid (principal == Client::\"other\", action, resource);",
    "forbid (principal, action, resource) unless { [\"a\"].containsAll(context.campaigns) };",
    "@approval(\"required\") forbid (principal, action in Action::\"dangerous\", resource);",
    "forbid (principal, action, resource) when { context.leads_in_call > 10 };",
    "permit (principal, action, resource);",
    "forbid (principal",
];

struct Always;

impl Approvals for Always {
    fn granted(&self) -> Option<Approval> {
        Some(Approval {
            id: "ap_1".into(),
            expires_at: NOW.plus_millis(1),
        })
    }
}

static READ: LazyLock<Vec<Policies>> = LazyLock::new(|| {
    let all = (0..1_usize << TEXTS.len()).map(|chosen| {
        let texts = TEXTS
            .iter()
            .enumerate()
            .filter(|(n, _)| chosen & (1 << n) != 0);
        let names: Vec<String> = (0..TEXTS.len()).map(|n| format!("p{n}")).collect();
        let texts: Vec<_> = texts.map(|(n, text)| (names[n].clone(), *text)).collect();
        let stored = texts.iter().map(|(name, text)| PolicyText {
            name,
            text,
            schema: schema_digest(),
        });
        Policies::read(stored, None)
    });
    all.collect()
});

proptest! {
    #[test]
    fn allowed_is_within_granted(
        op in 0..Op::COUNT,
        case in proptest::sample::select(vec!["reader", "lead-import", "crm-sync", "writer"]),
        chosen in 0..1_usize << TEXTS.len(),
        body in proptest::option::of("\\{\"(campaign|ids|limit)\":(\"a\"|3|null|\\[\\])\\}"),
        approved in any::<bool>(),
    ) {
        let op = Op::ALL[op];
        let policies = &READ[chosen];
        let grant = Grant::for_use_case(case);
        let effective = grant
            .resolve_stored(Environment::Production, WorkspaceKind::Live, NOW)
            .unwrap();
        let (name, workspace): (Arc<str>, Arc<str>) = ("crm".into(), "ws_1".into());
        let client = ClientView::new(&name, &workspace, &effective);
        let facts = RequestFacts::new(op, &workspace, NOW);
        let asker = Asker {
            name: "crm",
            environment: Environment::Production,
            owner: "",
            purpose: "",
            workspace: "acme",
            workspace_kind: WorkspaceKind::Live,
        };
        let asked = Asked {
            op,
            parameter: Some("0195c1a0-0000-7000-8000-000000000001"),
            query: "",
            body: body.as_deref().unwrap_or_default().as_bytes(),
            source: [127, 0, 0, 1].into(),
            as_workspace: None,
            now: NOW,
            today: Day::default(),
        };
        let judged = policies.judge(&asker, asked);
        let none = doorward_policy::NoApprovals;
        let approvals: &dyn Approvals = if approved { &Always } else { &none };
        let terms = Terms { conditions: &judged, approvals };
        let allowed = authorize(&client, &facts, &terms, ()).is_ok();
        let granted = decide(&client, &facts).is_allow();
        prop_assert!(granted || !allowed, "{op} is not granted");
        let expected = match judged.judgement() {
            Judgement::Allow => granted,
            Judgement::NeedsApproval(_) => granted && approved,
            _ => false,
        };
        prop_assert_eq!(allowed, expected);
        // A text that does not fit refuses all: also the permit.
        if chosen & 0b1100_0001 != 0 {
            prop_assert!(!allowed);
        }
        if chosen == 0 {
            prop_assert_eq!(allowed, granted);
        }
    }
}
