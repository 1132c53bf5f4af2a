//! What can be typed about the people of a workspace.

use clap::{Args, Subcommand};

use super::workspaces::{InWorkspace, OfWorkspaces};

/// `doorward member …`
#[derive(Debug, Subcommand)]
pub(crate) enum MemberCommand {
    /// List the people of a workspace, and those invited
    #[command(after_help = "\
It takes an upstream key that may list members (workspace_members:read).

Examples:
  doorward member list
  doorward member list --json | jq -r '.[].members[] | select(.role == \"admin\") | .email'")]
    List {
        #[command(flatten)]
        of: OfWorkspaces,
    },
    /// Invite somebody
    Invite(InviteMember),
    /// Remove somebody, or take an invitation back; API keys that they made live on
    #[command(after_help = "\
The last owner is never removed. Keys are the workspace's, not a person's: look through `doorward
upstream list` when somebody leaves.

Examples:
  doorward member remove ann@example.com
  doorward member remove ann@example.com --dry-run
  doorward member remove ann@example.com --yes")]
    Remove {
        /// Address, or Instantly's id of the membership
        member: String,

        /// Don't ask
        #[arg(long, short)]
        yes: bool,

        /// Say what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,

        #[command(flatten)]
        within: InWorkspace,
    },
    /// Give somebody another role
    #[command(after_help = "\
Instantly lets a role and a nickname be changed, and no permissions: those change by removing and
inviting again, which `doorward apply` does and says so before. The last owner is never touched.

Examples:
  doorward member set-role ann@example.com view
  doorward member set-role ann@example.com admin --dry-run --json")]
    SetRole {
        /// Address, or Instantly's id of the membership
        member: String,

        /// admin, editor or view
        role: String,

        /// Say what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,

        #[command(flatten)]
        within: InWorkspace,
    },
    /// Look through the people of a workspace: who may do more than they should have to
    #[command(after_help = "\
That somebody looked is recorded. Ends with 1 when there is something to look at.

Examples:
  doorward member review
  doorward member review --domain example.com --domain example.org
  doorward member review --all-workspaces --json")]
    Review {
        /// A domain that addresses are expected at; may be repeated (default: that of the owner)
        #[arg(long, value_name = "DOMAIN")]
        domain: Vec<String>,

        #[command(flatten)]
        of: OfWorkspaces,
    },
}

/// `doorward member invite`
#[derive(Debug, Args)]
#[command(after_help = "\
Permissions are given with the invitation and can't be changed later. Nobody is made an owner.

Examples:
  doorward member invite ann@example.com --role view
  doorward member invite ann@example.com --role editor --permission campaigns.view --permission leads.move")]
pub(crate) struct InviteMember {
    /// The address
    pub(crate) email: String,

    /// admin, editor or view
    #[arg(long, value_name = "ROLE")]
    pub(crate) role: String,

    /// A permission beside the role; may be repeated
    #[arg(long, value_name = "NAME")]
    pub(crate) permission: Vec<String>,

    /// A nickname, 80 characters at most
    #[arg(long, value_name = "TEXT")]
    pub(crate) nickname: Option<String>,

    #[command(flatten)]
    pub(crate) within: InWorkspace,
}
