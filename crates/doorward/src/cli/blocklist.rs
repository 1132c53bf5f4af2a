//! What can be typed about the block list.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::workspaces::InWorkspace;

/// `doorward blocklist …`
#[derive(Debug, Subcommand)]
pub(crate) enum BlocklistCommand {
    /// List the addresses and domains that are never written to
    #[command(after_help = "\
With --json each entry is a line of its own.

Examples:
  doorward blocklist list
  doorward blocklist list --search example.com
  doorward blocklist list --domains --json | jq -r .value")]
    List {
        /// Domains alone
        #[arg(long)]
        domains: bool,

        /// Only what has this text in it
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,

        #[command(flatten)]
        within: InWorkspace,
    },
    /// Block addresses and domains
    #[command(after_help = "\
Values are written in one form (lower case, other letters as in DNS), and one that is there already is
not added again.

Examples:
  doorward blocklist add rival.com ann@example.com
  doorward blocklist add bücher.example --dry-run")]
    Add {
        /// Addresses and domains
        #[arg(required = true)]
        values: Vec<String>,

        /// Say what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,

        #[command(flatten)]
        within: InWorkspace,
    },
    /// Let addresses and domains be written to again
    #[command(after_help = "\
Each value's entries are removed by their ids; nothing empties the list.

Examples:
  doorward blocklist remove rival.com
  doorward blocklist remove rival.com ann@example.com --yes")]
    Remove {
        /// Addresses and domains
        #[arg(required = true)]
        values: Vec<String>,

        /// Don't ask
        #[arg(long, short)]
        yes: bool,

        /// Say what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,

        #[command(flatten)]
        within: InWorkspace,
    },
    /// Block all that a file has
    Import(ImportBlocklist),
    /// Tell whether addresses are blocked; without any, look through the list itself
    #[command(after_help = "\
An address is blocked by its own entry or its domain's. Ends with 1 when one is not, or when the list
has entries twice, entries that block nothing, or domains that many people share.

Examples:
  doorward blocklist check ann@rival.com rival.org
  doorward blocklist check --file do-not-contact.txt
  doorward blocklist check --json")]
    Check {
        /// Addresses and domains
        values: Vec<String>,

        /// A file of them, or - for stdin
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,

        #[command(flatten)]
        within: InWorkspace,
    },
}

/// `doorward blocklist import`
#[derive(Debug, Args)]
#[command(after_help = "\
A value a line, or the first column of a CSV file such as Instantly's own download. Empty lines and
comments (#) are left out. Nothing is added when a line is none, unless --skip-faulty is said. What is
there already is not added again, so an import that was cut off is just run again.

Examples:
  doorward blocklist import do-not-contact.txt
  doorward blocklist import rivals.csv --dry-run
  psql -Atc 'select email from unsubscribed' | doorward blocklist import -")]
pub(crate) struct ImportBlocklist {
    /// The file, or - for stdin
    pub(crate) file: PathBuf,

    /// Leave lines out that are no address or domain
    #[arg(long)]
    pub(crate) skip_faulty: bool,

    /// Say what would be done, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) within: InWorkspace,
}
