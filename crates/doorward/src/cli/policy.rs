//! `doorward policy …`.

use clap::Subcommand;

use super::trial::{Explain, Simulate};

/// `doorward policy …`
#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Save a policy: what clients may not do although it is granted, or not without approval
    #[command(after_help = "\
The policy is in Cedar: `forbid`s alone, since grants allow and policies only take away. It is held
against the schema first, and holds for the very next call. One of the same name is replaced.

Examples:
  doorward policy add own-campaigns own-campaigns.cedar
  doorward policy presets office-hours | doorward policy add office-hours -")]
    Add {
        /// Name to call it by; refusals say it
        name: String,
        /// File with its text; - for standard input
        file: String,
    },
    /// List the policies
    #[command(after_help = "\
Examples:
  doorward policy list
  doorward policy list --json")]
    List,
    /// Show a policy, and which clients and operations it bears on
    #[command(after_help = "\
Examples:
  doorward policy show own-campaigns
  doorward policy show own-campaigns --json | jq -r .text > own-campaigns.cedar")]
    Show {
        /// Name of the policy
        name: String,
    },
    /// Remove a policy: what it forbade is allowed again as far as it is granted
    #[command(after_help = "\
Examples:
  doorward policy remove own-campaigns")]
    Remove {
        /// Name of the policy
        name: String,
    },
    /// Hold a file against the schema, and save nothing
    #[command(after_help = "\
Ends with 1 when the policy does not fit.

Examples:
  doorward policy check own-campaigns.cedar
  doorward policy check - --json < own-campaigns.cedar")]
    Check {
        /// File with its text; - for standard input
        file: String,
    },
    /// Tell why a call would be allowed or refused
    Explain(Box<Explain>),
    /// Decide again what was decided, under another policy or grant, and show what would change
    Simulate(Box<Simulate>),
    /// Print the schema: what a policy may ask for
    #[command(after_help = "\
Examples:
  doorward policy schema > doorward.cedarschema
  doorward policy schema | grep -A40 'action \"moveLeads\"'")]
    Schema,
    /// List the policies that are shipped, or print one
    #[command(after_help = "\
Examples:
  doorward policy presets
  doorward policy presets dangerous-acts > dangerous-acts.cedar")]
    Presets {
        /// Name of the one to print
        name: Option<String>,
    },
}
