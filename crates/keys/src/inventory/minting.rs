//! The least scopes of a key that is made anew.

use doorward_catalog::{Environment, OpSet, ScopePlan, UseCase, plan_scopes};

/// Why no key is made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotMinted {
    /// Nothing was said that it is for.
    #[error("say what the key is for: at least one use case")]
    ForNothing,
    /// It goes beyond what may be granted.
    #[error("{environment} does not take {use_case}: {why}")]
    Beyond {
        /// The use case.
        use_case: UseCase,
        /// The environment.
        environment: Environment,
        /// Why.
        why: String,
    },
    /// Everything.
    #[error("a key is never made with all:all")]
    Everything,
}

/// The least scopes for use cases. With `ceiling`, each operation must be one that a client of that
/// environment may be granted; an emulated workspace has none.
///
/// # Errors
/// Why no key is made.
pub fn mint_plan(
    use_cases: &[UseCase],
    environment: Environment,
    ceiling: bool,
) -> Result<ScopePlan, NotMinted> {
    let mut operations = OpSet::EMPTY;
    for use_case in use_cases.iter().copied() {
        let beyond = |why: String| NotMinted::Beyond {
            use_case,
            environment,
            why,
        };
        if ceiling && use_case.is_break_glass() {
            let why = "it is for sandboxes and for break-glass: no key is kept for it";
            return Err(beyond(why.to_owned()));
        }
        for op in use_case.operations().iter() {
            match environment.admits(op) {
                Err(error) if ceiling => return Err(beyond(error.to_string())),
                _ => {
                    operations.insert(op);
                }
            }
        }
    }
    if operations.is_empty() {
        return Err(NotMinted::ForNothing);
    }
    let plan = plan_scopes(operations);
    let everything = |scope: doorward_catalog::Scope| scope == doorward_catalog::Scope::ALL_ALL;
    match plan.scopes().iter().any(everything) {
        true => Err(NotMinted::Everything),
        false => Ok(plan),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Environment::{Development, Production, Staging};

    #[test]
    fn a_key_is_made_for_what_it_is_for_and_nothing_else() {
        let plan = mint_plan(&[UseCase::LeadImport], Production, true).unwrap();
        let scopes = plan.scopes();
        let wanted = UseCase::LeadImport.operations();
        assert!(wanted.is_subset(scopes.allows()));
        assert!(scopes.excess(wanted).is_empty() && !scopes.has_wildcard());
        let both = mint_plan(
            &[UseCase::LeadImport, UseCase::AnalyticsDashboard],
            Production,
            true,
        );
        assert!(both.unwrap().scopes().len() > scopes.len());
        assert_eq!(mint_plan(&[], Production, true), Err(NotMinted::ForNothing));
    }

    #[test]
    fn environments_hold_but_for_what_is_emulated() {
        let all = [UseCase::FullAutomation];
        for environment in Environment::ALL {
            let refused = mint_plan(&all, environment, true).unwrap_err();
            assert!(refused.to_string().contains("break-glass"), "{refused}");
            let emulated = mint_plan(&all, environment, false).unwrap();
            assert!(!emulated.scopes().contains(doorward_catalog::Scope::ALL_ALL));
        }
        let writes = [UseCase::LeadImport];
        let refused = mint_plan(&writes, Development, true).unwrap_err();
        assert!(refused.to_string().contains("development reads only"));
        let starts = mint_plan(&[UseCase::CampaignLauncher], Staging, true);
        assert!(
            matches!(starts, Err(NotMinted::Beyond { .. })),
            "{starts:?}"
        );
    }
}
