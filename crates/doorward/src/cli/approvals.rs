//! What can be typed about approvals and admin tokens.

use clap::{Args, Subcommand};

use crate::duration::Lasting;

/// `doorward approval …`
#[derive(Debug, Subcommand)]
pub(crate) enum ApprovalCommand {
    /// List the requests that wait for somebody's approval
    #[command(after_help = "\
Examples:
  doorward approval list
  doorward approval list --all --json")]
    List {
        /// Those that were denied, used or are over, too
        #[arg(long)]
        all: bool,
    },
    /// Show a request that waits, whole: it may hold data of people
    #[command(after_help = "\
That somebody looked is recorded.

Examples:
  doorward approval show ap_0123456789abcdef
  doorward approval show ap_0123456789abcdef --json | jq -r .request.body")]
    Show {
        /// Id of the approval
        id: String,
    },
    /// Say yes: the very request passes once
    #[command(after_help = "\
Takes an admin token of your own, from the file that DOORWARD_ADMIN_TOKEN_FILE names, and you must
neither have made the client nor answer for it.

Examples:
  doorward approval approve ap_0123456789abcdef --reason 'checked the list with sales'")]
    Approve(Decide),
    /// Say no
    #[command(after_help = "\
Takes an admin token of your own, from the file that DOORWARD_ADMIN_TOKEN_FILE names.

Examples:
  doorward approval deny ap_0123456789abcdef --reason 'wrong campaign'")]
    Deny(Decide),
}

/// Which, and why.
#[derive(Debug, Args)]
pub(crate) struct Decide {
    /// Id of the approval
    pub(crate) id: String,
    /// Why; it is recorded
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,
}

/// `doorward admin …`
#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Make, list and revoke the tokens by which named people decide
    #[command(subcommand)]
    Token(TokenCommand),
}

/// `doorward admin token …`
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make a token for a person; it is shown this once
    #[command(after_help = "\
The token goes to stdout and everything else to stderr. Its holder puts it into a file of their own,
mode 0600, and names that in DOORWARD_ADMIN_TOKEN_FILE.

Examples:
  doorward admin token create ann --expires-in 90d > ~ann/.doorward-token")]
    Create {
        /// Whose it is: letters, digits, dashes and dots
        name: String,
        /// How long it lasts, like 90d or 12h (default: until revoked)
        #[arg(long, visible_alias = "expires", value_name = "TIME")]
        expires_in: Option<Lasting>,
    },
    /// List the tokens: names and ids, never the tokens
    #[command(after_help = "\
Examples:
  doorward admin token list
  doorward admin token list --json")]
    List,
    /// Revoke a token
    #[command(after_help = "\
Examples:
  doorward admin token revoke ann")]
    Revoke {
        /// Its holder's name, or its id
        name: String,
    },
}
