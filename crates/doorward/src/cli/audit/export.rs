//! `doorward audit export` and `reconcile`.

use std::path::PathBuf;

use clap::Args;
use doorward_audit::Format;

use super::Filters;
use crate::duration::Moment;

/// `doorward audit export`
#[derive(Debug, Args)]
#[command(after_help = "\
People stand in it as the random ids that stand for them, unless --people: what left the house in
clear is not forgotten when somebody is erased. That somebody looked is recorded. A file is written
whole or not at all, and none is overwritten.

Examples:
  doorward audit export --format ocsf --since 24h > day.ocsf
  doorward audit export --format csv --since 2026-01-01 --until 2026-02-01 --output january.csv
  doorward audit export --format jsonl --client lead-import | jq .action")]
pub(crate) struct Export {
    /// jsonl, ocsf, csv or cef
    #[arg(long, short, value_name = "FORMAT", default_value = "jsonl")]
    pub(crate) format: Format,

    /// File to write instead of stdout; it must not be there
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Write people's names and addresses in clear, where they were not erased
    #[arg(long)]
    pub(crate) people: bool,

    #[command(flatten)]
    pub(crate) filters: Filters,
}

/// `doorward audit reconcile`
#[derive(Debug, Args)]
#[command(after_help = "\
What was done with a key through the Instantly API and did not come through Doorward went around it.
A running server does the same by itself and records what it finds. Exit code 1 when there is
something to look at.

Examples:
  doorward audit reconcile
  doorward audit reconcile --since 7d
  doorward audit reconcile --since 24h --json")]
pub(crate) struct Reconcile {
    /// Look at what happened since then
    #[arg(long, value_name = "WHEN", default_value = "24h")]
    pub(crate) since: Moment,

    /// Take what was read of Instantly's log already, and ask it for no more
    #[arg(long)]
    pub(crate) no_fetch: bool,
}
