//! `doorward policy explain` and `doorward policy simulate`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;

use super::clients::GrantArgs;
use super::workspaces::InWorkspace;
use crate::duration::Moment;

/// `doorward policy explain`
#[derive(Debug, Args)]
#[command(after_help = "\
Goes through each step of the decision by what is in force, and calls nothing. Ends with 1 when the
call would be refused.

Examples:
  doorward policy explain --client crm GET '/api/v2/campaigns?limit=1'
  doorward policy explain --client crm POST /api/v2/leads --body lead.json --source 10.0.0.7
  doorward policy explain --client crm DELETE /api/v2/campaigns/0195c1a0-0000-7000-8000-000000000001 \\
      --at 2026-12-24T22:00:00Z --json")]
pub(crate) struct Explain {
    /// The method
    pub(crate) method: String,

    /// The path, and the query if there is one
    pub(crate) target: String,

    /// Name or id of the client
    #[arg(long, value_name = "NAME")]
    pub(crate) client: String,

    /// File with the body; - for standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) body: Option<String>,

    /// The sub-workspace in x-as-workspace
    #[arg(long, value_name = "ID")]
    pub(crate) as_workspace: Option<String>,

    /// Where the call comes from
    #[arg(long, value_name = "IP")]
    pub(crate) source: Option<IpAddr>,

    /// When it is called: 2026-01-31T12:00:00Z (default: now)
    #[arg(long, value_name = "WHEN")]
    pub(crate) at: Option<Moment>,

    #[command(flatten)]
    pub(crate) within: InWorkspace,
}

/// `doorward policy simulate`
#[derive(Debug, Args)]
#[command(after_help = "\
Decides again what the ledger has: with the file as a policy beside those there are (in the place of
the one of its name), or with another grant of one client. Nothing is changed and nothing is called.
Where a policy asks for what the ledger does not keep, such as a body's fields, it says so. Opening
the sealed inputs of decisions is recorded. Ends with 1 when what was allowed would be refused.

Examples:
  doorward policy simulate own-campaigns.cedar --since 7d
  doorward policy simulate --client crm --use-case crm-sync --since 30d
  doorward policy simulate new.cedar --name own-campaigns --json | jq .changes")]
pub(crate) struct Simulate {
    /// File with a policy
    #[arg(value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// Name of the policy that it takes the place of (default: the file's name)
    #[arg(long, requires = "file")]
    pub(crate) name: Option<String>,

    /// From this time on: 24h, 7d, 2026-01-31 or 2026-01-31T12:00:00Z
    #[arg(long, value_name = "WHEN", default_value = "7d")]
    pub(crate) since: Moment,

    /// Only calls of this client; the one that the grant is for
    #[arg(long, value_name = "NAME")]
    pub(crate) client: Option<String>,

    #[command(flatten)]
    pub(crate) grant: GrantArgs,

    #[command(flatten)]
    pub(crate) within: InWorkspace,
}
