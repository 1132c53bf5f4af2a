//! What can be typed about manifests: `plan`, `apply`, `export`, `manifest`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use doorward_posture::plan::Target;

use super::workspaces::OfWorkspaces;

/// `doorward plan`
#[derive(Debug, Args)]
#[command(after_help = "\
Reads the manifest and looks at Instantly and at what Doorward keeps; nothing is changed. Each step tells
what is made (+), changed (~), made anew (±) or removed (-), and how much harm it can do. What is not
declared stays, unless `prune` says otherwise.

Ends with 0. With --detailed-exitcode: 0 when nothing is to be done, 3 when something is.

Examples:
  doorward plan
  doorward plan people.toml keys.toml
  doorward plan --target member/ann@example.com
  doorward plan --detailed-exitcode --json | jq '.steps[].risk'")]
pub(crate) struct PlanOf {
    #[command(flatten)]
    pub(crate) of: ManifestFiles,

    /// End with 3 when the workspace is not in its declared state
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,

    /// Only tell what differs; there is nothing to be applied or approved
    #[arg(long)]
    pub(crate) refresh_only: bool,
}

/// `doorward apply`
#[derive(Debug, Args)]
#[command(after_help = "\
Shows the plan, asks, and takes its steps in order. Each looks again before it acts, is recorded, and is
told; at the first that fails the rest is left. Cut off at any point, it is just run again.

Steps that can do much harm are asked for one by one. Where nobody is there to be asked, they need
--approve with what `doorward plan` shows for exactly these steps.

Examples:
  doorward apply
  doorward apply --yes --approve 3f2a9c1b77d0
  doorward apply --target block_list --yes
  doorward apply --refresh-only")]
pub(crate) struct ApplyOf {
    #[command(flatten)]
    pub(crate) of: ManifestFiles,

    /// Don't ask; dangerous steps need --approve all the same
    #[arg(long, short)]
    pub(crate) yes: bool,

    /// Approve the dangerous steps that `doorward plan` shows under this
    #[arg(long, value_name = "PLAN")]
    pub(crate) approve: Option<String>,

    /// Look, record how far the workspaces are from their declared state, and change nothing
    #[arg(long, conflicts_with_all = ["yes", "approve"])]
    pub(crate) refresh_only: bool,
}

/// Which manifest, and which part of it.
#[derive(Debug, Args)]
pub(crate) struct ManifestFiles {
    /// The manifest's files, taken together
    #[arg(value_name = "FILE", default_value = "workspace.toml")]
    pub(crate) files: Vec<PathBuf>,

    /// Only this: a kind, or a kind and a name, like member/ann@example.com; may be repeated
    #[arg(long, value_name = "KIND[/NAME]")]
    pub(crate) target: Vec<Target>,
}

/// `doorward export`
#[derive(Debug, Args)]
#[command(after_help = "\
Writes what is there as a manifest; planned, nothing is to be done. No secret is in it.

Examples:
  doorward export > workspace.toml
  doorward export --out workspace.toml --workspace acme")]
pub(crate) struct ExportTo {
    /// Write to this file, long block lists to others beside it; none of them may be there
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) of: OfWorkspaces,
}

/// `doorward manifest …`
#[derive(Debug, Subcommand)]
pub(crate) enum ManifestCommand {
    /// Print the manifest's JSON Schema, for editors
    #[command(after_help = "\
Examples:
  doorward manifest schema > workspace.schema.json")]
    Schema,
    /// Check a manifest whole: all faults with file, line and help. Asks nobody
    #[command(after_help = "\
Examples:
  doorward manifest validate
  doorward manifest validate people.toml keys.toml --json")]
    Validate {
        /// The manifest's files, taken together
        #[arg(value_name = "FILE", default_value = "workspace.toml")]
        files: Vec<PathBuf>,
    },
}
