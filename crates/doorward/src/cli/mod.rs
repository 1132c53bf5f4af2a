//! What can be typed: commands, options, help. What they do is in [`crate::commands`].

mod alerts;
mod approvals;
mod audit;
mod backup;
mod blocklist;
mod call;
mod check;
mod clients;
mod controls;
mod deliveries;
mod destinations;
mod events;
mod idempotency;
mod leak;
mod learning;
mod manifest;
mod members;
mod policy;
#[cfg(test)]
mod remedies;
mod run;
mod scan;
mod scopes;
mod secrets;
mod serving;
mod trial;
mod upstream;
mod webhooks;
mod workspaces;

use std::path::PathBuf;

use clap::builder::Styles;
use clap::builder::styling::{AnsiColor, Effects};
use clap::{Args, Parser, Subcommand};

pub(crate) use alerts::AlertCommand;
pub(crate) use approvals::{AdminCommand, ApprovalCommand, Decide, TokenCommand};
pub(crate) use audit::{
    AuditCommand, Before, CheckpointOf, Erase, Export, Filters, Person, Prove, Prune, Reconcile,
    Review, Search, Show, Tail, Verify,
};
pub(crate) use backup::{Backup, Restore};
pub(crate) use blocklist::{BlocklistCommand, ImportBlocklist};
pub(crate) use call::{Api, EnvFormat, EnvOf};
pub(crate) use check::{Check, CheckCommand, CheckFormat, RunCheck};
pub(crate) use clients::{ClientCommand, CreateClient, GrantArgs, KeyCommand, SetClient};
pub(crate) use deliveries::{
    DeadLetterCommand, DeliveriesCommand, ListDeliveries, Replay, ReplayCommand, ReplayOf,
};
pub(crate) use destinations::{DestinationCommand, DestinationOptions, Retry, SetDestination};
pub(crate) use events::{EventFilters, EventTimes, EventsCommand, Listen, TailEvents};
pub(crate) use idempotency::IdempotencyCommand;
pub(crate) use leak::{LeakCommand, RespondLeak};
pub(crate) use learning::{Learn, Recommend};
pub(crate) use manifest::{ApplyOf, ExportTo, ManifestCommand, PlanOf};
pub(crate) use members::{InviteMember, MemberCommand};
pub(crate) use policy::PolicyCommand;
pub(crate) use run::{CaCommand, Run};
pub(crate) use scan::{
    InstallHook, RulesCommand, Scan, ScanCommand, ScanFormat, ScanRun, WithRules,
};
pub(crate) use scopes::{ScopesCommand, ScopesPlan};
pub(crate) use secrets::{SecretCommand, SetSecret};
pub(crate) use serving::{Init, Sandbox, Serve, Up};
pub(crate) use trial::{Explain, Simulate};
pub(crate) use upstream::{
    AdoptUpstream, ListUpstream, MintUpstream, ProbeUpstream, RevokeUpstream, RotateUpstream,
    RotationCommand, ShrinkUpstream, UpstreamCommand, Waiting,
};
pub(crate) use webhooks::{CreateWebhook, DoorOptions, WebhookCommand};
pub(crate) use workspaces::{AddWorkspace, InWorkspace, OfWorkspaces, WorkspaceCommand};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().effects(Effects::BOLD))
    .usage(AnsiColor::Green.on_default().effects(Effects::BOLD))
    .literal(AnsiColor::Cyan.on_default().effects(Effects::BOLD))
    .placeholder(AnsiColor::Cyan.on_default());

const AFTER: &str = "\
Exit codes:
  0  done
  1  failed, or there are findings
  2  wrong usage or configuration
  3  the workspace is not in its declared state

Examples:
  doorward up                                   try everything, with no account
  doorward client create dashboard --use-case analytics-dashboard --environment production
  doorward key issue dashboard --expires-in 90d
  doorward api GET /api/v2/campaigns --as dashboard
  doorward scan --git --verify                  leaked keys in a repository, and whether they live";

/// A security gateway for teams that integrate with Instantly.ai.
///
/// Programs and agents call the Instantly API through Doorward with a client key of their own.
/// Doorward decides, records, swaps in the real key and forwards. The real key never leaves it.
#[derive(Debug, Parser)]
#[command(name = "doorward", version, styles = STYLES, after_help = AFTER, max_term_width = 100)]
#[command(propagate_version = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options that every command has.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Folder that the state is kept in (default: what the configuration says, else .doorward)
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        env = "DOORWARD_DATA_DIR",
        hide_env_values = true
    )]
    #[arg(help_heading = "Global options")]
    pub(crate) data_dir: Option<PathBuf>,

    /// Configuration file (default: doorward.toml, if there is one)
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "DOORWARD_CONFIG",
        hide_env_values = true
    )]
    #[arg(help_heading = "Global options")]
    pub(crate) config: Option<PathBuf>,

    /// Write JSON for programs
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) json: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything against an emulated Instantly, to try it out
    Up(Up),
    /// Run the emulated Instantly API alone
    Sandbox(Sandbox),
    /// Write a commented configuration and make the data folder
    Init(Init),
    /// Run the gateway
    Serve(Serve),
    /// Show what runs and how it is doing: the ledger, sinks, witnesses, the watch
    #[command(after_help = "\
Ends with 1 when nothing runs or somebody should look.

Examples:
  doorward status
  doorward status --json | jq .health.ledger")]
    Status,
    /// Copy all that Doorward keeps, secrets excepted, while it runs
    Backup(Backup),
    /// Put a backup into a new data folder
    Restore(Restore),
    /// Tell by the exit code whether the running server can take calls
    #[command(after_help = "\
What /readyz says at the gateway's address, over the admin socket: for a container's health check.
Ends with 0 when calls can be taken, with 1 when not.

Examples:
  doorward ready
  doorward ready --json --data-dir /var/lib/doorward")]
    Ready,
    /// Have the running server read its configuration, state and upstream keys again
    #[command(after_help = "\
SIGHUP does the same. A faulty configuration is refused whole: all its faults are told with their
lines, and what was in force stays. What can't be changed while the server runs is told.

Examples:
  doorward reload
  doorward reload --config /etc/doorward/doorward.toml
  doorward reload --json | jq .restart_needed")]
    Reload,
    /// Add, list, show and remove Instantly workspaces
    #[command(subcommand, visible_alias = "workspaces")]
    Workspace(WorkspaceCommand),
    /// The real keys: list, take in, try and revoke them
    #[command(subcommand)]
    Upstream(UpstreamCommand),
    /// Where Instantly's webhooks come in: make, list, test and remove sources
    #[command(subcommand, visible_alias = "webhooks")]
    Webhook(WebhookCommand),
    /// Where events go: add, list, change, pause and remove destinations
    #[command(subcommand, visible_alias = "destinations")]
    Destination(DestinationCommand),
    /// The events that came in: list, show, follow and search them
    #[command(subcommand, visible_alias = "event")]
    Events(EventsCommand),
    /// What was delivered, what is tried again, and what was answered
    #[command(subcommand, visible_alias = "delivery")]
    Deliveries(DeliveriesCommand),
    /// Deliver events once more
    Replay(Replay),
    /// What was tried as often as it is tried: list it, try it again, give it up
    #[command(subcommand, visible_alias = "dead-letters")]
    DeadLetter(DeadLetterCommand),
    /// Look for leaked keys in files and in git's history
    Scan(Scan),
    /// Answer the leak of a key
    #[command(subcommand)]
    Leak(LeakCommand),
    /// Show what leads from the present state to the declared one
    Plan(PlanOf),
    /// Bring workspaces to their declared state
    Apply(ApplyOf),
    /// Write what is there as a manifest
    Export(ExportTo),
    /// The manifest itself: its schema, and whether it is sound
    #[command(subcommand)]
    Manifest(ManifestCommand),
    /// The people of a workspace: list, invite, change, remove and review them
    #[command(subcommand, visible_alias = "members")]
    Member(MemberCommand),
    /// Who is never written to: list, add, remove, import and check
    #[command(subcommand)]
    Blocklist(BlocklistCommand),
    /// Check the workspace and Doorward against the security checklist
    Check(Box<Check>),
    /// Create, list, show, grant, set, disable and delete clients
    #[command(subcommand, visible_alias = "clients")]
    Client(ClientCommand),
    /// Issue, list and revoke client keys
    #[command(subcommand, visible_alias = "keys")]
    Key(KeyCommand),
    /// Add, list, show, check and remove policies: conditions beyond grants
    #[command(subcommand, visible_alias = "policies")]
    Policy(PolicyCommand),
    /// Plan, explain and list scopes
    #[command(subcommand, visible_alias = "scope")]
    Scopes(ScopesCommand),
    /// Read, prove, verify and keep the record of what was done
    #[command(subcommand)]
    Audit(AuditCommand),
    /// See and decide the requests that wait for somebody's approval
    #[command(subcommand, visible_alias = "approvals")]
    Approval(ApprovalCommand),
    /// Name the people who may decide
    #[command(subcommand)]
    Admin(AdminCommand),
    /// List, show and let go of writes that were made under idempotency keys
    #[command(subcommand)]
    Idempotency(IdempotencyCommand),
    /// Try the alert channels, and list what was told
    #[command(subcommand, visible_alias = "alerts")]
    Alert(AlertCommand),
    /// Keep, show, list, check and copy secrets
    #[command(subcommand, visible_alias = "secrets")]
    Secret(SecretCommand),
    /// Call the Instantly API through the gateway
    Api(Api),
    /// Print the settings a program needs to use the gateway
    Env(EnvOf),
    /// Run a command that calls Instantly as a client, and hide the real keys from it
    Run(Box<Run>),
    /// Show and export the local certificate authority
    #[command(subcommand)]
    Ca(CaCommand),
    /// Write a completion script for a shell
    #[command(after_help = "\
Examples:
  doorward completions bash > ~/.local/share/bash-completion/completions/doorward
  doorward completions zsh > ~/.zfunc/_doorward
  doorward completions fish > ~/.config/fish/completions/doorward.fish")]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write the man pages into a folder
    #[command(after_help = "\
Examples:
  doorward man ~/.local/share/man/man1
  doorward man . && man ./doorward-up.1")]
    Man {
        /// The folder; it is made when missing
        dir: PathBuf,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definitions_hold_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_help_and_examples() {
        fn walk(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            assert!(command.get_about().is_some(), "{path} has no help");
            for argument in command.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "{path}: {} has no help",
                    argument.get_id()
                );
            }
            let subcommands: Vec<_> = command.get_subcommands().collect();
            if subcommands.is_empty() {
                let after = command
                    .get_after_help()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                assert!(
                    after.contains("Examples:\n  doorward "),
                    "{path} has no examples"
                );
            }
            for subcommand in subcommands {
                walk(subcommand, &path);
            }
        }
        walk(&Cli::command(), "");
    }
}
