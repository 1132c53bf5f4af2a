//! `doorward audit prove`, `verify` and `checkpoint`.

use std::path::PathBuf;

use clap::Args;

use crate::duration::Lasting;

/// `doorward audit prove`
#[derive(Debug, Args)]
#[command(after_help = "\
The file (C2SP tlog-proof) holds the entry, its path in the tree and the signed checkpoint. Whoever
has it and the public key can verify it, with Doorward or by docs/formats/ledger.md.

Examples:
  doorward audit prove 1204 > 1204.tlog-proof
  doorward audit prove 1204 --output 1204.tlog-proof
  doorward audit verify 1204.tlog-proof --key ledger.pub")]
pub(crate) struct Prove {
    /// Place in the ledger
    pub(crate) seq: u64,

    /// File to write instead of stdout; it must not be there
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Folder of a copy of the ledger, without a store
    #[arg(long, value_name = "DIR")]
    pub(crate) offline: Option<PathBuf>,

    /// Public key of the copy, or file with public keys (default: the data folder's ledger.pub)
    #[arg(long, value_name = "FILE|TEXT", requires = "offline")]
    pub(crate) key: Vec<String>,

    /// How long a checkpoint over the entry is waited for
    #[arg(long, value_name = "TIME", default_value = "10s")]
    pub(crate) wait: Lasting,
}

/// `doorward audit verify`
#[derive(Debug, Args)]
#[command(after_help = "\
With neither a proof nor --offline, the ledger of the data folder is verified as a whole: every
entry, the tree, the checkpoint's signature, the segments, and the checkpoint that the store keeps.
A running server is not disturbed. Exit code 1 when something does not hold.

A copy is never verified by a key that lies within it: get the public key another way.

Examples:
  doorward audit verify
  doorward audit verify 1204.tlog-proof --key ledger.pub
  doorward audit verify --offline /mnt/copy/ledger --key doorward.invalid/0123+…
  doorward audit verify --since-checkpoint checkpoint.january")]
pub(crate) struct Verify {
    /// Proofs, as `doorward audit prove` writes them; - reads one from stdin
    #[arg(value_name = "PROOF", conflicts_with_all = ["offline", "since_checkpoint"])]
    pub(crate) proofs: Vec<PathBuf>,

    /// Folder of a ledger, such as a copy elsewhere, without a store
    #[arg(long, value_name = "DIR")]
    pub(crate) offline: Option<PathBuf>,

    /// Public key, or file with public keys, a line each (default: the data folder's ledger.pub)
    #[arg(long, value_name = "FILE|TEXT")]
    pub(crate) key: Vec<String>,

    /// Checkpoint that was kept earlier: the ledger must have grown out of it and nothing else
    #[arg(long, value_name = "FILE")]
    pub(crate) since_checkpoint: Option<PathBuf>,
}

/// `doorward audit checkpoint`
#[derive(Debug, Args)]
#[command(after_help = "\
Keep a checkpoint where nobody who runs Doorward can change it: `doorward audit verify
--since-checkpoint FILE` later shows that nothing before it was rewritten.

Examples:
  doorward audit checkpoint > checkpoint.january
  doorward audit checkpoint --key > ledger.pub
  doorward audit checkpoint --json")]
pub(crate) struct CheckpointOf {
    /// Print the public keys instead, a line each
    #[arg(long)]
    pub(crate) key: bool,
}
