//! Judging a request again, by what was kept of it.

use doorward_catalog::Op;
use doorward_policy::{ConditionFacts, Timestamp};

use crate::request::Asker;

/// What was kept of a request, and when it was judged.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// The operation.
    pub op: Op,
    /// Who asked.
    pub asker: Asker<'a>,
    /// When.
    pub now: Timestamp,
    /// The sub-workspace in `x-as-workspace`.
    pub as_workspace: Option<&'a str>,
    /// What it named.
    pub facts: &'a ConditionFacts,
}

/// How a request would be judged, as far as that can be told by what was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Again<'p> {
    /// As these policies have it.
    Judged(doorward_policy::Judgement<'p>),
    /// The policy of that name asks for what is not kept: fields of the query or the body.
    Unknown(&'p str),
}
