//! `doorward client …` and `doorward key …`.

use clap::{Args, Subcommand};
use doorward_catalog::Environment;

use super::controls::ControlArgs;
use super::learning::{Learn, Recommend};
use super::workspaces::{InWorkspace, OfWorkspaces};
use crate::duration::{Lasting, LastingOrNever, LastingOrNone};

/// `doorward client …`
#[derive(Debug, Subcommand)]
pub(crate) enum ClientCommand {
    /// Create a client: a program or agent that may call through the gateway
    Create(CreateClient),
    /// List the clients
    #[command(after_help = "\
Examples:
  doorward client list
  doorward client list --all-workspaces --json")]
    List {
        #[command(flatten)]
        of: OfWorkspaces,
    },
    /// Show a client: its grant, what that allows, its keys
    #[command(after_help = "\
Examples:
  doorward client show lead-import
  doorward client show lead-import --json")]
    Show {
        /// Name or id of the client
        name: String,
        /// Show long lists whole
        #[arg(long)]
        wide: bool,
        #[command(flatten)]
        within: InWorkspace,
    },
    /// Change what a client is granted
    #[command(after_help = "\
What is said takes the place of all that was granted before, from the next call on. The client keeps
its keys and its environment.

Examples:
  doorward client grant crm --use-case crm-sync --operation createWebhook
  doorward client grant fix --use-case full-automation --break-glass 'incident 12'")]
    Grant {
        /// Name or id of the client
        name: String,
        #[command(flatten)]
        grant: GrantArgs,
        #[command(flatten)]
        within: InWorkspace,
    },
    /// Have a client learn: a wide grant for a limited time, to see what it needs
    Learn(Learn),
    /// Show the least grant for what a client did, and grant it
    Recommend(Recommend),
    /// Change what is set for a client: its limits, networks, redaction, pace, end
    Set(SetClient),
    /// Refuse the client's calls from the next one on, until it is enabled again
    #[command(after_help = "\
Examples:
  doorward client disable lead-import")]
    Disable {
        /// Name or id of the client
        name: String,
        #[command(flatten)]
        within: InWorkspace,
    },
    /// Let a disabled client call again
    #[command(after_help = "\
Examples:
  doorward client enable lead-import")]
    Enable {
        /// Name or id of the client
        name: String,
        #[command(flatten)]
        within: InWorkspace,
    },
    /// Delete a client and its keys
    #[command(after_help = "\
Examples:
  doorward client delete lead-import")]
    Delete {
        /// Name or id of the client
        name: String,
        #[command(flatten)]
        within: InWorkspace,
    },
}

/// `doorward client create`
#[derive(Debug, Args)]
#[command(after_help = "\
Prefer a use case: its scopes are derived from the operations it needs. What several options grant
adds up. Development admits reads only; staging reads and a short list of writes; production what is named,
and no wildcard. Keys are issued apart, with `doorward key issue`.

Examples:
  doorward client create dashboard --use-case analytics-dashboard --environment production
  doorward client create crm --use-case crm-sync --operation createWebhook --owner ada@example.com
  doorward client create sync --environment staging --learn 7d
  doorward client create fix --use-case full-automation --break-glass 'incident 12' \\
      --break-glass-for 1h")]
pub(crate) struct CreateClient {
    /// Name: a-z, 0-9, '-', '_' and '.'
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) grant: GrantArgs,

    /// Have it learn for this long, like 7d: a wide grant, to see what it needs; see `doorward
    /// client learn --help`
    #[arg(long, value_name = "TIME")]
    pub(crate) learn: Option<Lasting>,

    /// Where it runs: development, staging or production
    #[arg(long, short, value_name = "ENV", default_value = "development")]
    pub(crate) environment: Environment,

    /// Who answers for it
    #[arg(
        long,
        value_name = "WHO",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) owner: String,

    /// What it is there for
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) purpose: String,

    /// How long the client lasts, like 90d or 12h (default: until deleted)
    #[arg(long, value_name = "TIME")]
    pub(crate) expires_in: Option<Lasting>,

    #[command(flatten)]
    pub(crate) within: InWorkspace,

    #[command(flatten)]
    pub(crate) controls: ControlArgs,
}

/// `doorward client set`
#[derive(Debug, Args)]
#[command(after_help = "\
Only what is said changes, from the next call on. A list takes the place of the whole list before;
'none' empties it or lifts a limit. What a client is granted is changed with `doorward client
grant`.

Examples:
  doorward client set crm --per-second 5 --leads-per-day 2000 --concurrency 4
  doorward client set crm --source 10.20.0.0/16 --source 192.0.2.7
  doorward client set crm --redact email=mask --redact /items/*/phone=drop
  doorward client set crm --class batch --weight 3
  doorward client set crm --per-second none --source none --expires-in never")]
pub(crate) struct SetClient {
    /// Name or id of the client
    pub(crate) name: String,

    /// Who answers for it
    #[arg(long, value_name = "WHO")]
    pub(crate) owner: Option<String>,

    /// What it is there for
    #[arg(long, value_name = "TEXT")]
    pub(crate) purpose: Option<String>,

    /// How long from now the client lasts, like 90d or 12h; never for until deleted
    #[arg(long, value_name = "TIME|never")]
    pub(crate) expires_in: Option<LastingOrNever>,

    #[command(flatten)]
    pub(crate) within: InWorkspace,

    #[command(flatten)]
    pub(crate) controls: ControlArgs,
}

/// What is granted.
#[derive(Debug, Clone, Args)]
pub(crate) struct GrantArgs {
    /// Grant a use case; see `doorward scopes list --use-cases`
    #[arg(long, short, value_name = "NAME")]
    pub(crate) use_case: Vec<String>,

    /// Grant an operation by its operationId
    #[arg(long, value_name = "ID")]
    pub(crate) operation: Vec<String>,

    /// Grant a scope: the operations documented to need it
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Vec<String>,

    /// Let it act on this sub-workspace with x-as-workspace
    #[arg(long, value_name = "ID")]
    pub(crate) sub_workspace: Vec<String>,

    /// Let it write entries of its own into the ledger with `POST /audit`
    #[arg(long)]
    pub(crate) audit: bool,

    /// Go beyond the environment's ceiling for a limited time; say why
    #[arg(long, value_name = "REASON")]
    pub(crate) break_glass: Option<String>,

    /// How long the break-glass lasts, at most 4h (default: 1h, or as long as the client learns)
    #[arg(long, value_name = "TIME", requires = "break_glass")]
    pub(crate) break_glass_for: Option<Lasting>,
}

impl GrantArgs {
    /// Whether nothing is to be granted.
    pub(crate) fn is_empty(&self) -> bool {
        self.use_case.is_empty()
            && self.operation.is_empty()
            && self.scope.is_empty()
            && self.sub_workspace.is_empty()
            && !self.audit
            && self.break_glass.is_none()
    }
}

/// `doorward key …`
#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Issue a key to a client; it is shown this once
    #[command(after_help = "\
The key goes to stdout and everything else to stderr, so that it can be piped. Only a keyed hash is
kept: a lost key is revoked and another issued.

Examples:
  doorward key issue lead-import
  doorward key issue lead-import --expires-in 90d | kubectl create secret generic lead-import \\
      --from-file=INSTANTLY_API_KEY=/dev/stdin
  doorward key issue lead-import --json")]
    Issue {
        /// Name or id of the client
        client: String,
        /// How long the key lasts, like 90d or 12h (default: until revoked)
        #[arg(long, value_name = "TIME")]
        expires_in: Option<Lasting>,
        #[command(flatten)]
        within: InWorkspace,
    },
    /// List client keys: ids, never the keys
    #[command(after_help = "\
Examples:
  doorward key list
  doorward key list lead-import
  doorward key list --all-workspaces --json")]
    List {
        /// Name or id of the client (default: every client)
        client: Option<String>,
        #[command(flatten)]
        of: OfWorkspaces,
    },
    /// Issue a key in the place of a client's others; for a while both are valid
    #[command(after_help = "\
The new key goes to stdout, as with `key issue`. The keys that were in force end when the overlap is
over, never later than they would have; `doorward key list CLIENT` shows the last use of each, so
that you see when nobody uses the old one any more. With --overlap 0 the old keys are revoked at
once.

Examples:
  doorward key rotate lead-import
  doorward key rotate lead-import --overlap 72h --expires-in 90d --json
  doorward key rotate lead-import --overlap 0
  doorward key rotate lead-import --key 3Nf0aQ9ZbX2k")]
    Rotate {
        /// Name or id of the client
        client: String,
        /// How long the old keys stay valid beside the new one, at most 30 days; 0 ends them at once
        #[arg(long, value_name = "TIME", default_value = "24h")]
        overlap: LastingOrNone,
        /// How long the new key lasts (default: as long as the newest of the old ones was to last)
        #[arg(long, value_name = "TIME|never")]
        expires_in: Option<LastingOrNever>,
        /// Replace only the key with this id
        #[arg(long = "key", value_name = "KEY_ID")]
        only: Option<String>,
        #[command(flatten)]
        within: InWorkspace,
    },
    /// Revoke a key; it is refused from the next call on
    #[command(after_help = "\
The id is the part after the environment's letter: dwk_p_<id>_…

Examples:
  doorward key revoke 3Nf0aQ9ZbX2k
  doorward key revoke 3Nf0aQ9ZbX2k --json")]
    Revoke {
        /// Id of the key, 12 letters and digits
        key_id: String,
    },
}
