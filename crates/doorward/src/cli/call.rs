//! The commands that call, or let others call, through the gateway.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::workspaces::InWorkspace;

/// `doorward api`
#[derive(Debug, Args)]
#[command(after_help = "\
The client key is taken from DOORWARD_CLIENT_KEY or INSTANTLY_API_KEY, or --as names a client: the
demo's own key is used, else one is issued for this call and revoked after it. Fields go into the
query of GET and DELETE and into a JSON body otherwise; a[b]=c and a[]=c make objects and lists. The
path may leave /api/v2/ out. An answer of 400 or more is printed and the exit code is 1.

Examples:
  doorward api GET /api/v2/campaigns --as analytics-dashboard
  doorward api GET campaigns --field limit=5 --as analytics-dashboard
  doorward api POST leads --field email=ada@example.com --as lead-import
  doorward api POST leads/list --input query.json --paginate --as lead-import
  echo '{\"name\": \"Spring\"}' | doorward api POST lead-lists --input - --as lead-import")]
pub(crate) struct Api {
    /// HTTP method
    pub(crate) method: String,

    /// Path, with or without /api/v2/; may have a query
    pub(crate) path: String,

    /// Add a field; true, false, null and whole numbers are typed, @FILE and @- are read
    #[arg(long, short = 'F', value_name = "K=V")]
    pub(crate) field: Vec<String>,

    /// Add a field as text
    #[arg(long, short = 'f', value_name = "K=V")]
    pub(crate) raw_field: Vec<String>,

    /// Send this file as the body; - is stdin
    #[arg(long, value_name = "FILE", conflicts_with_all = ["field", "raw_field"])]
    pub(crate) input: Option<PathBuf>,

    /// Follow the pages of a list and print all items as one
    #[arg(long)]
    pub(crate) paginate: bool,

    /// Most pages to follow
    #[arg(long, value_name = "N", default_value_t = 1_000, requires = "paginate")]
    pub(crate) max_pages: u32,

    /// Call as this client
    #[arg(long = "as", value_name = "CLIENT")]
    pub(crate) client: Option<String>,

    /// Act on a sub-workspace (the header x-as-workspace)
    #[arg(long, value_name = "ID")]
    pub(crate) as_workspace: Option<String>,

    /// Print the status and the headers too
    #[arg(long, short)]
    pub(crate) include: bool,

    /// URL of the gateway (default: the one running on the data folder)
    #[arg(
        long,
        value_name = "URL",
        env = "DOORWARD_GATEWAY_URL",
        hide_env_values = true
    )]
    pub(crate) gateway: Option<String>,

    #[command(flatten)]
    pub(crate) within: InWorkspace,
}

/// A way of writing settings down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EnvFormat {
    /// Lines for a .env file
    Dotenv,
    /// A service's part of a Docker compose file
    Compose,
    /// A container's part of a Kubernetes manifest
    K8s,
    /// Export lines for a POSIX shell
    Shell,
}

/// `doorward env`
#[derive(Debug, Args)]
#[command(after_help = "\
A client key is known only when it is issued, so a placeholder is printed in its place and what to
do about it is said, but for the clients of `doorward up`. The real key is never printed. For
containers give the address at which they reach the gateway.

Examples:
  doorward env lead-import > .env
  doorward env lead-import --format compose --gateway http://doorward:4180
  doorward env lead-import --format k8s --gateway http://doorward.default.svc:4180
  eval \"$(doorward env lead-import --format shell)\"")]
pub(crate) struct EnvOf {
    /// Name or id of the client
    pub(crate) client: String,

    /// How to write it
    #[arg(long, value_enum, default_value_t = EnvFormat::Dotenv)]
    pub(crate) format: EnvFormat,

    /// URL of the gateway as the program reaches it (default: the one running)
    #[arg(
        long,
        value_name = "URL",
        env = "DOORWARD_GATEWAY_URL",
        hide_env_values = true
    )]
    pub(crate) gateway: Option<String>,

    #[command(flatten)]
    pub(crate) within: InWorkspace,
}
