//! `doorward scan …`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use doorward_finding::Severity;

use crate::duration::Moment;

/// `doorward scan`
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "\
Needs no configuration, no data folder and no network: nothing is sent anywhere unless --verify,
--respond or --record says so. Found secrets are shown masked.

--verify tries Instantly keys with the least call that tells: dead, alive (and what it may do), alive and
unpaid, or unknown. A key goes to Instantly alone, or to the host that its workspace has here. Calls are
made one after another, five a second at most.

What is all right is said on its line (`doorward:allow REASON until 2027-01-01`), in a file
.doorward-scan.toml beside what is scanned (paths, reason, owner, until), or by a baseline of what was
there before. What has expired counts again.

Ends with 0 when nothing was found, with 1 when something was, with 2 when it could not be looked at.

Examples:
  doorward scan                                           this folder, as git would see it
  doorward scan --git --verify                            all of this repository's history
  doorward scan --git ../crm --since 90d --format sarif -o scan.sarif
  doorward scan --range origin/main..HEAD --format markdown
  doorward scan --staged                                  what is about to be committed
  kubectl logs deploy/sync | doorward scan -
  doorward scan export.zip --only instantly
  doorward scan --git --respond                           ends the keys that are alive, asking first
  doorward scan --write-baseline known.json; doorward scan --baseline known.json
  doorward scan install-hook --pre-commit --pre-push
  doorward scan rules list"
)]
pub(crate) struct Scan {
    #[command(subcommand)]
    pub(crate) command: Option<ScanCommand>,
    #[command(flatten)]
    pub(crate) run: Box<ScanRun>,
}

/// `doorward scan …`
#[derive(Debug, Subcommand)]
pub(crate) enum ScanCommand {
    /// List, show and check what is looked for
    #[command(subcommand, visible_alias = "detectors")]
    Rules(RulesCommand),
    /// Have git look for secrets before each commit or push
    InstallHook(InstallHook),
}

/// `doorward scan rules …`
#[derive(Debug, Subcommand)]
pub(crate) enum RulesCommand {
    /// List the detectors
    #[command(after_help = "\
Examples:
  doorward scan rules list
  doorward scan rules list --rules detectors/ --json")]
    List {
        #[command(flatten)]
        with: WithRules,
    },
    /// Show a detector: why it matters, how to mend what it finds, what it was tried on
    #[command(after_help = "\
Examples:
  doorward scan rules show instantly.upstream-key")]
    Show {
        /// Its id
        id: String,
        #[command(flatten)]
        with: WithRules,
    },
    /// Try each detector on its own examples: all it must find, and nothing that it must not
    #[command(after_help = "\
Ends with 1 when a detector fails, and tells each fault.

Examples:
  doorward scan rules check
  doorward scan rules check --rules detectors/")]
    Check {
        #[command(flatten)]
        with: WithRules,
    },
}

/// Detectors of one's own.
#[derive(Debug, Clone, Args)]
pub(crate) struct WithRules {
    /// Folder of more detectors, one a .toml file, beside those built in
    #[arg(long, value_name = "DIR")]
    pub(crate) rules: Vec<PathBuf>,
}

/// `doorward scan install-hook`
#[derive(Debug, Args)]
#[command(after_help = "\
A hook that is there is kept and runs after. The hook is put where git looks for it: in the repository
of a worktree, or where core.hooksPath says. --uninstall puts back what was there.

For the pre-commit framework, name this repository in .pre-commit-config.yaml (hooks doorward-scan and
doorward-scan-push) instead.

Examples:
  doorward scan install-hook
  doorward scan install-hook --pre-commit --pre-push
  doorward scan install-hook ../crm --pre-push
  doorward scan install-hook --uninstall")]
pub(crate) struct InstallHook {
    /// The repository
    #[arg(value_name = "REPO", default_value = ".")]
    pub(crate) repo: PathBuf,
    /// Before each commit: what is staged (when neither is said, this one)
    #[arg(long)]
    pub(crate) pre_commit: bool,
    /// Before each push: the commits that are pushed
    #[arg(long)]
    pub(crate) pre_push: bool,
    /// Take the hooks away again
    #[arg(long)]
    pub(crate) uninstall: bool,
    /// Also where the folder of hooks is shared by all repositories of this user
    #[arg(long)]
    pub(crate) shared: bool,
}

/// In which form the report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScanFormat {
    /// For people
    Text,
    /// One object
    Json,
    /// A finding a line
    Jsonl,
    /// SARIF 2.1.0
    Sarif,
    /// A place a line
    Csv,
    /// JUnit XML
    Junit,
    /// For a pull request's comment
    Markdown,
}

/// What is scanned, and how.
#[derive(Debug, Args)]
pub(crate) struct ScanRun {
    /// Folders and files; - reads standard input (default: the current folder)
    #[arg(value_name = "PATH")]
    pub(crate) paths: Vec<PathBuf>,

    /// The whole history of a git repository (default: the one here)
    #[arg(long, value_name = "REPO", num_args = 0..=1, default_missing_value = ".")]
    #[arg(conflicts_with_all = ["paths", "staged", "stdin", "pre_push"])]
    #[arg(help_heading = "What is scanned")]
    pub(crate) git: Option<PathBuf>,
    /// The commits of a range, such as origin/main..HEAD; of the repository here, or of --git's
    #[arg(long, value_name = "A..B", help_heading = "What is scanned")]
    #[arg(conflicts_with_all = ["paths", "staged", "stdin", "pre_push"])]
    pub(crate) range: Option<String>,
    /// Of a history, what was committed from then on: 90d, a day, or a time
    #[arg(
        long,
        value_name = "WHEN",
        requires = "git",
        help_heading = "What is scanned"
    )]
    pub(crate) since: Option<Moment>,
    /// Of a history, also what no branch or tag has any more
    #[arg(long, visible_alias = "dangling", help_heading = "What is scanned")]
    #[arg(requires = "git", conflicts_with_all = ["range", "since"])]
    pub(crate) all_objects: bool,
    /// What is staged for the next commit: the lines it adds
    #[arg(long, conflicts_with = "stdin", help_heading = "What is scanned")]
    pub(crate) staged: bool,
    /// The commits that git is about to push, as git tells its pre-push hook
    #[arg(long, conflicts_with_all = ["stdin", "staged"], help_heading = "What is scanned")]
    pub(crate) pre_push: bool,
    /// Standard input; the same as the path -
    #[arg(long, help_heading = "What is scanned")]
    pub(crate) stdin: bool,
    /// Also what .gitignore leaves out
    #[arg(long, help_heading = "What is scanned")]
    pub(crate) no_ignore: bool,
    /// Leave out paths that fit, as in .gitignore
    #[arg(long, value_name = "GLOB", help_heading = "What is scanned")]
    pub(crate) exclude: Vec<String>,

    /// Only these detectors: an id, or an area such as instantly
    #[arg(
        long,
        value_name = "DETECTOR",
        value_delimiter = ',',
        help_heading = "Detectors"
    )]
    pub(crate) only: Vec<String>,
    /// All detectors but these
    #[arg(
        long,
        value_name = "DETECTOR",
        value_delimiter = ',',
        help_heading = "Detectors"
    )]
    pub(crate) skip: Vec<String>,
    #[command(flatten, next_help_heading = "Detectors")]
    pub(crate) with: WithRules,

    /// Largest file that is looked at, such as 50MB (default: 256MB)
    #[arg(long, value_name = "SIZE", value_parser = size, help_heading = "Limits")]
    pub(crate) max_file_size: Option<u64>,
    /// How deep archives within archives are opened (default: 6)
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) archive_depth: Option<u8>,
    /// How many encodings within encodings are undone (default: 4)
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub(crate) decode_depth: Option<u8>,
    /// Threads (default: one a core)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    #[arg(help_heading = "Limits")]
    pub(crate) threads: Option<u16>,
    /// Look at all of a history again, and remember nothing
    #[arg(long, help_heading = "Limits")]
    pub(crate) no_cache: bool,

    /// What is known from before, and does not count
    #[arg(long, value_name = "FILE", help_heading = "What counts")]
    pub(crate) baseline: Option<PathBuf>,
    /// Write what was found as a baseline, and end with 0
    #[arg(long, value_name = "FILE", help_heading = "What counts")]
    pub(crate) write_baseline: Option<PathBuf>,
    /// Rules that allow places (default: .doorward-scan.toml beside what is scanned)
    #[arg(long, value_name = "FILE", help_heading = "What counts")]
    pub(crate) allow_file: Option<PathBuf>,
    /// Hear no allowance, neither of a line nor of a file
    #[arg(long, conflicts_with = "allow_file", help_heading = "What counts")]
    pub(crate) no_allow: bool,
    /// Only the finding whose fingerprint begins so
    #[arg(long, value_name = "FINGERPRINT", help_heading = "What counts")]
    pub(crate) finding: Option<String>,
    /// End with 1 only for findings so bad, or worse
    #[arg(long, value_name = "SEVERITY", help_heading = "What counts")]
    pub(crate) fail_on: Option<Severity>,
    /// End with 2 when anything could not be looked at
    #[arg(long, help_heading = "What counts")]
    pub(crate) strict: bool,

    /// In which form (default: text, or json with --json)
    #[arg(long, value_enum, value_name = "FORM", help_heading = "Report")]
    pub(crate) format: Option<ScanFormat>,
    /// Write the report there
    #[arg(long, short, value_name = "FILE", help_heading = "Report")]
    pub(crate) output: Option<PathBuf>,
    /// Show secrets whole
    #[arg(long, help_heading = "Report")]
    pub(crate) reveal: bool,
    /// Say nothing but the report
    #[arg(long, short, help_heading = "Report")]
    pub(crate) quiet: bool,

    /// Try whether found keys are alive
    #[arg(long, help_heading = "Keys that were found")]
    pub(crate) verify: bool,
    /// Where Instantly keys are tried, where no data folder says it (default: Instantly)
    #[arg(long, value_name = "URL", help_heading = "Keys that were found")]
    pub(crate) verify_at: Option<String>,
    /// Name or id of the workspace that keys are of, where there are several
    #[arg(
        long,
        short,
        value_name = "NAME",
        help_heading = "Keys that were found"
    )]
    pub(crate) workspace: Option<String>,
    /// End the keys that are alive, as `doorward leak respond` does; asks first
    #[arg(long, help_heading = "Keys that were found")]
    pub(crate) respond: bool,
    /// Do not ask
    #[arg(long, requires = "respond", help_heading = "Keys that were found")]
    pub(crate) yes: bool,
    /// Folder that the reports of --respond are written to (default: the current one)
    #[arg(
        long,
        value_name = "DIR",
        requires = "respond",
        help_heading = "Keys that were found"
    )]
    pub(crate) report: Option<PathBuf>,
    /// Put what was found into the ledger; keys that are tried are put there anyway
    #[arg(long, help_heading = "Keys that were found")]
    pub(crate) record: bool,
}

/// A number of bytes: `4096`, `50MB`, `1GiB`.
fn size(text: &str) -> Result<u64, String> {
    let wrong = || "write a size like 4096, 50MB or 1GiB".to_owned();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text
        .get(digits.len()..)
        .unwrap_or_default()
        .to_ascii_lowercase()
        .as_str()
    {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err(wrong()),
    };
    let number: u64 = digits.trim().parse().map_err(|_| wrong())?;
    number
        .checked_mul(unit)
        .filter(|size| *size > 0)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        for (text, bytes) in [
            ("1", 1),
            ("4096", 4_096),
            ("50MB", 50_000_000),
            ("50m", 50_000_000),
            ("1 GiB", 1 << 30),
            ("2KiB", 2_048),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for wrong in ["", "0", "-1", "1.5MB", "MB", "5XB", "99999999999GB"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
