//! What can be typed about webhooks that come in.

use clap::{Args, Subcommand};

use super::events::Listen;
use super::workspaces::{InWorkspace, OfWorkspaces};
use crate::duration::{LastingOrNone, Moment};
use crate::relay::WEBHOOK_PROOF;

/// `doorward webhook …`
#[derive(Debug, Subcommand)]
pub(crate) enum WebhookCommand {
    /// Make a source, and register its subscription at Instantly
    Create(CreateWebhook),
    /// Take over a subscription that leads elsewhere
    Adopt(AdoptWebhook),
    /// List the sources with what Instantly says of them, and the subscriptions that lead elsewhere
    #[command(after_help = "\
Ends with 1 when a subscription is switched off, is not there any more, or sends another secret.

Examples:
  doorward webhook list
  doorward webhook list --all-workspaces --json | jq '.[].elsewhere'")]
    List {
        #[command(flatten)]
        of: OfWorkspaces,

        /// Ask Instantly nothing: say what is known here
        #[arg(long)]
        no_fetch: bool,
    },
    /// Show a source
    #[command(after_help = "\
Examples:
  doorward webhook show replies
  doorward webhook show replies --json | jq -r .url")]
    Show {
        /// Name or id of the source
        source: String,

        /// Ask Instantly nothing: say what is known here
        #[arg(long)]
        no_fetch: bool,
    },
    /// Give a source another secret; both are taken for an overlap
    RotateSecret(RotateWebhook),
    /// Have Instantly send a test event
    #[command(after_help = "\
Ends with 1 when it did not arrive.

Examples:
  doorward webhook test replies
  doorward webhook test replies --json | jq .status")]
    Test {
        /// Name or id of the source
        source: String,
    },
    /// Switch a subscription on again that Instantly has switched off, and test it
    #[command(after_help = "\
Examples:
  doorward webhook resume replies")]
    Resume {
        /// Name or id of the source
        source: String,
    },
    /// Fetch back what was sent and did not come
    #[command(after_help = "\
The server does this by itself every few minutes, and when a subscription was switched off. With --since
replies and changes of status that Instantly lists nowhere as sent are looked for too, in e-mails and
leads. Ends with 1 when something can't be fetched back, or could not be looked for.

Examples:
  doorward webhook reconcile
  doorward webhook reconcile replies --since 7d
  doorward webhook reconcile --json | jq '.[].found.recovered'")]
    Reconcile {
        /// Name or id of the source (default: every one with a subscription)
        source: Option<String>,

        /// Since then (default: since the last good point)
        #[arg(long, value_name = "WHEN")]
        since: Option<Moment>,
    },
    /// Change from where deliveries to a source may come, and how they prove themselves
    #[command(after_help = "\
Proofs that are said take the place of those before; one that was there keeps its secret, a new one is
given one. A subscription is given the headers of both while they change.

Examples:
  doorward webhook set replies --proof header:X-Webhook-Secret --proof bearer
  doorward webhook set inner --proof certificate:SHA256,SHA256
  doorward webhook set replies --allow 203.0.113.0/24 --allow 2001:db8::/32
  doorward webhook set replies --allow-any")]
    Set {
        /// Name or id of the source
        source: String,

        /// A network that deliveries may come from; may be repeated
        #[arg(long, value_name = "CIDR", required_unless_present_any = ["allow_any", "proof"])]
        allow: Vec<String>,

        /// From anywhere
        #[arg(long, conflicts_with = "allow")]
        allow_any: bool,

        /// How a delivery proves itself, as with `create`; may be repeated, and all must hold
        #[arg(long, value_name = "PROOF")]
        proof: Vec<String>,
    },
    /// Stream events to this machine as they come in, to develop against
    Listen(Listen),
    /// End a subscription and remove its source; events that came in stay
    #[command(after_help = "\
Examples:
  doorward webhook delete replies
  doorward webhook delete replies --yes")]
    Delete {
        /// Name or id of the source
        source: String,

        /// Leave the subscription as it is: its deliveries meet a closed door from then on
        #[arg(long)]
        keep_subscription: bool,

        /// Don't ask
        #[arg(long, short)]
        yes: bool,
    },
}

/// How a source is reached and protected.
#[derive(Debug, Args)]
pub(crate) struct DoorOptions {
    /// Where Doorward is reached from outside (default: `relay.public_url` of the configuration)
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,

    /// How a delivery proves itself: header:NAME, basic:USER, bearer, hmac-hex:HEADER,
    /// hmac-base64:HEADER, stripe:HEADER, standard, certificate:SHA256; may be repeated, and all must
    /// hold
    #[arg(long, value_name = "PROOF", default_value = WEBHOOK_PROOF)]
    pub(crate) proof: Vec<String>,

    /// A network that deliveries may come from; may be repeated (default: anywhere)
    #[arg(long, value_name = "CIDR")]
    pub(crate) allow: Vec<String>,

    /// Reference to keep the first proof's secret at (default: encrypted in the data folder)
    #[arg(long, value_name = "REF")]
    pub(crate) to: Option<String>,
}

/// `doorward webhook create`
#[derive(Debug, Args)]
#[command(after_help = "\
The source takes deliveries before Instantly hears of it; then the subscription is registered with a
random secret in its headers, and tested. Ends with 1 when the test did not arrive. With
--no-subscription something else sends here, such as a program that signs what it passes on.

Examples:
  doorward webhook create replies --event reply_received --public-url https://hooks.example.com
  doorward webhook create all --event all_events --workspace acme
  doorward webhook create hot --label 3 --campaign 0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f
  doorward webhook create from-hub --no-subscription --proof hmac-hex:X-Hub-Signature-256
  doorward webhook create inner --no-subscription --proof bearer --proof certificate:SHA256")]
pub(crate) struct CreateWebhook {
    /// Name to call the source by
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) of: InWorkspace,

    /// What to subscribe to: an event type, or all_events
    #[arg(long, value_name = "TYPE")]
    #[arg(required_unless_present_any = ["label", "no_subscription"])]
    pub(crate) event: Option<String>,

    /// Subscribe to a custom label, by its value
    #[arg(long, value_name = "VALUE", conflicts_with = "event")]
    pub(crate) label: Option<f64>,

    /// Only this campaign's events, by its id
    #[arg(long, value_name = "ID")]
    pub(crate) campaign: Option<String>,

    /// Register nothing at Instantly
    #[arg(long, conflicts_with_all = ["event", "label", "campaign"])]
    pub(crate) no_subscription: bool,

    #[command(flatten)]
    pub(crate) door: DoorOptions,
}

/// `doorward webhook adopt`
#[derive(Debug, Args)]
#[command(after_help = "\
The subscription is sent here from now on, with a secret in its headers. What received it before gets its
events as a destination: `doorward destination add`.

Examples:
  doorward webhook list
  doorward webhook adopt 0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f --as replies")]
pub(crate) struct AdoptWebhook {
    /// Instantly's id of the subscription
    pub(crate) subscription: String,

    /// Name to call the source by
    #[arg(long = "as", value_name = "NAME")]
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) of: InWorkspace,

    #[command(flatten)]
    pub(crate) door: DoorOptions,
}

/// `doorward webhook rotate-secret`
#[derive(Debug, Args)]
#[command(after_help = "\
A new secret is made and taken beside the old one; then the subscription is given it, which is looked at
and tested; the old one ends after the overlap. Interrupted, it is run again and goes on.

Examples:
  doorward webhook rotate-secret replies
  doorward webhook rotate-secret replies --overlap 1h")]
pub(crate) struct RotateWebhook {
    /// Name or id of the source
    pub(crate) source: String,

    /// Which of its proofs (default: the first)
    #[arg(long, value_name = "PROOF")]
    pub(crate) proof: Option<String>,

    /// How long the old one is still taken; 0 for not at all
    #[arg(long, value_name = "TIME", default_value = "24h")]
    pub(crate) overlap: LastingOrNone,

    /// Reference to keep the new one at (default: encrypted in the data folder)
    #[arg(long, value_name = "REF")]
    pub(crate) to: Option<String>,
}
