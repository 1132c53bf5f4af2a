//! The commands that copy the state and put it back.

use std::path::PathBuf;

use clap::Args;

/// `doorward backup`
#[derive(Debug, Args)]
#[command(after_help = "\
Copies the ledger, the database, the ledger's public keys and the configuration into a folder that is
not there yet, also while a server runs, and verifies what it copied. Secrets are not in it: those that
are needed are named. Keep them apart from it.

Examples:
  doorward backup /backup/doorward-2026-11-22
  doorward backup backup --json | jq '.secrets[].reference'")]
pub(crate) struct Backup {
    /// The folder to make
    #[arg(value_name = "DIR")]
    pub(crate) to: PathBuf,
}

/// `doorward restore`
#[derive(Debug, Args)]
#[command(after_help = "\
Puts a backup into a data folder that is not there yet, or empty, after each file was held against its
digest, and the ledger against its public keys and the database's anchor. Then put the secrets back
that it names.

Examples:
  doorward restore /backup/doorward-2026-11-22 --data-dir /var/lib/doorward")]
pub(crate) struct Restore {
    /// The backup
    #[arg(value_name = "DIR")]
    pub(crate) from: PathBuf,
}
