//! `doorward audit erase`, `prune` and `review`.

use clap::Args;
use doorward_ledger::SubjectId;

use super::Person;
use crate::duration::Moment;

/// `doorward audit erase`
#[derive(Debug, Args)]
#[command(after_help = "\
The key that a person's values are sealed under is destroyed, and the index entry that the person is
found by. Entries, hashes and proofs stay as they are; nobody reads the values any more, in no copy
of the ledger. That it was done is recorded. Copies of the store made before still hold the key.
By --person the bodies of events that are about this e-mail address go the same way.

Examples:
  doorward audit erase --person ann@example.com
  doorward audit erase sub_0f6a2b9c3d4e5f60718293a4b5c6d7e8 --yes
  doorward audit erase --month 2026-01")]
#[command(group = clap::ArgGroup::new("whose").required(true))]
pub(crate) struct Erase {
    /// The id that stands for the person
    #[arg(value_name = "SUBJECT", group = "whose")]
    pub(crate) subject: Option<SubjectId>,

    /// The person's e-mail address, IP address or name
    #[arg(long, value_name = "WHO", group = "whose")]
    pub(crate) person: Option<Person>,

    /// The month whose bodies can't be held against their commitments any more
    #[arg(long, value_name = "YYYY-MM", group = "whose")]
    pub(crate) month: Option<String>,

    /// Don't ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// `doorward audit prune`
#[derive(Debug, Args)]
#[command(after_help = "\
The tree's hashes are kept, so every entry that is kept stays provable, and so does that the ledger
only grew. Export or copy what you must keep first: what is pruned is gone.

Examples:
  doorward audit prune --before 2026-01-01 --dry-run
  doorward audit prune --before 365d
  doorward audit prune --before 120000 --yes")]
pub(crate) struct Prune {
    /// The first entry that is kept: its place in the ledger, or a time like 365d or 2026-01-31
    #[arg(long, value_name = "SEQ|WHEN")]
    pub(crate) before: Before,

    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Don't ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// The first entry that is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Before {
    /// By its place.
    Seq(u64),
    /// By its time.
    Time(Moment),
}

impl std::str::FromStr for Before {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(seq) => Ok(Self::Seq(seq)),
            Err(_) => text.parse().map(Self::Time),
        }
    }
}

/// `doorward audit review`
#[derive(Debug, Args)]
#[command(after_help = "\
Refusals, dangerous acts, new keys, clients and grants, addresses not seen before, what happened to
the ledger itself, findings, claims, looks at people's data: how many of each, then each in turn.
--sign-off records that you looked, with your words sealed; the next review goes on from there.

Examples:
  doorward audit review
  doorward audit review --since 7d
  doorward audit review --sign-off --note 'the refusals of 3 March are ticket 4711'
  doorward audit review --status")]
pub(crate) struct Review {
    /// Look at what happened since then (default: since the last review)
    #[arg(long, value_name = "WHEN")]
    pub(crate) since: Option<Moment>,

    /// Record that it was looked through
    #[arg(long)]
    pub(crate) sign_off: bool,

    /// Your words, sealed
    #[arg(long, value_name = "TEXT", requires = "sign_off")]
    pub(crate) note: Option<String>,

    /// Show all entries of each group, not the newest only
    #[arg(long)]
    pub(crate) all: bool,

    /// Say when the last review was and whether the next is overdue: exit code 1 if it is
    #[arg(long, conflicts_with_all = ["since", "sign_off", "all"])]
    pub(crate) status: bool,
}
