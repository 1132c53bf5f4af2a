//! `doorward check …`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use doorward_finding::Severity;
use jiff::civil::Date;

use crate::duration::Moment;

/// `doorward check`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Looks at the workspace at Instantly, at what Doorward holds and at the project's folder, and tells what
is not as it should be, with the command that mends it. What it can't look at (a scope, a plan, a host
that does not answer) is told with why, and never counted as passed.

The score is what was kept of what was at stake: each check puts in the weight of its severity (critical
20, high 8, medium 3, low 1, info 0). Runs are kept, so that the next tells what is new and what is
mended. Ends with 1 when something counts that is as bad as --fail-on, or worse.

Examples:
  doorward check
  doorward check --only keys --only people.mfa_missing --fail-on high
  doorward check --all --format html -o check.html
  doorward check --format sarif -o check.sarif --repo .
  doorward check --since 30d
  doorward check --fix
  doorward check mute keys.no_owner --reason 'asked, see OPS-12' --owner ann --until 2027-01-31")]
pub(crate) struct Check {
    #[command(subcommand)]
    pub(crate) command: Option<CheckCommand>,

    #[command(flatten)]
    pub(crate) run: RunCheck,
}

/// A run.
#[derive(Debug, Args)]
pub(crate) struct RunCheck {
    /// Workspace, by name or id (default: the only one there is)
    #[arg(
        long,
        short,
        value_name = "NAME",
        env = "DOORWARD_WORKSPACE",
        hide_env_values = true
    )]
    pub(crate) workspace: Option<String>,

    /// Every workspace
    #[arg(long, visible_alias = "all-workspaces")]
    pub(crate) all: bool,

    /// This check or area alone; may be given more than once
    #[arg(long, value_name = "ID|AREA", value_delimiter = ',')]
    pub(crate) only: Vec<String>,

    /// Not this check or area; may be given more than once
    #[arg(long, value_name = "ID|AREA", value_delimiter = ',')]
    pub(crate) skip: Vec<String>,

    /// Compare with this time: 24h, 7d, 2026-01-31 or 2026-01-31T12:00:00Z (default: the run before)
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<Moment>,

    /// End with 1 when something counts that is this bad or worse: info, low, medium, high, critical, or
    /// never
    #[arg(long, value_name = "SEVERITY", default_value = "low", value_parser = fail_on)]
    pub(crate) fail_on: FailOn,

    /// End with 1 also when something could not be looked at
    #[arg(long)]
    pub(crate) strict: bool,

    /// How to write it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = CheckFormat::Text)]
    pub(crate) format: CheckFormat,

    /// Write it into this file (mode 0600), in the place of what is there
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Folder of the team's project, with its .env and its repository (default: the configuration's)
    #[arg(long, value_name = "DIR")]
    pub(crate) repo: Option<PathBuf>,

    /// Run the remedies that do no harm, after showing them and asking
    #[arg(long)]
    pub(crate) fix: bool,

    /// With --fix: run them without asking
    #[arg(long, requires = "fix")]
    pub(crate) yes: bool,
}

/// From which severity on a run fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FailOn(pub(crate) Option<Severity>);

fn fail_on(text: &str) -> Result<FailOn, String> {
    if text == "never" {
        return Ok(FailOn(None));
    }
    text.parse()
        .map(|severity| FailOn(Some(severity)))
        .map_err(|_| "choose info, low, medium, high, critical or never".to_owned())
}

/// How a run is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people, at a terminal
    Text,
    /// All of it, for programs
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// OCSF 1.6.0 Compliance Findings, one a line, for a SIEM
    Ocsf,
    /// JUnit XML, for CI
    Junit,
    /// A page with charts in one file, also for paper
    Html,
    /// For a pull request's comment
    Markdown,
}

/// `doorward check …`
#[derive(Debug, Subcommand)]
pub(crate) enum CheckCommand {
    /// List the checks
    #[command(after_help = "\
Examples:
  doorward check list
  doorward check list --area people
  doorward check list --json | jq -r '.[].id'")]
    List {
        /// Of this area alone
        #[arg(long, value_name = "AREA")]
        area: Option<String>,
    },
    /// Show a check: what it finds, why that matters, how it is mended, and what it maps to
    #[command(after_help = "\
Examples:
  doorward check show keys.wildcard
  doorward check show keys.wildcard --json")]
    Show {
        /// The check's id
        id: String,
    },
    /// List the last runs with their scores
    #[command(after_help = "\
Examples:
  doorward check history
  doorward check history --last 100 --json")]
    History {
        /// How many, at most 1000
        #[arg(long, value_name = "N", default_value_t = 20)]
        #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=1000))]
        last: usize,
    },
    /// Say that a check, or one finding, is all right until a day
    #[command(after_help = "\
It is shown as muted and neither lowers nor raises the score. From the day after on it counts again, and
the report says so. A year is the longest.

Examples:
  doorward check mute keys.no_owner --reason 'asked, see OPS-12' --owner ann --until 2027-01-31
  doorward check mute 4f1c2a9be03d --reason 'the vendor needs it' --owner ops --until 2027-03-01")]
    Mute {
        /// The check's id, or the finding's fingerprint or its beginning
        what: String,
        /// Why it is all right
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Who answers for it
        #[arg(long, value_name = "NAME")]
        owner: String,
        /// The last day on which it holds (UTC)
        #[arg(long, value_name = "YYYY-MM-DD")]
        until: Date,
    },
    /// Have it count again
    #[command(after_help = "\
Examples:
  doorward check unmute keys.no_owner")]
    Unmute {
        /// The check's id, or the finding's fingerprint or its beginning
        what: String,
    },
    /// List what is muted, also what is over
    #[command(after_help = "\
Examples:
  doorward check mutes
  doorward check mutes --json")]
    Mutes,
}
