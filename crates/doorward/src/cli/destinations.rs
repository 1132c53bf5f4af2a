//! What can be typed about destinations.

use std::str::FromStr;

use clap::{Args, Subcommand};

use crate::duration::{Lasting, LastingOrNone};
use crate::relay::Form;

/// `doorward destination …`
#[derive(Debug, Subcommand)]
pub(crate) enum DestinationCommand {
    /// Add a destination: it gets every event from now on that its filters let through
    Add(Box<AddDestination>),
    /// List the destinations
    #[command(after_help = "\
Examples:
  doorward destination list
  doorward destination list --json | jq -r '.[] | select(.state != \"active\") | .name'")]
    List,
    /// Show a destination
    #[command(after_help = "\
Examples:
  doorward destination show crm")]
    Show {
        /// Name or id of the destination
        destination: String,
    },
    /// Print what a condition may ask for, in Cedar's own syntax
    #[command(after_help = "\
Examples:
  doorward destination schema")]
    Schema,
    /// Change a destination
    Set(Box<SetDestination>),
    /// Have its events wait
    #[command(after_help = "\
Examples:
  doorward destination pause crm")]
    Pause {
        /// Name or id of the destination
        destination: String,
    },
    /// Deliver again, what came in meanwhile too
    #[command(after_help = "\
Examples:
  doorward destination resume crm")]
    Resume {
        /// Name or id of the destination
        destination: String,
    },
    /// Give it another signing secret; deliveries are signed with both for an overlap
    #[command(after_help = "\
Examples:
  doorward destination rotate-secret crm
  doorward destination rotate-secret crm --overlap 7d --to file:///run/secrets/crm-hooks")]
    RotateSecret {
        /// Name or id of the destination
        destination: String,

        /// How long deliveries are signed with both; 0 for not at all
        #[arg(long, value_name = "TIME", default_value = "24h")]
        overlap: LastingOrNone,

        /// Reference to keep the new one at (default: encrypted in the data folder)
        #[arg(long, value_name = "REF")]
        to: Option<String>,
    },
    /// Remove a destination; what it was owed is not delivered any more
    #[command(after_help = "\
Examples:
  doorward destination remove crm
  doorward destination remove crm --yes")]
    Remove {
        /// Name or id of the destination
        destination: String,

        /// Don't ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// `doorward destination add`
#[derive(Debug, Args)]
#[command(after_help = "\
Deliveries are signed by Standard Webhooks with a secret of the destination's own: whoever receives them
verifies them with any of its libraries. Private addresses are not connected to, unless they are in
`allow_private` under [relay].

Examples:
  doorward destination add crm --url https://crm.example.com/hooks --event reply_received
  doorward destination add lake --url https://lake.example.com/in --form normalised --rate 50
  doorward destination add crm2 --url https://crm.example.com/v2 --header 'Authorization: file:///run/secrets/crm' --in-order
  doorward destination add acme --url https://acme.example.com/in --retry 5s,5m,30m \\
    --condition 'forbid (principal, action, resource) unless { resource.lead_domain == \"acme.com\" };'
  doorward destination add inner --url https://hooks.internal/in --client-cert file:///run/secrets/client.pem \\
    --trust file:///etc/doorward/internal-ca.pem")]
pub(crate) struct AddDestination {
    /// Name to call it by
    pub(crate) name: String,

    /// Where events are sent
    #[arg(long, value_name = "URL")]
    pub(crate) url: String,

    #[command(flatten)]
    pub(crate) options: DestinationOptions,

    /// Reference of the signing secret: of one that is there, or to keep a new one at (default: a new one,
    /// encrypted in the data folder)
    #[arg(long, value_name = "REF")]
    pub(crate) secret: Option<String>,
}

/// `doorward destination set`
#[derive(Debug, Args)]
#[command(after_help = "\
What is not said stays as it is. A list that is said takes the place of the one before.

Examples:
  doorward destination set crm --event reply_received --event lead_meeting_booked
  doorward destination set crm --any-event --rate 0
  doorward destination set crm --condition crm.cedar
  doorward destination set crm --no-condition --retry usual
  doorward destination set crm --url https://crm.example.com/v2/hooks")]
pub(crate) struct SetDestination {
    /// Name or id of the destination
    pub(crate) destination: String,

    /// Where events are sent
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,

    #[command(flatten)]
    pub(crate) options: DestinationOptions,

    /// Every event type
    #[arg(long, conflicts_with = "event")]
    pub(crate) any_event: bool,

    /// Every campaign's
    #[arg(long, conflicts_with = "campaign")]
    pub(crate) any_campaign: bool,

    /// Every workspace's
    #[arg(long, conflicts_with = "workspace")]
    pub(crate) any_workspace: bool,

    /// No headers
    #[arg(long, conflicts_with = "header")]
    pub(crate) no_headers: bool,

    /// No condition
    #[arg(long, conflicts_with = "condition")]
    pub(crate) no_condition: bool,

    /// Show it no certificate
    #[arg(long, conflicts_with_all = ["client_cert", "client_key"])]
    pub(crate) no_client_cert: bool,

    /// Hold its certificate against those that this machine trusts
    #[arg(long, conflicts_with = "trust")]
    pub(crate) trust_system: bool,
}

/// What a destination is set to.
#[derive(Debug, Args)]
pub(crate) struct DestinationOptions {
    /// Only this event type; may be repeated
    #[arg(long, value_name = "TYPE")]
    pub(crate) event: Vec<String>,

    /// Only this campaign's, by its id; may be repeated
    #[arg(long, value_name = "ID")]
    pub(crate) campaign: Vec<String>,

    /// Only this workspace's, by name or id; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) workspace: Vec<String>,

    /// The payload as it was received, or `type`, `timestamp` and `data`
    #[arg(long, value_enum)]
    pub(crate) form: Option<Form>,

    /// A header to add, its value a text or a reference; may be repeated
    #[arg(long, value_name = "NAME: VALUE")]
    pub(crate) header: Vec<String>,

    /// Whether the events of one lead are delivered one after the other
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub(crate) in_order: Option<bool>,

    /// Most deliveries under way at once (default: 8)
    #[arg(long, value_name = "N")]
    pub(crate) concurrency: Option<u32>,

    /// Most deliveries begun in a second; 0 for as many as go
    #[arg(long, value_name = "N")]
    pub(crate) rate: Option<u32>,

    /// How long an answer may take (default: 15s)
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<Lasting>,

    /// What an event must be besides: Cedar, as a file or as the text itself; see `doorward
    /// destination schema`
    #[arg(long, value_name = "FILE|TEXT")]
    pub(crate) condition: Option<String>,

    /// Waits before it is tried again, such as 5s,5m,30m; `none` for one attempt, `usual` for
    /// 5s,5m,30m,2h,5h,10h,14h,20h,24h
    #[arg(long, value_name = "TIMES")]
    pub(crate) retry: Option<Retry>,

    /// Reference to a certificate to show it, PEM; its key may stand with it
    #[arg(long, value_name = "REF")]
    pub(crate) client_cert: Option<String>,

    /// Reference to the certificate's key, PEM
    #[arg(long, value_name = "REF")]
    pub(crate) client_key: Option<String>,

    /// Reference to the certificates that alone its own is held against, PEM
    #[arg(long, value_name = "REF")]
    pub(crate) trust: Option<String>,
}

/// When a delivery is tried again, as it is typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Retry {
    /// As usual.
    Usual,
    /// After so many seconds each.
    Waits(Vec<u64>),
}

impl FromStr for Retry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "usual" => Ok(Self::Usual),
            "none" => Ok(Self::Waits(Vec::new())),
            text => {
                let waits = text.split(',').map(|one| {
                    let wait: Lasting = one.trim().parse()?;
                    Ok(wait.millis().unsigned_abs().div_ceil(1_000))
                });
                waits.collect::<Result<_, _>>().map(Self::Waits)
            }
        }
    }
}
