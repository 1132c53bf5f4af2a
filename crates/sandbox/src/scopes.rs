//! Whether a key's scopes let it call an operation: the sandbox's own reading of the facts, on the
//! texts of the scopes, apart from the gateway's.

use doorward_catalog::Op;

use crate::reply::Refusal;
use crate::settings::ScopeError;

/// Whether one of the scopes covers the operation.
pub(crate) fn cover(scopes: &[String], op: Op) -> bool {
    let needed = op.facts().scope;
    let (resource, action) = (needed.resource.as_str(), needed.action.as_str());
    scopes.iter().any(|scope| match scope.split_once(':') {
        Some((of, may)) => (of == resource || of == "all") && (may == action || may == "all"),
        None => false,
    })
}

/// The refusal of a key that lacks the scope.
pub(crate) fn refusal(scopes: &[String], op: Op, status: ScopeError) -> Refusal {
    let needed = op.facts().scope;
    let found = scopes.join(", ");
    Refusal::new(
        status.into(),
        format!("Invalid scope. Required: {needed}. Found: {found}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_catalog::{Scope, ScopeSet};

    #[test]
    fn a_scope_covers_by_resource_and_action_or_their_wildcards() {
        let may = |scope: &str, op| cover(&[scope.to_owned()], op);
        for scope in ["leads:create", "leads:all", "all:create", "all:all"] {
            assert!(may(scope, Op::CreateLead), "{scope}");
        }
        for scope in [
            "leads:read",
            "lead_lists:create",
            "all:read",
            "leads",
            "",
            "all",
        ] {
            assert!(!may(scope, Op::CreateLead), "{scope}");
        }
        // A POST that reads.
        assert!(may("leads:read", Op::ListLeads));
        let refused = refusal(
            &["leads:read".to_owned(), "tags:read".to_owned()],
            Op::CreateLead,
            ScopeError::Unauthorized,
        );
        assert_eq!(refused.body.status_code, 401);
        assert_eq!(
            refused.body.message,
            "Invalid scope. Required: leads:create. Found: leads:read, tags:read"
        );
    }

    #[test]
    fn the_catalogs_algebra_says_the_same_of_every_scope_and_operation() {
        for scope in Scope::known() {
            let set: ScopeSet = [scope].into_iter().collect();
            let text = [scope.to_string()];
            for op in Op::ALL {
                assert_eq!(cover(&text, op), set.covers(op), "{scope} and {op}");
            }
        }
    }
}
