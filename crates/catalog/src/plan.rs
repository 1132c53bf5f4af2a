//! The least scopes for a set of operations, and why each is needed.

use serde::Serialize;

use crate::operation::{Basis, OpSet};
use crate::scope::{Resource, Scope};
use crate::scope_set::ScopeSet;

/// A scope that is needed and what for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// The scope.
    pub scope: Scope,
    /// The operations it is there for, by `operationId`.
    pub operations: Vec<&'static str>,
    /// The operations among them whose scope is only assumed.
    pub assumed: Vec<&'static str>,
    /// Why it is no narrower, when it is wider than the operations ask for.
    pub wider_because: Option<String>,
}

/// The least set of scopes that a key needs for a set of operations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScopePlan {
    /// The scopes, in the vendor's order, each with its reason.
    pub choices: Vec<Choice>,
}

impl ScopePlan {
    /// The scopes alone.
    pub fn scopes(&self) -> ScopeSet {
        self.choices.iter().map(|choice| choice.scope).collect()
    }
}

/// Plans the scopes of an upstream key: narrow before wide, deterministic. A wildcard is taken only
/// where an operation asks for a scope that no key can be given; it then also serves the other
/// operations of the same action, so that none of those needs a scope of its own.
pub fn plan_scopes(operations: OpSet) -> ScopePlan {
    let mut wildcards = ScopeSet::EMPTY;
    for op in operations.iter() {
        let scope = op.facts().scope;
        if !scope.is_assignable() {
            wildcards.insert(Scope::new(Resource::All, scope.action));
        }
    }
    let mut chosen: Vec<Choice> = Vec::new();
    for op in operations.iter() {
        let facts = op.facts();
        let wildcard = Scope::new(Resource::All, facts.scope.action);
        let scope = if wildcards.contains(wildcard) {
            wildcard
        } else {
            facts.scope
        };
        let choice = match chosen.iter_mut().find(|choice| choice.scope == scope) {
            Some(choice) => choice,
            None => {
                let at = chosen.partition_point(|choice| choice.scope < scope);
                chosen.insert(
                    at,
                    Choice {
                        scope,
                        operations: vec![],
                        assumed: vec![],
                        wider_because: None,
                    },
                );
                let Some(choice) = chosen.get_mut(at) else {
                    continue;
                };
                choice
            }
        };
        choice.operations.push(facts.id);
        if facts.basis == Basis::Assumed {
            choice.assumed.push(facts.id);
        }
        if !facts.scope.is_assignable() && choice.wider_because.is_none() {
            choice.wider_because = Some(format!(
                "{} asks for {}, which no key can be given; only {scope} or all:all covers it",
                facts.id, facts.scope
            ));
        }
    }
    ScopePlan { choices: chosen }
}

impl OpSet {
    /// The scopes the operations ask for, the narrowest each; also those that no key can be given.
    /// This is what a client is granted; what its upstream key needs is [`plan_scopes`].
    pub fn narrow_scopes(self) -> ScopeSet {
        self.iter().map(|op| op.facts().scope).collect()
    }
}
