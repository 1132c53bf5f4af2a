//! `doorward workspace …`, and the options that name a workspace.

use clap::{Args, Subcommand};

/// Which workspace a command is about.
#[derive(Debug, Clone, Args)]
pub(crate) struct InWorkspace {
    /// Workspace, by name or id (default: the only one there is)
    #[arg(
        long,
        short,
        value_name = "NAME",
        env = "DOORWARD_WORKSPACE",
        hide_env_values = true
    )]
    pub(crate) workspace: Option<String>,
}

/// Which workspaces a list is of.
#[derive(Debug, Clone, Args)]
pub(crate) struct OfWorkspaces {
    #[command(flatten)]
    pub(crate) one: InWorkspace,

    /// Every workspace
    #[arg(long, conflicts_with = "workspace")]
    pub(crate) all_workspaces: bool,
}

/// `doorward workspace …`
#[derive(Debug, Subcommand)]
pub(crate) enum WorkspaceCommand {
    /// Add an Instantly workspace by a key of it
    Add(AddWorkspace),
    /// List the workspaces
    #[command(after_help = "\
Examples:
  doorward workspace list
  doorward workspace list --json")]
    List,
    /// Show a workspace, its upstream keys and what they reach
    #[command(after_help = "\
Examples:
  doorward workspace show acme
  doorward workspace show acme --wide
  doorward workspace show acme --json")]
    Show {
        /// Name or id of the workspace (default: the only one there is)
        name: Option<String>,
        /// Show long lists of scopes whole
        #[arg(long)]
        wide: bool,
    },
    /// Remove an upstream key from a workspace; nothing changes at Instantly
    #[command(after_help = "\
Calls go out under the workspace's other keys from the next one on. The key itself stays where it is
kept, and in force at Instantly.

Examples:
  doorward workspace remove-key acme instantly_key")]
    RemoveKey {
        /// Name or id of the workspace
        workspace: String,
        /// Name or id of the key, as `doorward workspace show` has it
        key: String,
    },
    /// Remove a workspace and its upstream keys from Doorward; nothing changes at Instantly
    #[command(after_help = "\
Its clients must be deleted first.

Examples:
  doorward workspace remove acme")]
    Remove {
        /// Name or id of the workspace
        name: String,
    },
}

/// `doorward workspace add`
#[derive(Debug, Args)]
#[command(after_help = "\
A key is given by reference: env://NAME, file:///absolute/path (mode 0600) or file:name, relative to
the data folder. With - the key is asked for, or read from stdin, and kept in the data folder. It is tried with one or two harmless reads; what it may do, what Doorward
itself would need and which sub-workspaces it reaches is shown. Given more than once, each call is
later made with the narrowest key that covers it. Adding to a workspace that is there adds the keys;
a key that it has already is tried again when --scopes says what it may do.

Examples:
  doorward workspace add acme --key-from -
  doorward workspace add acme --key-from file:///run/secrets/instantly-key
  doorward workspace add acme --key-from env://INSTANTLY_READ_KEY --key-from env://INSTANTLY_WRITE_KEY
  doorward workspace add acme --key-from env://INSTANTLY_KEY --scopes all:all
  doorward workspace add acme --key-from file:///run/secrets/instantly-manager-key --manages
  doorward workspace add try --key-from file:sandbox.key --base-url http://127.0.0.1:4010 --sandbox")]
pub(crate) struct AddWorkspace {
    /// Name to call it by
    pub(crate) name: String,

    /// Reference of an upstream key, or - to enter it; may be given more than once
    #[arg(long, value_name = "REF", required = true)]
    pub(crate) key_from: Vec<String>,

    /// Where its API is, when that is not Instantly itself
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,

    /// Scopes of the keys, where they can't be found out: those of a key that may read everything
    #[arg(long, value_name = "SCOPES")]
    pub(crate) scopes: Option<doorward_catalog::ScopeSet>,

    /// It is an emulated workspace: no ceiling holds for its clients
    #[arg(long, requires = "base_url")]
    pub(crate) sandbox: bool,

    /// The keys manage the workspace's other keys (scopes api_keys:create, api_keys:read,
    /// api_keys:delete): Doorward rotates under them, and no client's call ever goes out under them
    #[arg(long)]
    pub(crate) manages: bool,
}
