//! What can be typed about upstream keys.

use clap::{Args, Subcommand};

use super::workspaces::OfWorkspaces;
use crate::duration::Moment;

/// `doorward upstream …`
#[derive(Debug, Subcommand)]
pub(crate) enum UpstreamCommand {
    /// List every key of the workspaces: those that are held, and those that Instantly lists beside
    List(ListUpstream),
}

/// `doorward upstream list`
#[derive(Debug, Args)]
#[command(after_help = "\
Keys that Instantly lists and Doorward does not hold are `unknown`; those that Doorward holds and
Instantly does not list any more are `gone`. What went out through Doorward is counted by the ledger;
what Instantly's own audit log has of a key stands beside it. That log has no reads.

Examples:
  doorward upstream list
  doorward upstream list --workspace acme --since 90d --wide
  doorward upstream list --all-workspaces --json | jq '.[].keys[] | select(.state == \"unknown\")'")]
pub(crate) struct ListUpstream {
    #[command(flatten)]
    pub(crate) of: OfWorkspaces,

    /// Count what was used since then
    #[arg(long, value_name = "WHEN", default_value = "30d")]
    pub(crate) since: Moment,

    /// Ask Instantly nothing: say what is known here
    #[arg(long)]
    pub(crate) no_fetch: bool,

    /// Show long lists of scopes whole
    #[arg(long)]
    pub(crate) wide: bool,
}
