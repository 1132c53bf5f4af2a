//! Holding the text of a policy against the schema before it is saved.

use cedar_policy::PolicySet;
use doorward_catalog::OpSet;

use crate::fault::PolicyFault;
use crate::rule::{Rule, read};

/// What a policy bears on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bearing {
    /// The rule's name: the policy's, with `/` and the rule's `@id` where it has one.
    pub name: String,
    /// Whether a person's approval lifts it.
    pub approval: bool,
    /// The one client that it bears on; none for any.
    pub client: Option<String>,
    /// The operations that it bears on.
    pub operations: OpSet,
}

/// Reads the text of a policy, and says what each of its rules bears on.
///
/// # Errors
/// What is wrong with it, in the order of the text.
pub fn check(name: &str, text: &str) -> Result<Vec<Bearing>, Vec<PolicyFault>> {
    let bearing = |rule: Rule| Bearing {
        name: rule.name.to_string(),
        approval: rule.approval,
        client: rule.client.map(String::from),
        operations: rule.ops,
    };
    Ok(read(name, text)?.into_iter().map(bearing).collect())
}

/// Whether something that a text forbade may be let pass by the other: whether any of its rules is
/// not there any more, word for word.
pub fn loosened(before: &str, after: &str) -> bool {
    let rules = |text: &str| -> Option<Vec<serde_json::Value>> {
        let set: PolicySet = text.parse().ok()?;
        set.policies().map(|rule| rule.to_json().ok()).collect()
    };
    match (rules(before), rules(after)) {
        (Some(before), Some(after)) => !before.iter().all(|rule| after.contains(rule)),
        // One that can't be read refuses whatever it could bear on: any other may forbid less.
        _ => before != after,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_not_there_any_more_may_let_something_pass() {
        let one = "forbid (principal, action == Action::\"createLead\", resource);";
        let two = "forbid (principal == Client::\"a\", action, resource);";
        let both = format!("// two of them\n{two}\n\n{one}");
        assert!(!loosened(one, one));
        assert!(!loosened(one, &both), "added to");
        assert!(loosened(&both, one), "taken away from");
        assert!(loosened(one, two));
        assert!(
            loosened(one, &format!("// {one}\n{two}")),
            "left in a comment"
        );
        let approved = format!("@approval(\"required\") {one}");
        assert!(loosened(one, &approved), "a person lifts it now");
        let narrower = one.replace(';', " when { false };");
        assert!(loosened(one, &narrower));
        assert!(loosened("no policy", one));
    }
}
