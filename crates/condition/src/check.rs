//! Holding the text of a policy against the schema before it is saved.

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
