//! From a grant to the very operations it gives, or a refusal.

use doorward_catalog::environment::NEVER_GRANTED;
use doorward_catalog::{Action, Environment, Op, OpSet, Scope, ScopeSet, UseCase};
use std::collections::BTreeSet;

use crate::grant::{BREAK_GLASS_MAX_MILLIS, BreakGlass, Grant, WorkspaceKind};
use crate::learning::learnable;
use crate::refused::{self, GrantRefused, Via};
use crate::time::Timestamp;

/// Most names in a list of a grant: above the number of scopes and of operations.
const NAMES_MAX: usize = 256;
/// Most bytes in a name.
const NAME_MAX: usize = 96;
/// Most characters in the reason of a break-glass.
const REASON_MAX: usize = 500;
/// How far the clock that a stored break-glass is read under may be behind the one it was made
/// under, in milliseconds. A snapshot's time is taken before it is read, so some of it is usual.
const CLOCK_SLACK_MILLIS: i64 = 5 * 60 * 1_000;

/// What a client may do: the very operations. Made by [`Grant::resolve`] alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EffectiveGrant {
    operations: OpSet,
    scopes: ScopeSet,
    lifted: OpSet,
    lifted_until: Option<Timestamp>,
    learned: OpSet,
    learning_until: Option<Timestamp>,
    sub_workspaces: BTreeSet<String>,
    audit: bool,
    environment: Environment,
    kind: WorkspaceKind,
}

impl EffectiveGrant {
    /// The operations granted at `now`.
    pub fn operations(&self, now: Timestamp) -> OpSet {
        let mut operations = self.operations;
        if self.is_lifted(now) {
            operations = operations.union(self.lifted);
        }
        if self.is_learning(now) {
            operations = operations.union(self.learned);
        }
        operations
    }

    /// Whether the operation is granted at `now`.
    pub fn contains(&self, op: Op, now: Timestamp) -> bool {
        self.operations.contains(op)
            || (self.is_lifted(now) && self.lifted.contains(op))
            || (self.is_learning(now) && self.learned.contains(op))
    }

    /// The scopes to show for it at `now`: those granted by name and those that the granted
    /// operations ask for. What a client may do is [`EffectiveGrant::operations`]; a scope here
    /// does not mean every operation that asks for it.
    pub fn scopes(&self, now: Timestamp) -> ScopeSet {
        let mut scopes = self.scopes;
        if self.is_lifted(now) {
            scopes = scopes.union(self.lifted.narrow_scopes());
        }
        if self.is_learning(now) {
            scopes = scopes.union(self.learned.narrow_scopes());
        }
        scopes
    }

    /// Until when the client learns; `None` if it never did.
    pub fn learning_until(&self) -> Option<Timestamp> {
        self.learning_until
    }

    /// The operations that end with the learning.
    pub fn learned(&self) -> OpSet {
        self.learned
    }

    /// Whether the client learns at `now`.
    pub fn is_learning(&self, now: Timestamp) -> bool {
        self.learning_until.is_some_and(|until| now < until)
    }

    /// Until when the ceiling is lifted; `None` without break-glass.
    pub fn lifted_until(&self) -> Option<Timestamp> {
        self.lifted_until
    }

    /// The operations that end with the break-glass.
    pub fn lifted(&self) -> OpSet {
        self.lifted
    }

    /// Whether the client may act on this sub-workspace.
    pub fn reaches(&self, sub_workspace: &str) -> bool {
        self.sub_workspaces.contains(sub_workspace)
    }

    /// Whether the client may write claims into the ledger.
    pub fn audit(&self) -> bool {
        self.audit
    }

    /// The environment it was resolved for.
    pub fn environment(&self) -> Environment {
        self.environment
    }

    /// The kind of workspace it was resolved for.
    pub fn workspace_kind(&self) -> WorkspaceKind {
        self.kind
    }

    fn is_lifted(&self, now: Timestamp) -> bool {
        self.lifted_until.is_some_and(|until| now < until)
    }
}

impl Grant {
    /// Resolves a grant that is being made.
    ///
    /// The ceiling, against a [`WorkspaceKind::Live`] workspace:
    /// - development admits reads; staging reads and a short list of writes
    ///   ([`STAGING_WRITES`](doorward_catalog::environment::STAGING_WRITES)); production what is
    ///   named, but no wildcard;
    /// - a use case or an operation beyond it is refused; of a scope only what is within it is
    ///   given, and a scope of which nothing is left is refused;
    /// - a wildcard (`all:…` or `…:all`) is refused, but for `all:read` in development, which
    ///   gives no operation that returns secrets;
    /// - [`UseCase::FullAutomation`], and whatever use case or operation is beyond the ceiling,
    ///   is given by a break-glass with a reason, for four hours at most.
    ///
    /// A [`WorkspaceKind::Sandbox`] has no ceiling. Nowhere is a client granted the operations on
    /// API keys ([`NEVER_GRANTED`]): creating and listing show keys in clear, and deleting ends
    /// keys that Doorward holds. Nowhere does a scope give an operation whose scope is only
    /// assumed: that takes a use case that names it, or its own name.
    ///
    /// # Errors
    /// The first fault found, with what to do about it.
    pub fn resolve(
        &self,
        environment: Environment,
        kind: WorkspaceKind,
        now: Timestamp,
    ) -> Result<EffectiveGrant, GrantRefused> {
        if self
            .break_glass
            .as_ref()
            .is_some_and(|glass| glass.expires_at <= now)
        {
            return Err(GrantRefused::BreakGlassOver);
        }
        if let Some(glass) = &self.break_glass {
            glass.check(now, 0)?;
        }
        if let Some(learning) = &self.learning {
            learning.check(environment, kind, self.break_glass.as_ref(), now, 0)?;
        }
        let effective = self.resolve_stored(environment, kind, now)?;
        // Who gives an end expects something to end.
        let lifts = !effective.lifted.is_empty() || effective.is_learning(now);
        if self.break_glass.is_some() && !lifts {
            return Err(GrantRefused::BreakGlassLiftsNothing);
        }
        Ok(effective)
    }

    /// Resolves a grant that was accepted before, when it is loaded again. As [`Grant::resolve`],
    /// but that a break-glass may be over, when what it lifted is given no more, and that its end
    /// may be a few minutes further off, since clocks differ.
    ///
    /// # Errors
    /// As [`Grant::resolve`]: the catalog or the workspace may have changed since.
    pub fn resolve_stored(
        &self,
        environment: Environment,
        kind: WorkspaceKind,
        now: Timestamp,
    ) -> Result<EffectiveGrant, GrantRefused> {
        self.check_sizes()?;
        if let Some(glass) = &self.break_glass {
            glass.check(now, CLOCK_SLACK_MILLIS)?;
        }
        let ceiling = Ceiling { environment, kind };
        let lifting = self.break_glass.is_some();

        let mut given = OpSet::EMPTY;
        let mut lifted = OpSet::EMPTY;
        for (via, operations) in self.named()? {
            let (within, beyond) = ceiling.split(via, operations);
            if !beyond.is_empty() && !lifting {
                return Err(ceiling.refusal(via, beyond));
            }
            given = given.union(within);
            lifted = lifted.union(beyond);
        }
        let mut scopes = ScopeSet::EMPTY;
        for name in &self.scopes {
            let scope = Scope::parse(name)?;
            given = given.union(ceiling.scope(scope)?);
            scopes.insert(scope);
        }
        // A client that learns need not be granted anything yet.
        let bare = given.is_empty() && lifted.is_empty() && !self.audit;
        if bare && self.learning.is_none() {
            return Err(GrantRefused::Empty);
        }
        let learned = match &self.learning {
            Some(learning) => {
                let glass = self.break_glass.as_ref();
                learning.check(environment, kind, glass, now, CLOCK_SLACK_MILLIS)?;
                learnable(environment, kind)
            }
            None => OpSet::EMPTY,
        };
        Ok(EffectiveGrant {
            operations: given,
            scopes: scopes.union(given.narrow_scopes()),
            lifted: lifted.difference(given),
            lifted_until: self.break_glass.as_ref().map(|glass| glass.expires_at),
            learned: learned.difference(given),
            learning_until: self.learning.as_ref().map(|learning| learning.until),
            sub_workspaces: self.checked_sub_workspaces()?,
            audit: self.audit,
            environment,
            kind,
        })
    }

    fn check_sizes(&self) -> Result<(), GrantRefused> {
        let lists = [
            ("the list of use cases", &self.use_cases),
            ("the list of operations", &self.operations),
            ("the list of scopes", &self.scopes),
            ("the list of sub-workspaces", &self.sub_workspaces),
        ];
        let fits = |list: &BTreeSet<String>| {
            list.len() <= NAMES_MAX && list.iter().all(|name| name.len() <= NAME_MAX)
        };
        match lists.into_iter().find(|(_, list)| !fits(list)) {
            Some((what, _)) => Err(GrantRefused::TooLarge(what)),
            None => Ok(()),
        }
    }

    /// The operations that use cases and names ask for, each with what asks.
    fn named(&self) -> Result<Vec<(Via, OpSet)>, GrantRefused> {
        let mut named = Vec::with_capacity(self.use_cases.len() + 1);
        for name in &self.use_cases {
            let case: UseCase = name
                .parse()
                .map_err(|_| GrantRefused::UnknownUseCase(name.clone()))?;
            named.push((
                Via::UseCase(case),
                case.operations().difference(never_granted()),
            ));
        }
        let mut by_name = OpSet::EMPTY;
        for id in &self.operations {
            let op = Op::from_id(id).ok_or_else(|| GrantRefused::UnknownOperation(id.clone()))?;
            if NEVER_GRANTED.contains(&op) {
                return Err(GrantRefused::NeverGranted(op));
            }
            by_name.insert(op);
        }
        named.push((Via::Operation, by_name));
        Ok(named)
    }

    fn checked_sub_workspaces(&self) -> Result<BTreeSet<String>, GrantRefused> {
        let is_id = |id: &str| {
            !id.is_empty()
                && id
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        };
        match self.sub_workspaces.iter().find(|id| !is_id(id)) {
            Some(id) => Err(GrantRefused::BadSubWorkspace(id.clone())),
            None => Ok(self.sub_workspaces.clone()),
        }
    }
}

impl BreakGlass {
    fn check(&self, now: Timestamp, slack: i64) -> Result<(), GrantRefused> {
        let reason = self.reason.trim();
        if reason.is_empty() || reason.chars().count() > REASON_MAX {
            return Err(GrantRefused::BreakGlassReason);
        }
        if self.expires_at.millis_since(now) > BREAK_GLASS_MAX_MILLIS + slack {
            return Err(GrantRefused::BreakGlassTooLong);
        }
        Ok(())
    }
}

/// What an environment admits against a kind of workspace.
#[derive(Clone, Copy)]
struct Ceiling {
    environment: Environment,
    kind: WorkspaceKind,
}

impl Ceiling {
    fn is_none(self) -> bool {
        self.kind == WorkspaceKind::Sandbox
    }

    /// Parts what is within the ceiling from what is beyond it.
    fn split(self, via: Via, operations: OpSet) -> (OpSet, OpSet) {
        if self.is_none() {
            return (operations, OpSet::EMPTY);
        }
        // All of such a use case ends with the break-glass, also what would be within the ceiling.
        if matches!(via, Via::UseCase(case) if case.is_break_glass()) {
            return (OpSet::EMPTY, operations);
        }
        let ceiling = self.environment.ceiling();
        (
            operations.intersection(ceiling),
            operations.difference(ceiling),
        )
    }

    fn refusal(self, via: Via, beyond: OpSet) -> GrantRefused {
        match via {
            Via::UseCase(case) if case.is_break_glass() => GrantRefused::NeedsBreakGlass(case),
            _ => GrantRefused::BeyondCeiling {
                environment: self.environment,
                via,
                operations: beyond.iter().collect(),
            },
        }
    }

    /// What a scope gives.
    fn scope(self, scope: Scope) -> Result<OpSet, GrantRefused> {
        let wildcard = scope.is_wildcard() || scope.action == Action::All;
        let admitted = self.environment.admits_wildcards() && scope.action == Action::Read;
        if wildcard && !admitted && !self.is_none() {
            return Err(GrantRefused::Wildcard {
                scope,
                environment: self.environment,
            });
        }
        let covered = ScopeSet::from_iter([scope]).allows();
        let mut given = covered.difference(never_granted());
        if let (true, Some(op)) = (given.is_empty(), covered.iter().next()) {
            return Err(GrantRefused::NeverGranted(op));
        }
        given = without(given, |op| op.facts().basis.is_assumed());
        let documented = given;
        if !self.is_none() {
            given = given.intersection(self.environment.ceiling());
            if wildcard {
                given = without(given, |op| op.facts().returns_secrets());
            }
        }
        if given.is_empty() {
            let why = if covered.is_empty() {
                "no operation asks for it; leave it out".to_owned()
            } else if documented.is_empty() {
                "the operations under it have assumed scopes; name a use case or the operations"
                    .to_owned()
            } else {
                format!(
                    "it admits {}; {}",
                    refused::rule(self.environment),
                    refused::beyond_help(self.environment)
                )
            };
            return Err(GrantRefused::GivesNothing {
                scope,
                environment: self.environment,
                why,
            });
        }
        Ok(given)
    }
}

fn never_granted() -> OpSet {
    NEVER_GRANTED.into_iter().collect()
}

fn without(operations: OpSet, unwanted: impl Fn(Op) -> bool) -> OpSet {
    operations.iter().filter(|op| !unwanted(*op)).collect()
}
