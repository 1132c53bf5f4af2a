//! Learning: a wide grant for a limited time, to see what a client needs.

use doorward_catalog::{Environment, Op, OpSet, Risk};
use serde::{Deserialize, Serialize};

use crate::grant::{BreakGlass, WorkspaceKind};
use crate::refused::GrantRefused;
use crate::time::Timestamp;

/// Longest time that a client learns, in milliseconds: thirty days.
pub const LEARNING_MAX_MILLIS: i64 = 30 * 24 * 60 * 60 * 1_000;

/// For a limited time a client is granted nearly all that its environment admits. What else the
/// grant names stays when the time is over; where it names nothing, nothing is granted then.
///
/// In production of a live workspace that is as wide as a break-glass, and so it needs one that
/// lasts as long: a reason, and an end within four hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Learning {
    /// When it ends, at most [`LEARNING_MAX_MILLIS`] ahead. It may be over.
    pub until: Timestamp,
}

impl Learning {
    /// Whether it may be so, as of `now`.
    pub(crate) fn check(
        &self,
        environment: Environment,
        kind: WorkspaceKind,
        glass: Option<&BreakGlass>,
        now: Timestamp,
        slack: i64,
    ) -> Result<(), GrantRefused> {
        if self.until.millis_since(now) > LEARNING_MAX_MILLIS + slack {
            return Err(GrantRefused::LearningTooLong);
        }
        let guarded = environment == Environment::Production && kind == WorkspaceKind::Live;
        let covered = glass.is_some_and(|glass| self.until <= glass.expires_at);
        if guarded && !covered && self.until > now {
            return Err(GrantRefused::LearningNeedsBreakGlass);
        }
        Ok(())
    }
}

/// What a learning client is granted: what its environment admits, without what shows secrets and
/// what hands over or ends a workspace. A sandbox has nothing to lose, and so only keys are left
/// out there.
pub(crate) fn learnable(environment: Environment, kind: WorkspaceKind) -> OpSet {
    let harmless = |op: &Op| {
        kind == WorkspaceKind::Sandbox
            || (environment.admits(*op).is_ok()
                && !op.facts().returns_secrets()
                && op.risk().risk < Risk::Critical)
    };
    let may_be = |op: &Op| !crate::deny::is_never_granted(*op);
    Op::ALL
        .into_iter()
        .filter(may_be)
        .filter(harmless)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grant::Grant;
    use crate::{ClientView, Decision, DenyReason, RequestFacts, decide};
    use std::sync::Arc;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
    const LIVE: WorkspaceKind = WorkspaceKind::Live;

    fn learning(before: Grant, millis: i64) -> Grant {
        before.learning_until(NOW.plus_millis(millis))
    }

    #[test]
    fn when_learning_is_over_what_was_granted_before_is_left() {
        let before = Grant::for_use_case("analytics-dashboard");
        for (grant, left) in [(Grant::default(), false), (before, true)] {
            let grant = learning(grant, 1_000);
            let effective = grant.resolve(Environment::Staging, LIVE, NOW).unwrap();
            let (name, workspace): (Arc<str>, Arc<str>) = ("crm".into(), "ws_1".into());
            let client = ClientView::new(&name, &workspace, &effective);
            let ask = |op, after| match decide(
                &client,
                &RequestFacts::new(op, "ws_1", NOW.plus_millis(after)),
            ) {
                Decision::Allow => Ok(()),
                Decision::Deny(denial) => Err(denial.reason()),
            };
            assert_eq!(ask(Op::CreateLead, 999), Ok(()));
            assert_eq!(ask(Op::CreateLead, 1_000), Err(DenyReason::LearningOver));
            assert_eq!(ask(Op::GetCampaignAnalytics, 1_000).is_ok(), left);
            assert_eq!(
                ask(Op::DeleteCampaign, 0),
                Err(DenyReason::EnvironmentCeiling)
            );
            // Loaded again much later, it is the same.
            let later = NOW.plus_millis(90 * 86_400_000);
            let stored = grant.resolve_stored(Environment::Staging, LIVE, later);
            assert_eq!(stored.unwrap().operations(later).is_empty(), !left);
        }
    }

    #[test]
    fn it_is_within_the_ceiling_and_limited() {
        let wide = |environment, kind| learnable(environment, kind);
        for environment in Environment::ALL {
            let given = wide(environment, LIVE);
            assert!(given.difference(environment.ceiling()).is_empty());
            assert!(given.iter().all(|op| !op.facts().returns_secrets()));
        }
        let writes = |op: Op| op.facts().writes();
        assert!(!wide(Environment::Development, LIVE).iter().any(writes));
        assert!(!wide(Environment::Production, LIVE).contains(Op::ChangeWorkspaceOwner));
        let sandbox = wide(Environment::Development, WorkspaceKind::Sandbox);
        assert_eq!(sandbox.len(), Op::COUNT - 3);

        let grant = learning(Grant::default(), LEARNING_MAX_MILLIS + 1);
        assert_eq!(
            grant.resolve(Environment::Staging, LIVE, NOW),
            Err(GrantRefused::LearningTooLong)
        );
    }

    #[test]
    fn production_needs_a_break_glass_that_lasts_as_long() {
        let resolve = |grant: Grant| grant.resolve(Environment::Production, LIVE, NOW);
        let hour = 3_600_000;
        assert_eq!(
            resolve(learning(Grant::default(), hour)),
            Err(GrantRefused::LearningNeedsBreakGlass)
        );
        let glass = |millis| {
            learning(Grant::default(), hour)
                .with_break_glass("to learn what the sync needs", NOW.plus_millis(millis))
        };
        assert_eq!(
            resolve(glass(hour - 1)),
            Err(GrantRefused::LearningNeedsBreakGlass)
        );
        let effective = resolve(glass(hour)).unwrap();
        assert!(effective.contains(Op::CreateLead, NOW));
        assert!(!effective.contains(Op::CreateLead, NOW.plus_millis(hour)));
        // What has ended needs none any more.
        assert!(resolve(learning(Grant::default(), 0)).is_ok());
        // In a sandbox nothing is lifted, and nothing needs to be.
        assert!(
            learning(Grant::default(), hour)
                .resolve(Environment::Production, WorkspaceKind::Sandbox, NOW)
                .is_ok()
        );
    }
}
