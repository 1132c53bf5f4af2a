//! What can be typed about deliveries, replays and dead letters.

use clap::{Args, Subcommand};

use super::events::EventTimes;

/// `doorward deliveries …`
#[derive(Debug, Subcommand)]
pub(crate) enum DeliveriesCommand {
    /// List what was tried, with the last status and when it is tried again
    List(ListDeliveries),
}

/// `doorward deliveries list`
#[derive(Debug, Args)]
#[command(after_help = "\
The newest event first. Of an event, what waits and what was not sent is listed too. The beginning of
an answer is kept for looking into, scrubbed of secrets: that somebody looked is recorded.

Examples:
  doorward deliveries list --destination crm --state retry
  doorward deliveries list --event evt_9f2c4b1a6d3e8f70a1b2c3d4e5f60718
  doorward deliveries list --answer evt_9f2c4b1a6d3e8f70a1b2c3d4e5f60718 crm")]
pub(crate) struct ListDeliveries {
    /// Only to this destination, by name or id
    #[arg(long, value_name = "NAME")]
    pub(crate) destination: Option<String>,

    /// Only those that stand so: delivered, retry, held, dead, discarded
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Option<String>,

    /// Only of this event
    #[arg(long, value_name = "EVENT")]
    pub(crate) event: Option<String>,

    /// Only of this replay, by its number; 0 for what was delivered as it came
    #[arg(long, value_name = "N")]
    pub(crate) replay: Option<i64>,

    /// How many of a destination, at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,

    /// Go on where a destination's list before ended: what it gave as `next`
    #[arg(long, value_name = "PLACE", requires = "destination")]
    pub(crate) after: Option<String>,

    /// Show what a destination answered last of an event
    #[arg(long, num_args = 2, value_names = ["EVENT", "DESTINATION"])]
    #[arg(conflicts_with_all = ["destination", "state", "event", "replay", "after"])]
    pub(crate) answer: Option<Vec<String>>,
}

/// `doorward dead-letter …`
#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetterCommand {
    /// List what was tried as often as it is tried
    #[command(after_help = "\
Ends with 1 when there are any.

Examples:
  doorward dead-letter list
  doorward dead-letter list --destination crm --json | jq -r '.deliveries[].event'")]
    List {
        /// Only those to this destination, by name or id
        #[arg(long, value_name = "NAME")]
        destination: Option<String>,

        /// How many of a destination, at most
        #[arg(long, value_name = "N", default_value_t = 50)]
        limit: usize,

        /// Go on where a destination's list before ended: what it gave as `next`
        #[arg(long, value_name = "PLACE", requires = "destination")]
        after: Option<String>,
    },
    /// Try again, from the beginning of the schedule: one, or all of a destination
    #[command(after_help = "\
Examples:
  doorward dead-letter retry crm
  doorward dead-letter retry crm --event evt_9f2c4b1a6d3e8f70a1b2c3d4e5f60718")]
    Retry {
        /// Name or id of the destination
        destination: String,

        /// Only this event
        #[arg(long, value_name = "EVENT")]
        event: Option<String>,
    },
    /// Give up for good: one, or all of a destination. The events themselves stay
    #[command(after_help = "\
Examples:
  doorward dead-letter discard crm --event evt_9f2c4b1a6d3e8f70a1b2c3d4e5f60718
  doorward dead-letter discard crm --yes")]
    Discard {
        /// Name or id of the destination
        destination: String,

        /// Only this event
        #[arg(long, value_name = "EVENT")]
        event: Option<String>,

        /// Don't ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// `doorward replay …`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(after_help = "\
An event is delivered once more with the id it had, so a receiver that keeps ids knows it. Without an
event, those that fit everything that is said, as far as the destination's own filters let them through.
A replay goes on after a restart, and ends by itself.

Examples:
  doorward replay evt_9f2c4b1a6d3e8f70a1b2c3d4e5f60718 --to crm
  doorward replay --to crm --since 6h --type reply_received --dry-run
  doorward replay --to crm --since 2026-01-30 --until 2026-01-31 --rate 20 --wait
  doorward replay list")]
pub(crate) struct Replay {
    #[command(subcommand)]
    pub(crate) command: Option<ReplayCommand>,

    #[command(flatten)]
    pub(crate) what: ReplayOf,
}

/// What is replayed.
#[derive(Debug, Args)]
pub(crate) struct ReplayOf {
    /// Id of the one event
    #[arg(required_unless_present_any = ["since", "until", "types", "campaigns", "workspaces"])]
    #[arg(conflicts_with_all = ["since", "until", "types", "campaigns", "workspaces"])]
    pub(crate) event: Option<String>,

    /// Name or id of the destination
    #[arg(
        long,
        visible_alias = "destination",
        value_name = "DESTINATION",
        required = true
    )]
    pub(crate) to: Option<String>,

    #[command(flatten)]
    pub(crate) times: EventTimes,

    /// Only this event type; may be repeated
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) types: Vec<String>,

    /// Only this campaign's, by its id; may be repeated
    #[arg(long = "campaign", value_name = "ID")]
    pub(crate) campaigns: Vec<String>,

    /// Only this workspace's, by name or id; may be repeated
    #[arg(long = "workspace", value_name = "NAME")]
    pub(crate) workspaces: Vec<String>,

    /// Most events a second
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) rate: u32,

    /// Say how many these are, and deliver nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Show how far it is, until it is done; ends with 1 when something of it is dead or was given up
    #[arg(long, conflicts_with = "dry_run")]
    pub(crate) wait: bool,
}

/// `doorward replay list|show|cancel`
#[derive(Debug, Subcommand)]
pub(crate) enum ReplayCommand {
    /// List the replays, the newest first
    #[command(after_help = "\
Examples:
  doorward replay list
  doorward replay list --running --json")]
    List {
        /// Only those to this destination, by name or id
        #[arg(long, value_name = "NAME")]
        destination: Option<String>,

        /// Only those that are running
        #[arg(long)]
        running: bool,
    },
    /// Show a replay, and how far it is
    #[command(after_help = "\
Examples:
  doorward replay show 3
  doorward replay show 3 --wait")]
    Show {
        /// Its number
        replay: i64,

        /// Until it is done
        #[arg(long)]
        wait: bool,
    },
    /// End a replay: nothing more of it is sent
    #[command(after_help = "\
Examples:
  doorward replay cancel 3")]
    Cancel {
        /// Its number
        replay: i64,
    },
}
