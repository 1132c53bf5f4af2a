//! What can be typed about alerts.

use clap::Subcommand;

/// `doorward alert …`
#[derive(Debug, Subcommand)]
pub(crate) enum AlertCommand {
    /// Send a test to the alert channels and tell what each answered
    #[command(after_help = "\
Goes through the running server, or without one by itself. Ends with 1 when a channel failed.

Examples:
  doorward alert test
  doorward alert test ops-chat
  doorward alert test --json")]
    Test {
        /// Name of the channel (default: all)
        channel: Option<String>,
    },
    /// List the last alerts
    #[command(after_help = "\
Examples:
  doorward alert list
  doorward alert list --last 100 --json")]
    List {
        /// How many, at most 1000
        #[arg(long, value_name = "N", default_value_t = 20)]
        #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1000))]
        last: usize,
    },
}
