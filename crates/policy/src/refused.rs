//! Why a grant is refused, and what to do instead.

use doorward_catalog::{Environment, Op, Scope, UseCase, shown};
use std::fmt;

/// Which part of the grant asked for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// A use case names the operation.
    UseCase(UseCase),
    /// The grant names the operation.
    Operation,
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UseCase(case) => write!(f, "the use case {case}"),
            Self::Operation => f.write_str("the operations named"),
        }
    }
}

/// Why a grant is refused. The text says what is wrong and, after a semicolon, what to do next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GrantRefused {
    /// It grants nothing.
    #[error("the grant names nothing; name a use case, an operation or a scope")]
    Empty,
    /// A list is longer or a name is larger than any honest grant's.
    #[error("{0} of the grant has too many or too long entries; grant less, or a use case")]
    TooLarge(&'static str),
    /// No such use case.
    #[error("there is no use case '{}'; there are {}", shown(.0), use_cases())]
    UnknownUseCase(String),
    /// No such operation.
    #[error("there is no operation '{}'; {}", shown(.0), nearest_operation(.0))]
    UnknownOperation(String),
    /// No such scope.
    #[error("{0}")]
    UnknownScope(#[from] doorward_catalog::ParseScopeError),
    /// A sub-workspace's id has other characters than letters, digits, `-` and `_`.
    #[error("'{}' is no workspace id; take it from `doorward workspace show`", shown(.0))]
    BadSubWorkspace(String),
    /// No client may have it, anywhere: it makes, shows or ends the keys that Doorward holds.
    #[error(
        "{0} is never granted to a client: it makes, shows or ends the keys that Doorward holds; \
         manage keys with `doorward workspace` and `doorward key`"
    )]
    NeverGranted(Op),
    /// The environment does not admit these operations.
    #[error(
        "{via} go{} beyond the ceiling of {environment}, {}, with {}; {}",
        if *.via == Via::Operation { "" } else { "es" },
        rule(*.environment), listed(.operations), beyond_help(*.environment)
    )]
    BeyondCeiling {
        /// The client's environment.
        environment: Environment,
        /// What asked for it.
        via: Via,
        /// The operations beyond the ceiling, in the vendor's order.
        operations: Vec<Op>,
    },
    /// A wildcard scope where the environment admits none.
    #[error(
        "{scope} is a wildcard, which {environment} does not admit; name the use case, the \
         operations or the scopes it needs"
    )]
    Wildcard {
        /// The scope.
        scope: Scope,
        /// The client's environment.
        environment: Environment,
    },
    /// A scope of which nothing is left once the ceiling and assumed scopes are taken off.
    #[error("{scope} gives nothing in {environment}: {why}")]
    GivesNothing {
        /// The scope.
        scope: Scope,
        /// The client's environment.
        environment: Environment,
        /// Why, and what to do instead.
        why: String,
    },
    /// A use case that a live workspace gives only as break-glass.
    #[error(
        "{0} is granted only against a sandbox workspace or as break-glass; grant the use cases \
         it consists of, or add a reason and an end within four hours"
    )]
    NeedsBreakGlass(UseCase),
    /// A break-glass without a reason.
    #[error("a break-glass needs a reason of 1 to 500 characters; say what it is for")]
    BreakGlassReason,
    /// A break-glass that ends too late.
    #[error("a break-glass ends within four hours; choose an earlier end and renew it if needed")]
    BreakGlassTooLong,
    /// A break-glass that is over already.
    #[error("the break-glass is over already; choose an end within the next four hours")]
    BreakGlassOver,
    /// A break-glass over a grant that is within the ceiling: nothing would end with it.
    #[error(
        "the break-glass lifts nothing: all of the grant is within the ceiling and would stay; \
         leave the break-glass out, or let the client expire"
    )]
    BreakGlassLiftsNothing,
    /// A learning that ends too late.
    #[error("a client learns for thirty days at most; choose an earlier end")]
    LearningTooLong,
    /// A learning in production without a break-glass that lasts as long.
    #[error(
        "to learn in production is to be granted nearly everything there; give it as break-glass, \
         with a reason and an end within four hours, or learn in staging or against a sandbox"
    )]
    LearningNeedsBreakGlass,
}

impl GrantRefused {
    /// A stable name for programs, in snake case.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "grant_empty",
            Self::TooLarge(_) => "grant_too_large",
            Self::UnknownUseCase(_) => "unknown_use_case",
            Self::UnknownOperation(_) => "unknown_operation",
            Self::UnknownScope(_) => "unknown_scope",
            Self::BadSubWorkspace(_) => "bad_sub_workspace",
            Self::NeverGranted(_) => "never_granted",
            Self::BeyondCeiling { .. } => "environment_ceiling",
            Self::Wildcard { .. } => "wildcard_scope",
            Self::GivesNothing { .. } => "scope_gives_nothing",
            Self::NeedsBreakGlass(_) => "needs_break_glass",
            Self::BreakGlassReason => "break_glass_reason",
            Self::BreakGlassTooLong => "break_glass_too_long",
            Self::BreakGlassOver => "break_glass_over",
            Self::BreakGlassLiftsNothing => "break_glass_lifts_nothing",
            Self::LearningTooLong => "learning_too_long",
            Self::LearningNeedsBreakGlass => "learning_needs_break_glass",
        }
    }
}

/// What an environment admits, in a few words.
pub(crate) const fn rule(environment: Environment) -> &'static str {
    match environment {
        Environment::Development => "reads only",
        Environment::Staging => "reads and a short list of writes",
        Environment::Production => "what the use case needs",
    }
}

/// What to do about it.
pub(crate) const fn beyond_help(environment: Environment) -> &'static str {
    match environment {
        Environment::Development => "use a sandbox workspace, or a client in staging or production",
        Environment::Staging => "use a sandbox workspace, or a client in production",
        Environment::Production => "name only what the use case needs",
    }
}

fn use_cases() -> String {
    UseCase::ALL.map(UseCase::as_str).join(", ")
}

fn nearest_operation(text: &str) -> String {
    match Op::ALL
        .into_iter()
        .find(|op| op.id().eq_ignore_ascii_case(text))
    {
        Some(op) => format!("did you mean {op}?"),
        None => "`doorward scopes list --operations` shows them all".to_owned(),
    }
}

/// The first few, and how many more.
fn listed(operations: &[Op]) -> String {
    const FEW: usize = 5;
    let mut text: Vec<&str> = operations.iter().take(FEW).map(|op| op.id()).collect();
    let more = operations.len().saturating_sub(FEW);
    let rest = format!("{more} more");
    if more > 0 {
        text.push(&rest);
    }
    text.join(", ")
}
