//! What can be typed about events.

use clap::{ArgAction, Args, Subcommand};

use crate::duration::{Lasting, Moment};

/// `doorward events …`
#[derive(Debug, Subcommand)]
pub(crate) enum EventsCommand {
    /// List the events that came in, without their payloads
    List(ListEvents),
    /// Show an event, what came of it, and its payload if that is asked for
    #[command(after_help = "\
The payload has people's data in it: that somebody looked is recorded. Written to a file or another
program it is what was received, byte for byte.

Examples:
  doorward events show evt_9f2c4b1a6d3e8f70a1b2c3d4e5f60718
  doorward events show evt_9f2c4b1a6d3e8f70a1b2c3d4e5f60718 --body
  doorward events show evt_9f2c4b1a6d3e8f70a1b2c3d4e5f60718 --json | jq .deliveries")]
    Show {
        /// Id of the event
        event: String,

        /// With its payload, which is recorded
        #[arg(long)]
        body: bool,
    },
    /// Show the newest events, and each that comes in, until interrupted
    Tail(TailEvents),
    /// Find events by a text in their payloads
    Search(SearchEvents),
    /// Let an event out of quarantine that you have looked at, and deliver it
    #[command(after_help = "\
It is delivered as it was received, to each destination that is said, wanted by its filters or not. Look
at it first: `doorward events show EVENT --body`. One that was larger than is taken can't be let out.

Examples:
  doorward events list --quarantined
  doorward events release evt_9f2c4b1a6d3e8f70a1b2c3d4e5f60718 --to crm
  doorward events release evt_9f2c4b1a6d3e8f70a1b2c3d4e5f60718 --json | jq -r .was")]
    Release {
        /// Id of the event
        event: String,

        /// Deliver it to this destination, by name or id; may be repeated (default: to none, until
        /// `doorward replay EVENT --to NAME`)
        #[arg(long, value_name = "DESTINATION")]
        to: Vec<String>,
    },
}

/// Which events.
#[derive(Debug, Clone, Args)]
pub(crate) struct EventFilters {
    /// Only this event type; may be repeated
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) types: Vec<String>,

    /// Only this campaign's, by its id
    #[arg(long, value_name = "ID")]
    pub(crate) campaign: Option<String>,

    /// Only what came by this source, by name or id
    #[arg(long, value_name = "NAME")]
    pub(crate) source: Option<String>,

    /// Only this workspace's, by name or id
    #[arg(long, value_name = "NAME")]
    pub(crate) workspace: Option<String>,

    /// Only what is about this lead, by e-mail address; that somebody looked is recorded
    #[arg(long, value_name = "EMAIL")]
    pub(crate) lead: Option<String>,

    /// Only what got here so: webhook, backfill, reconstructed, test
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) origin: Option<String>,

    /// Only what is in quarantine, or with `false` only what is not
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    #[arg(action = ArgAction::Set, require_equals = true)]
    pub(crate) quarantined: Option<bool>,
}

/// When events were received.
#[derive(Debug, Clone, Args)]
pub(crate) struct EventTimes {
    /// Only what was received since: 24h, 2026-01-31 or a time
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<Moment>,

    /// Only what was received before
    #[arg(long, value_name = "WHEN")]
    pub(crate) until: Option<Moment>,
}

/// `doorward events list`
#[derive(Debug, Args)]
#[command(after_help = "\
The newest first. A lead is shown by a number that stands for it: the same number, the same lead.

Examples:
  doorward events list
  doorward events list --type reply_received --since 24h
  doorward events list --lead ann@example.com
  doorward events list --quarantined
  doorward events list --json --limit 1000 | jq -r '.events[].id'")]
pub(crate) struct ListEvents {
    #[command(flatten)]
    pub(crate) filters: EventFilters,

    #[command(flatten)]
    pub(crate) times: EventTimes,

    /// How many, at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,

    /// Go on where a list before ended: what it gave as `next`
    #[arg(long, value_name = "PLACE")]
    pub(crate) after: Option<String>,

    /// What was received first comes first
    #[arg(long)]
    pub(crate) oldest_first: bool,
}

/// `doorward events search`
#[derive(Debug, Args)]
#[command(after_help = "\
Looks into payloads, the newest first; large and small letters are the same. That somebody searched is
recorded. It looks into 20,000 events at a time and says where to go on.

Examples:
  doorward events search unsubscribe --type reply_received
  doorward events search 'call me' --since 7d --json | jq -r '.events[].id'")]
pub(crate) struct SearchEvents {
    /// The text
    pub(crate) text: String,

    #[command(flatten)]
    pub(crate) filters: EventFilters,

    #[command(flatten)]
    pub(crate) times: EventTimes,

    /// How many, at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,

    /// Go on where a search before ended: what it gave as `next`
    #[arg(long, value_name = "PLACE")]
    pub(crate) after: Option<String>,
}

/// `doorward events tail`
#[derive(Debug, Args)]
#[command(after_help = "\
Payloads are not shown: `doorward webhook listen --print` shows them. With --json each event is a line.
When the server is started again, it goes on where it was.

Examples:
  doorward events tail
  doorward events tail -n 100 --type reply_received
  doorward events tail --json | jq -r .id")]
pub(crate) struct TailEvents {
    /// How many of those that are there, at most
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 10)]
    pub(crate) lines: usize,

    /// End after those
    #[arg(long)]
    pub(crate) no_follow: bool,

    #[command(flatten)]
    pub(crate) filters: EventFilters,
}

/// `doorward webhook listen`
#[derive(Debug, Args)]
#[command(after_help = "\
Each event that comes in is shown, and posted to the address, signed by Standard Webhooks with a secret
that is made for this run: give it to what listens there. The address is on this machine or in a private
network; redirects are not followed; an event that can't be posted is told, and the next one follows. For
what is to arrive for certain, add a destination: `doorward destination add`. That somebody listens is
recorded.

Examples:
  doorward webhook listen --forward-to http://localhost:3000/hooks
  doorward webhook listen --print --type reply_received
  doorward webhook listen --forward-to http://localhost:3000/hooks --json | jq .forwarded")]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub(crate) struct Listen {
    /// Post each event there: http://localhost:PORT/PATH
    #[arg(long, value_name = "URL", group = "what")]
    pub(crate) forward_to: Option<String>,

    /// Show the payloads
    #[arg(long, group = "what")]
    pub(crate) print: bool,

    /// How long an answer may take
    #[arg(
        long,
        value_name = "TIME",
        default_value = "30s",
        requires = "forward_to"
    )]
    pub(crate) timeout: Lasting,

    #[command(flatten)]
    pub(crate) filters: EventFilters,
}
