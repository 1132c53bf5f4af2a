//! Asking before a plan is carried out.

use doorward_posture::plan::Plan;

use super::show::digest_of;
use crate::cli::ApplyOf;
use crate::commands::confirm::confirm;
use crate::exit::Failure;

/// How the dangerous steps of a plan were approved.
pub(super) enum Approved {
    /// There are none.
    NotNeeded,
    /// They were asked for, one by one.
    Asked,
    /// They were named, by what the plan is known by.
    Named,
    /// They were not.
    No,
}

impl Approved {
    /// As it is recorded.
    pub(super) fn word(&self) -> Option<String> {
        match self {
            Self::NotNeeded | Self::No => None,
            Self::Asked => Some("asked".to_owned()),
            Self::Named => Some("named".to_owned()),
        }
    }
}

/// Asks whether a plan is to be carried out, and for each of its dangerous steps.
///
/// # Errors
/// When nobody is there to be asked, or what was approved is another plan.
pub(super) fn ask(plan: &Plan, typed: &ApplyOf) -> Result<Approved, Failure> {
    let dangerous: Vec<_> = plan.steps.iter().filter(|one| one.is_dangerous()).collect();
    let known_by = digest_of(plan);
    if let Some(named) = &typed.approve
        && *named != known_by
        && !dangerous.is_empty()
    {
        return Err(Failure::usage(format_args!(
            "what was approved ({}) is not this plan: its dangerous steps are {known_by} now; look at \
             `doorward plan` again. Nothing was done",
            crate::output::clean(named)
        )));
    }
    let named = typed.approve.is_some();
    if !dangerous.is_empty() && typed.yes && !named {
        return Err(Failure::usage(format_args!(
            "{} of the steps can do much harm: look at them with `doorward plan`, and approve them with \
             --approve {known_by}. Nothing was done",
            dangerous.len()
        )));
    }
    let question = format!("Take these {} steps?", plan.steps.len());
    if !confirm(&question, typed.yes)? {
        return Ok(Approved::No);
    }
    if dangerous.is_empty() {
        return Ok(Approved::NotNeeded);
    }
    if named {
        return Ok(Approved::Named);
    }
    for step in dangerous {
        let question = format!(
            "{} {} has {} risk. Do it?",
            step.sign.as_str(),
            step.id(),
            step.risk
        );
        if !confirm(&question, false)? {
            return Ok(Approved::No);
        }
    }
    Ok(Approved::Asked)
}
