//! What a key could have done: by its scopes.

use doorward_catalog::{Op, OpSet, Risk, ScopeSet};
use serde::{Deserialize, Serialize};

/// Operations that were open to whoever held the key, for one reason to worry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reach {
    /// How bad.
    pub(crate) risk: Risk,
    /// Why.
    pub(crate) reason: String,
    /// The operations, by `operationId`.
    pub(crate) operations: Vec<String>,
}

/// The reach of scopes, the worst first.
pub(crate) fn radius(scopes: ScopeSet) -> Vec<Reach> {
    of(scopes.allows())
}

/// The reach of operations, the worst first.
fn of(operations: OpSet) -> Vec<Reach> {
    let mut found: Vec<Reach> = Vec::new();
    for op in operations.iter() {
        let worst = Op::risk(op);
        let same = |one: &&mut Reach| one.risk == worst.risk && one.reason == worst.reason;
        match found.iter_mut().find(same) {
            Some(reach) => reach.operations.push(op.id().to_owned()),
            None => found.push(Reach {
                risk: worst.risk,
                reason: worst.reason.to_owned(),
                operations: vec![op.id().to_owned()],
            }),
        }
    }
    found.sort_by(|a, b| (b.risk, &a.reason).cmp(&(a.risk, &b.reason)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_that_a_key_may_do_comes_first() {
        let scopes: ScopeSet = "leads:all,campaigns:read".parse().unwrap();
        let reach = radius(scopes);
        assert!(reach.windows(2).all(|two| two[0].risk >= two[1].risk));
        let all: usize = reach.iter().map(|one| one.operations.len()).sum();
        assert_eq!(all, scopes.allows().len(), "each operation once");
        assert_eq!(radius(ScopeSet::EMPTY), []);
    }
}
