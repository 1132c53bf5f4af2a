//! `doorward audit …`

mod export;
mod filter;
mod keep;
mod proof;

use clap::{Args, Subcommand};

pub(crate) use export::{Export, Reconcile};
pub(crate) use filter::{Filters, Person};
pub(crate) use keep::{Before, Erase, Prune, Review};
pub(crate) use proof::{CheckpointOf, Prove, Verify};

/// `doorward audit …`
#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Show the newest entries of the ledger, and follow it
    Tail(Tail),
    /// Search the ledger
    Search(Search),
    /// Show one entry whole: what it says, its hash, what belongs to it
    Show(Show),
    /// Prove that an entry is in the ledger, to be verified with the public key alone
    Prove(Prove),
    /// Verify the whole ledger, a copy of it, or one proof
    Verify(Verify),
    /// Print the last signed checkpoint, or the public keys
    Checkpoint(CheckpointOf),
    /// Write entries for other systems: JSON lines, OCSF, CSV or CEF
    Export(Export),
    /// Hold Instantly's own audit log against the ledger: who goes around Doorward
    Reconcile(Reconcile),
    /// Forget a person, or what a month's bodies were committed to under
    Erase(Erase),
    /// Remove old entries; what is kept stays provable
    Prune(Prune),
    /// Change the key that signs the ledger
    #[command(after_help = "\
The new key signs from the server's next start on, the old one beside it, so that whoever knows
either can verify. Give the new public key (`doorward audit checkpoint --key`) to those who verify;
then --finish takes the old key's secret away. Both steps are recorded.

Examples:
  doorward audit rotate-key
  doorward audit rotate-key --finish")]
    RotateKey {
        /// The old key signs no more; checkpoints that it signed are still believed
        #[arg(long)]
        finish: bool,
    },
    /// Take over a ledger whose database was lost, once it is verified
    #[command(after_help = "\
Nothing starts on a ledger that the database does not know: it may be an old copy. When the database
itself is lost, this takes the ledger over with a new one; the ledger records that it was.

Examples:
  doorward audit verify && doorward audit adopt")]
    Adopt {
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Walk through what matters since the last review, and sign it off
    Review(Review),
}

/// `doorward audit tail`
#[derive(Debug, Args)]
#[command(after_help = "\
People are shown by the random ids that stand for them. With --json each entry is a line.

Examples:
  doorward audit tail
  doorward audit tail -n 100 --result refused
  doorward audit tail --follow --client lead-import
  doorward audit tail --follow --json | jq .action")]
pub(crate) struct Tail {
    /// How many entries, at most
    #[arg(short = 'n', long = "lines", value_name = "N", default_value_t = 20)]
    pub(crate) lines: usize,

    /// Go on with new entries as they come, until interrupted
    #[arg(long, short)]
    pub(crate) follow: bool,

    #[command(flatten)]
    pub(crate) filters: Filters,
}

/// `doorward audit search`
#[derive(Debug, Args)]
#[command(after_help = "\
The newest entries that fit everything that is said, oldest first. People are shown by the random
ids that stand for them; --people shows them in clear, and that somebody looked is recorded, as is
each search for a person. With --json each entry is a line.

Examples:
  doorward audit search --client lead-import --result refused --since 24h
  doorward audit search --operation deleteCampaign --since 2026-01-01
  doorward audit search --person ann@example.com --people
  doorward audit search --request-id req_00f1c2d3e4a5968778695a4b3c2d1e0f --json")]
pub(crate) struct Search {
    #[command(flatten)]
    pub(crate) filters: Filters,

    /// Most entries that are shown
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: usize,

    /// Show people's names and addresses in clear, where they were not erased
    #[arg(long)]
    pub(crate) people: bool,
}

/// `doorward audit show`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  doorward audit show 1204
  doorward audit show leaf_0f6a2b9c3d4e5f60718293a4b5c6d7e8
  doorward audit show req_00f1c2d3e4a5968778695a4b3c2d1e0f --people")]
pub(crate) struct Show {
    /// Place in the ledger, an entry's id (leaf_…) or a call's name (req_…)
    pub(crate) what: String,

    /// Show people's names and addresses in clear, where they were not erased; that is recorded
    #[arg(long)]
    pub(crate) people: bool,
}
