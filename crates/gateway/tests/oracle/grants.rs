//! What a grant gives, said again from the guide: use cases, names, scopes, ceilings, break-glass
//! and learning.

use doorward_catalog::environment::{NEVER_GRANTED, STAGING_WRITES};
use doorward_catalog::{Environment, Op, Risk, UseCase};

use crate::world::HOUR;

/// A grant as it is written down.
#[derive(Debug, Clone, Default)]
pub(crate) struct GrantSpec {
    pub(crate) use_cases: Vec<UseCase>,
    pub(crate) operations: Vec<Op>,
    pub(crate) scopes: Vec<&'static str>,
    pub(crate) subs: Vec<&'static str>,
    /// When the break-glass ends.
    pub(crate) glass: Option<i64>,
    /// Until when the client learns.
    pub(crate) learning: Option<i64>,
}

/// Sub-workspaces that are granted, or asked for.
pub(crate) const SUBS: [&str; 2] = ["0195-sub-a", "0195-sub-b"];

/// The grants that clients are given, `now` being when.
pub(crate) fn spec(pick: u8, now: i64) -> GrantSpec {
    let scopes = |scopes: &[&'static str]| GrantSpec {
        scopes: scopes.to_vec(),
        ..GrantSpec::default()
    };
    let case = |case| GrantSpec {
        use_cases: vec![case],
        ..GrantSpec::default()
    };
    let mut spec = match pick % 16 {
        0 | 1 => scopes(&["all:all"]),
        2 => scopes(&["campaigns:all", "leads:all"]),
        3 => scopes(&["all:read"]),
        4 => scopes(&["leads:create", "campaigns:read", "campaigns:update"]),
        5 => case(UseCase::LeadImport),
        6 => case(UseCase::CampaignLauncher),
        7 => case(UseCase::Reader),
        8 => case(UseCase::Writer),
        9 => case(UseCase::AnalyticsDashboard),
        10 => GrantSpec {
            glass: Some(now + HOUR),
            ..case(UseCase::FullAutomation)
        },
        11 => GrantSpec {
            operations: vec![Op::CreateLead, Op::DeleteCampaign, Op::ListCampaign],
            scopes: vec!["webhooks:read"],
            ..GrantSpec::default()
        },
        12 => GrantSpec {
            operations: vec![Op::ActivateCampaign, Op::DeleteLead],
            glass: Some(now + 4 * HOUR),
            scopes: vec!["campaigns:read"],
            ..GrantSpec::default()
        },
        13 => GrantSpec {
            learning: Some(now + HOUR),
            ..case(UseCase::AnalyticsDashboard)
        },
        14 => GrantSpec {
            learning: Some(now + HOUR),
            glass: Some(now + 2 * HOUR),
            ..GrantSpec::default()
        },
        _ => scopes(&["campaigns:read", "leads:read", "accounts:all"]),
    };
    if pick & 0x40 != 0 {
        spec.subs.push(SUBS[0]);
    }
    spec
}

fn writes(op: Op) -> bool {
    op.facts().scope.action.as_str() != "read"
}

/// What an environment lets be granted in a live workspace.
fn within_ceiling(op: Op, environment: Environment) -> bool {
    match environment {
        Environment::Development => !writes(op),
        Environment::Staging => !writes(op) || STAGING_WRITES.contains(&op),
        Environment::Production => true,
    }
}

/// Whether a scope, as text, covers an operation.
pub(crate) fn covers(scope: &str, op: Op) -> bool {
    let (resource, action) = scope.split_once(':').unwrap();
    let wanted = op.facts().scope.to_string();
    let (of, what) = wanted.split_once(':').unwrap();
    (resource == "all" || resource == of) && (action == "all" || action == what)
}

impl GrantSpec {
    /// Whether it gives an operation to a client of that environment, in such a workspace, then.
    pub(crate) fn gives(&self, op: Op, environment: Environment, live: bool, now: i64) -> bool {
        if NEVER_GRANTED.contains(&op) {
            return false;
        }
        let glass = self.glass.is_some_and(|end| now < end);
        let in_bounds = !live || within_ceiling(op, environment);
        let by_case = self.use_cases.iter().any(|case| {
            let needs_glass = live && (!in_bounds || *case == UseCase::FullAutomation);
            case.operations().contains(op) && (!needs_glass || glass)
        });
        let by_name = self.operations.contains(&op) && (in_bounds || glass);
        let by_scope = self.scopes.iter().any(|scope| {
            let wide = scope.starts_with("all:") || scope.ends_with(":all");
            let held_back = live && wide && op.facts().returns_secrets();
            let stated = op.facts().basis.as_str() != "assumed";
            covers(scope, op) && stated && in_bounds && !held_back
        });
        let harmless =
            in_bounds && !op.facts().returns_secrets() && !matches!(op.risk().risk, Risk::Critical);
        let by_learning = self.learning.is_some_and(|end| now < end) && (!live || harmless);
        by_case || by_name || by_scope || by_learning
    }
}
