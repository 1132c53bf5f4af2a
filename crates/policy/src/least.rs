//! The least grant that gives a set of operations.

use std::collections::BTreeSet;

use doorward_catalog::{Op, OpSet, UseCase};

use crate::grant::Grant;

impl Grant {
    /// The least grant of these operations, and of nothing else: the use cases that are wholly
    /// among them, the largest first, and by name what is left.
    pub fn least(operations: OpSet) -> Self {
        let mut cases: Vec<(UseCase, OpSet)> = UseCase::ALL
            .into_iter()
            .filter(|case| !case.is_break_glass())
            .map(|case| (case, grantable(case.operations())))
            .filter(|(_, given)| given.difference(operations).is_empty())
            .collect();
        cases.sort_by_key(|(_, given)| std::cmp::Reverse(given.len()));
        let mut left = operations;
        let mut use_cases = BTreeSet::new();
        for (case, given) in cases {
            // One that adds nothing, or a single operation, says less than the operation's name.
            if left.intersection(given).len() > 1 {
                left = left.difference(given);
                use_cases.insert(case.as_str().to_owned());
            }
        }
        Self {
            use_cases,
            operations: left.iter().map(|op| op.id().to_owned()).collect(),
            ..Self::default()
        }
    }
}

fn grantable(operations: OpSet) -> OpSet {
    let may_be = |op: &Op| !crate::deny::is_never_granted(*op);
    operations.iter().filter(may_be).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Timestamp, WorkspaceKind};
    use doorward_catalog::Environment;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn a_use_case_that_fits_is_named() {
        for case in UseCase::ALL
            .into_iter()
            .filter(|case| !case.is_break_glass())
        {
            let least = Grant::least(grantable(case.operations()));
            assert!(least.operations.is_empty(), "{case}: {least:?}");
            assert!(least.use_cases.contains(case.as_str()), "{case}: {least:?}");
        }
        let two = [Op::ListCampaign, Op::GetCampaign].into_iter().collect();
        let least = Grant::least(two);
        assert!(least.use_cases.is_empty());
        assert_eq!(least.operations.len(), 2);
    }

    proptest! {
        /// It gives what was asked for, and not one operation more.
        #[test]
        fn it_gives_these_operations_and_no_other(
            some in proptest::collection::btree_set(0..Op::COUNT, 1..60),
            cases in proptest::sample::subsequence(UseCase::ALL.to_vec(), 0..3),
        ) {
            let mut wanted: OpSet = some.into_iter().map(|n| Op::ALL[n]).collect();
            for case in cases {
                if !case.is_break_glass() {
                    wanted = wanted.union(case.operations());
                }
            }
            let wanted = grantable(wanted);
            prop_assume!(!wanted.is_empty());
            let least = Grant::least(wanted);
            let given = least
                .resolve(Environment::Production, WorkspaceKind::Live, NOW)
                .unwrap();
            prop_assert_eq!(given.operations(NOW), wanted);
        }
    }
}
