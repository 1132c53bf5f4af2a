//! `doorward scopes …`.

use clap::{Args, Subcommand};

/// `doorward scopes …`
#[derive(Debug, Subcommand)]
pub(crate) enum ScopesCommand {
    /// Plan the least scopes for use cases or operations, each with its reason
    Plan(ScopesPlan),
    /// Explain a scope, an operation, a use case, or a method and path
    #[command(after_help = "\
Examples:
  doorward scopes explain leads:create
  doorward scopes explain activateCampaign
  doorward scopes explain lead-import
  doorward scopes explain POST /api/v2/leads")]
    Explain {
        /// A scope, an operationId, a use case, or METHOD PATH
        #[arg(required = true, num_args = 1..=2, value_name = "WHAT")]
        what: Vec<String>,
    },
    /// List the scopes, with what each allows and its risk
    #[command(after_help = "\
Examples:
  doorward scopes list
  doorward scopes list --risk critical
  doorward scopes list --use-cases
  doorward scopes list --operations --json")]
    List {
        /// List the use cases
        #[arg(long, conflicts_with = "operations")]
        use_cases: bool,
        /// List the operations
        #[arg(long)]
        operations: bool,
        /// Only those of this risk or more: low, medium, high or critical
        #[arg(long, value_name = "RISK", value_parser = risk)]
        risk: Option<doorward_catalog::Risk>,
    },
}

/// `doorward scopes plan`
#[derive(Debug, Args)]
#[command(after_help = "\
Give the plan to whoever makes the upstream key. With --has, the plan is held against the scopes of
a key that is there: what it lacks and what it has too much is a finding (exit code 1).

Examples:
  doorward scopes plan --use-case lead-import
  doorward scopes plan --use-case lead-import --use-case analytics-dashboard --json
  doorward scopes plan --operation createLead --operation 'GET /api/v2/campaigns'
  doorward scopes plan --use-case lead-import --has leads:all,campaigns:read")]
pub(crate) struct ScopesPlan {
    /// A use case; may be given more than once
    #[arg(
        long,
        short,
        value_name = "NAME",
        required_unless_present = "operation"
    )]
    pub(crate) use_case: Vec<String>,

    /// An operationId, or 'METHOD PATH'; may be given more than once
    #[arg(long, value_name = "ID")]
    pub(crate) operation: Vec<String>,

    /// Scopes of a key that is there, separated by commas
    #[arg(long, value_name = "SCOPES")]
    pub(crate) has: Option<String>,
}

fn risk(text: &str) -> Result<doorward_catalog::Risk, String> {
    doorward_catalog::Risk::ALL
        .into_iter()
        .find(|risk| risk.as_str() == text)
        .ok_or_else(|| "choose low, medium, high or critical".to_owned())
}
