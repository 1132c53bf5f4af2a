//! `doorward upstream list`, `adopt`, `probe` and `revoke`.

use clap::Args;
use doorward_catalog::{Environment, ScopeSet, UseCase};

use super::rotations::Waiting;
use crate::cli::workspaces::{InWorkspace, OfWorkspaces};
use crate::duration::Moment;

/// `doorward upstream list`
#[derive(Debug, Args)]
#[command(after_help = "\
Keys that Instantly lists and Doorward does not hold are `unknown`; those that Doorward holds and
Instantly does not list any more are `gone`. What went out through Doorward is counted by the ledger;
what Instantly's own audit log has of a key stands beside it. That log has no reads.

Examples:
  doorward upstream list
  doorward upstream list --workspace acme --since 90d --wide
  doorward upstream list --all-workspaces --json | jq '.[].keys[] | select(.state == \"unknown\")'")]
pub(crate) struct ListUpstream {
    #[command(flatten)]
    pub(crate) of: OfWorkspaces,

    /// Count what was used since then
    #[arg(long, value_name = "WHEN", default_value = "30d")]
    pub(crate) since: Moment,

    /// Ask Instantly nothing: say what is known here
    #[arg(long)]
    pub(crate) no_fetch: bool,

    /// Show long lists of scopes whole with how often each was used, and retired keys too
    #[arg(long)]
    pub(crate) wide: bool,
}

/// `doorward upstream adopt`
#[derive(Debug, Args)]
#[command(after_help = "\
The key is tried by harmless reads. Its id at Instantly, by which it is revoked and rotated, is taken when
it is certain: from its own entry in the list of keys, from its scopes when no other key of the workspace
has the same and it is seen to be of that workspace, or from records of calls that went out under it.
Else it is asked for with --id; nothing is guessed. Without a reference the key is asked for, or read from
stdin, and kept in the data folder; of a key that is held, only what is said is changed.

Examples:
  doorward upstream adopt reader --workspace acme file:///run/secrets/instantly-reader
  pass show instantly/writer | doorward upstream adopt writer --owner ann@example.com
  doorward upstream adopt manager --manages env://INSTANTLY_MANAGER_KEY
  doorward upstream adopt reader --id 0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f")]
pub(crate) struct AdoptUpstream {
    /// Name to call it by, or that it has
    pub(crate) name: String,

    /// Where its value is, or - to enter it (default: it is entered)
    #[arg(value_name = "REF")]
    pub(crate) reference: Option<String>,

    #[command(flatten)]
    pub(crate) of: InWorkspace,

    /// Who answers for it
    #[arg(long, value_name = "PERSON")]
    pub(crate) owner: Option<String>,

    /// Instantly's id of it, where it can't be told for certain
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,

    /// Take it in though its id can't be told
    #[arg(long, conflicts_with = "id")]
    pub(crate) without_id: bool,

    /// It manages the workspace's other keys (api_keys:create, api_keys:read, api_keys:delete), and no
    /// client's call ever goes out under it
    #[arg(long)]
    pub(crate) manages: bool,

    /// Its scopes, where they can't be found out: those of a key that may read everything
    #[arg(long, value_name = "SCOPES")]
    pub(crate) scopes: Option<ScopeSet>,
}

/// `doorward upstream probe`
#[derive(Debug, Args)]
#[command(after_help = "\
Reads alone. Ends with 1 when it is not accepted, can't be told, or has other scopes than were known.

Examples:
  doorward upstream probe reader
  doorward upstream probe reader --workspace acme --json")]
pub(crate) struct ProbeUpstream {
    /// Name or id of the key
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) of: InWorkspace,
}

/// `doorward upstream revoke`
#[derive(Debug, Args)]
#[command(after_help = "\
Instantly has no end, no disabling and no undoing of keys: a key that is deleted is gone. It is deleted by
its id; a name must be one key's alone, and is shown with its id before you are asked. It is refused
when clients are granted what no other working key covers. A key whose value Doorward holds is proved
dead: three refusals over ten seconds.

Examples:
  doorward upstream revoke 0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f
  doorward upstream revoke --name zapier --workspace acme
  doorward upstream revoke 0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f --name writer --yes --json")]
pub(crate) struct RevokeUpstream {
    /// Instantly's id of the key, or Doorward's
    #[arg(required_unless_present = "name")]
    pub(crate) id: Option<String>,

    /// Its name, here or at Instantly; with the id, the name that it must have
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    #[command(flatten)]
    pub(crate) of: InWorkspace,

    /// Revoke it though clients need it
    #[arg(long)]
    pub(crate) force: bool,

    /// Don't ask; takes the id
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// `doorward upstream mint`
#[derive(Debug, Args)]
#[command(after_help = "\
The key is made under the key that manages, with the least scopes that the use cases need, never with
all:all; named dw-NAME-ROTATION-N at Instantly; kept before it is used; and tried: the scopes that
Instantly lists must be those planned. A key that is made and can't be kept is deleted, after a crash too.

Examples:
  doorward upstream mint dashboard --use-case analytics-dashboard --env production
  doorward upstream mint crm -u crm-sync -u lead-import -e production --to vault://secret/doorward#crm
  doorward upstream mint dashboard -u analytics-dashboard -e production --dry-run")]
pub(crate) struct MintUpstream {
    /// Name to call it by
    pub(crate) name: String,

    /// What it is for; may be given more than once
    #[arg(long, short, value_name = "NAME", required = true)]
    pub(crate) use_case: Vec<UseCase>,

    /// Where its clients run: development, staging or production
    #[arg(long, short, visible_alias = "env", value_name = "ENV")]
    pub(crate) environment: Environment,

    #[command(flatten)]
    pub(crate) of: InWorkspace,

    /// Where its value is to be kept (default: the encrypted file in the data folder)
    #[arg(long, value_name = "REF")]
    pub(crate) to: Option<String>,

    /// Who answers for it
    #[arg(long, value_name = "PERSON", conflicts_with = "no_wait")]
    pub(crate) owner: Option<String>,

    /// Show the scopes and every step and call, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) wait: Waiting,
}

/// `doorward upstream shrink`
#[derive(Debug, Args)]
#[command(after_help = "\
Kept is what calls through Doorward needed, what acts in Instantly's own audit log may have needed, and
what Doorward itself reads. It runs as a rotation: `doorward upstream rollback` takes it back as long as
the old key is not revoked. When clients are granted what no key would cover any more, it asks.

Examples:
  doorward upstream shrink wide --dry-run
  doorward upstream shrink wide --since 90d
  doorward upstream shrink wide --workspace acme --yes --json")]
pub(crate) struct ShrinkUpstream {
    /// Name or id of the key
    pub(crate) name: String,

    #[command(flatten)]
    pub(crate) of: InWorkspace,

    /// Keep what was used since then
    #[arg(long, value_name = "WHEN", default_value = "30d")]
    pub(crate) since: Moment,

    /// Where the new key is to be kept (default: beside the old one)
    #[arg(long, value_name = "REF")]
    pub(crate) to: Option<String>,

    /// Do not keep both keys in force for a minute: no longer than calls need
    #[arg(long)]
    pub(crate) now: bool,

    /// Show what would stay and go, and every step and call, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Don't ask
    #[arg(long, short)]
    pub(crate) yes: bool,

    #[command(flatten)]
    pub(crate) wait: Waiting,
}
