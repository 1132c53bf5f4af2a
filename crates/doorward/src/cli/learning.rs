//! `doorward client learn` and `doorward client recommend`.

use clap::Args;

use super::workspaces::InWorkspace;
use crate::duration::{Lasting, Moment};

/// `doorward client learn`
#[derive(Debug, Args)]
#[command(after_help = "\
While it learns, the client may do nearly all that its environment admits: reads in development, the
short list of writes too in staging, all but secrets, keys and the workspace's own fate in
production, all but keys in a sandbox. What it was granted before stays beside it, and alone is left
when the time is over. In production that is a break-glass: it needs a reason, and lasts at most 4h.
What it does is in the ledger; `doorward client recommend` makes the least grant of it.

Examples:
  doorward client learn crm --for 7d
  doorward client learn crm --for 2h --break-glass 'find out what the sync needs'
  doorward client learn crm --end")]
pub(crate) struct Learn {
    /// Name or id of the client
    pub(crate) name: String,

    /// How long it learns, like 7d or 1h; at most 30d
    #[arg(long = "for", value_name = "TIME", required_unless_present = "end")]
    pub(crate) lasting: Option<Lasting>,

    /// End it now
    #[arg(long, conflicts_with_all = ["lasting", "break_glass"])]
    pub(crate) end: bool,

    /// Why, where it is to learn in production
    #[arg(long, value_name = "REASON")]
    pub(crate) break_glass: Option<String>,

    #[command(flatten)]
    pub(crate) within: InWorkspace,
}

/// `doorward client recommend`
#[derive(Debug, Args)]
#[command(after_help = "\
Reads the ledger and tells what the client called, what it asked for and was denied, what it is
granted and never called, and the least grant for what it called. What was denied is never part of
that grant.

Examples:
  doorward client recommend crm
  doorward client recommend crm --since 7d --json | jq .grant
  doorward client recommend crm --apply")]
pub(crate) struct Recommend {
    /// Name or id of the client
    pub(crate) name: String,

    /// From this time on: 24h, 7d, 2026-01-31 or 2026-01-31T12:00:00Z (default: since it was made)
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<Moment>,

    /// Grant it, in place of all that is granted now
    #[arg(long)]
    pub(crate) apply: bool,

    #[command(flatten)]
    pub(crate) within: InWorkspace,
}
