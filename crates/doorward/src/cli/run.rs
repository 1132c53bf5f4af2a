//! Running other programs through the gateway, and the authority that they come to trust.

use clap::{Args, Subcommand};

use super::workspaces::InWorkspace;
use crate::duration::Lasting;
use crate::through::Allowed;

/// `doorward run`
#[derive(Debug, Args)]
#[command(after_help = "\
The command gets INSTANTLY_API_KEY (a client key), INSTANTLY_BASE_URL, INSTANTLY_API_URL and
DOORWARD_GATEWAY_URL (the gateway), and a proxy of its own (HTTPS_PROXY): what it says to
api.instantly.ai goes to the gateway, other hosts are refused unless they are allowed. It is told to
trust the local certificate authority (SSL_CERT_FILE, NODE_EXTRA_CA_CERTS and others). Variables that
hold a real Instantly key are taken away. Outside the demo the client key is issued for this run and
revoked after it, and where no gateway runs, one runs as long as the command. The exit code is the
command's.

Examples:
  doorward run --as analytics-dashboard -- instantly-mcp
  doorward run --as lead-import -- python import.py leads.csv
  doorward run --as lead-import --allow pypi.org --allow files.pythonhosted.org -- uvx some-tool
  doorward run --as lead-import -- sh -c 'curl -H \"Authorization: Bearer $INSTANTLY_API_KEY\" \\
      https://api.instantly.ai/api/v2/lead-lists'")]
pub(crate) struct Run {
    /// Client to call as
    #[arg(long = "as", value_name = "CLIENT")]
    pub(crate) client: String,

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

    /// How long the key that is issued for it lasts at most
    #[arg(long, value_name = "TIME", default_value = "24h")]
    pub(crate) expires_in: Lasting,

    /// Let it reach this host: HOST, HOST:PORT or *.HOST; may be said several times
    #[arg(long, value_name = "HOST")]
    pub(crate) allow: Vec<Allowed>,

    /// Let it reach every host but Instantly's, which the gateway answers for
    #[arg(long)]
    pub(crate) allow_all: bool,

    /// Put the client key into this variable too; may be said several times
    #[arg(long, value_name = "NAME")]
    pub(crate) key_variable: Vec<String>,

    /// Leave the proxy out: only programs that take INSTANTLY_BASE_URL reach the gateway then
    #[arg(long, conflicts_with_all = ["allow", "allow_all"])]
    pub(crate) no_proxy: bool,

    /// The command and its arguments
    #[arg(
        required = true,
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "COMMAND"
    )]
    pub(crate) command: Vec<std::ffi::OsString>,
}

/// `doorward ca`
#[derive(Debug, Subcommand)]
pub(crate) enum CaCommand {
    /// Show the authority: what it speaks for and until when
    #[command(after_help = "\
Examples:
  doorward ca show
  doorward ca show --json")]
    Show,
    /// Print its certificate, for programs to trust
    #[command(after_help = "\
Examples:
  doorward ca export > doorward-ca.pem
  doorward ca export | sudo tee /usr/local/share/ca-certificates/doorward.crt")]
    Export,
    /// Print the path of its certificate
    #[command(after_help = "\
Examples:
  doorward ca path
  curl --cacert \"$(doorward ca path)\" https://api.instantly.ai/healthz")]
    Path,
}
