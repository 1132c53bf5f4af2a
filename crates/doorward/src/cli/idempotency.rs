//! `doorward idempotency …`

use clap::Subcommand;

use super::workspaces::InWorkspace;

/// `doorward idempotency …`
#[derive(Debug, Subcommand)]
pub(crate) enum IdempotencyCommand {
    /// List the writes that were made under idempotency keys
    #[command(after_help = "\
The keys themselves are not kept. An outcome is unknown when the answer to a write was lost.

Examples:
  doorward idempotency list
  doorward idempotency list lead-import --unknown
  doorward idempotency list --json")]
    List {
        /// Name or id of the client (default: every client)
        client: Option<String>,
        /// Only those whose outcome is not known
        #[arg(long)]
        unknown: bool,
        #[command(flatten)]
        within: InWorkspace,
    },
    /// Show one write
    #[command(after_help = "\
Examples:
  doorward idempotency show idem_2f1d8a90c4b7e6d5")]
    Show {
        /// Its id
        id: String,
    },
    /// Let go of a write, so that a call with its key is sent again
    #[command(after_help = "\
Look at Instantly first: if the write was carried out, the call would carry it out once more.

Examples:
  doorward idempotency release idem_2f1d8a90c4b7e6d5")]
    Release {
        /// Its id
        id: String,
    },
}
