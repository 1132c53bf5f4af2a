//! What can be typed about rotations.

use clap::{Args, Subcommand};
use doorward_catalog::ScopeSet;

use crate::cli::InWorkspace;

/// `doorward upstream rotate` and what belongs to it.
#[derive(Debug, Subcommand)]
pub(crate) enum RotationCommand {
    /// Put a new key in the place of one, and prove the old one dead
    Rotate(RotateUpstream),
    /// Show the rotations under way, or one
    #[command(after_help = "\
Examples:
  doorward upstream status
  doorward upstream status k3v9x0m2pq
  doorward upstream status --json")]
    Status {
        /// Id of the rotation (default: all that are under way)
        id: Option<String>,
    },
    /// Have a rotation go on that is stuck, or whose step failed, without waiting
    #[command(after_help = "\
Without a server that runs, the rotation is carried out by this command.

Examples:
  doorward upstream resume
  doorward upstream resume k3v9x0m2pq --manager manager-2
  doorward upstream resume k3v9x0m2pq --skip billing-service")]
    Resume {
        /// Id of the rotation (default: the only one that is under way)
        id: Option<String>,
        /// Name of the upstream key that makes, lists and deletes keys from now on
        #[arg(long, value_name = "KEY")]
        manager: Option<String>,
        /// Tell this consumer nothing more, and do not wait for it
        #[arg(long, value_name = "CONSUMER")]
        skip: Option<String>,
        #[command(flatten)]
        wait: Waiting,
    },
    /// Take a rotation back: calls go out under the old key again, and the new one is deleted
    #[command(after_help = "\
That can be until the old key is being revoked. A rotation that is stuck, or whose old key is dead, can
be left as it is with --abandon: then what is left at Instantly is yours to see to.

Examples:
  doorward upstream rollback
  doorward upstream rollback k3v9x0m2pq
  doorward upstream rollback k3v9x0m2pq --abandon")]
    Rollback {
        /// Id of the rotation (default: the only one that is under way)
        id: Option<String>,
        /// Leave one as it is that is stuck, or whose old key is dead
        #[arg(long)]
        abandon: bool,
        #[command(flatten)]
        wait: Waiting,
    },
    /// Show the rotations that were, the newest first
    #[command(after_help = "\
The ledger has each step: `doorward audit search --kind rotation`.

Examples:
  doorward upstream history
  doorward upstream history reader --workspace acme
  doorward upstream history --json")]
    History {
        /// Name of the upstream key (default: all)
        key: Option<String>,
        #[command(flatten)]
        within: InWorkspace,
    },
}

/// Whether a command waits for the rotation's end.
#[derive(Debug, Args)]
pub(crate) struct Waiting {
    /// Do not wait for its end
    #[arg(long)]
    pub(crate) no_wait: bool,
}

/// `doorward upstream rotate`
#[derive(Debug, Args)]
#[command(after_help = "\
A key with the same scopes is made under the key that manages the workspace's others, kept beside the
old one, tried, and put in its place with one swap; the old one is behind it until no call is under
way under it, then deleted, and proved dead: three refusals over ten seconds. No call fails because of
it. It goes on by itself, after a restart too; `doorward upstream rollback` takes it back as long as
the old key is not revoked. Without a server that runs, it is carried out by this command.

Examples:
  doorward upstream rotate reader
  doorward upstream rotate reader --now --workspace acme
  doorward upstream rotate reader --dry-run
  doorward upstream rotate reader --json --now")]
pub(crate) struct RotateUpstream {
    /// Name or id of the upstream key, as `doorward workspace show` has it
    pub(crate) key: String,

    #[command(flatten)]
    pub(crate) within: InWorkspace,

    /// Do not keep both keys in force for a minute: no longer than calls need
    #[arg(long)]
    pub(crate) now: bool,

    /// Show every step and call, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Scopes of the new key, if others than those of the old one
    #[arg(long, value_name = "SCOPES")]
    pub(crate) scopes: Option<ScopeSet>,

    /// Instantly's id of the old key, where that can't be told for certain
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,

    /// Where the new key is to be kept (default: beside the old one)
    #[arg(long, value_name = "REF")]
    pub(crate) to: Option<String>,

    #[command(flatten)]
    pub(crate) wait: Waiting,
}
