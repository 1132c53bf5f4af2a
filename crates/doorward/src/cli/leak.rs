//! `doorward leak …`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use doorward_catalog::ScopeSet;

use crate::duration::{Lasting, Moment};

/// `doorward leak …`
#[derive(Debug, Subcommand)]
pub(crate) enum LeakCommand {
    /// Answer the leak of a key: find which it is, replace and revoke it, prove it dead, report
    Respond(RespondLeak),
}

/// `doorward leak respond`
#[derive(Debug, Args)]
#[command(after_help = "\
The value is read from a pipe, or asked for without being shown. It is never an argument: those stay in
the shell's history. An id does as well: of a client key, of an upstream key (Doorward's or Instantly's),
or an upstream key's name.

A client key is refused from the next call on. An upstream key that Doorward holds is replaced by a new
one and revoked at once, without waiting for calls under way. One that it does not hold is revoked where
a key manages the workspace's keys; else you are told what to do in Instantly's interface, and the key is
tried until it is dead. Proof are three refusals over ten seconds, none of them for missing scopes.

Where no key can take its place (a key that may do everything, a secret that Doorward can't write beside),
it says why and asks whether to revoke it all the same; --revoke-anyway says so beforehand, --scopes and
--to mend what is in the way.

Ends with 0 when the key is proved dead, with 1 when not. The report (Markdown and JSON, mode 0600) holds
addresses of callers and no key.

Examples:
  doorward leak respond                                      asks for the key
  pbpaste | doorward leak respond --yes --report incidents/
  doorward leak respond --key reader --workspace acme
  doorward leak respond --key wide --scopes campaigns:read,leads:all --to age:reader
  doorward leak respond --key reader --yes --revoke-anyway
  doorward leak respond --key 3Nf0aQ9ZbX2k --reissue --json")]
pub(crate) struct RespondLeak {
    /// Id of the key, or - to read its value from a pipe
    #[arg(long, value_name = "-|ID", default_value = "-")]
    pub(crate) key: String,
    /// Name or id of the workspace, where there are several
    #[arg(long, short, value_name = "NAME")]
    pub(crate) workspace: Option<String>,
    /// Instantly's id of the key, where it says that it can't be told for certain
    #[arg(long, value_name = "API_KEY_ID")]
    pub(crate) id: Option<String>,
    /// Folder that the report is written to (default: the current one)
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,
    /// Tell what it did from then on: 30d, a day, or a time
    #[arg(long, value_name = "WHEN", default_value = "90d")]
    pub(crate) since: Moment,
    /// Issue its client a new key; it goes to stdout. Of a client key
    #[arg(long)]
    pub(crate) reissue: bool,
    /// Scopes of the key that takes its place, if others than its own
    #[arg(long, value_name = "SCOPES")]
    pub(crate) scopes: Option<ScopeSet>,
    /// Where that one is to be kept (default: beside the leaked one)
    #[arg(long, value_name = "REF")]
    pub(crate) to: Option<String>,
    /// Revoke it even where nothing can take its place: calls fail until there is another key
    #[arg(long)]
    pub(crate) revoke_anyway: bool,
    /// How long to wait until the key is proved dead
    #[arg(long, value_name = "TIME", default_value = "15m")]
    pub(crate) wait: Lasting,
    /// Do it without asking
    #[arg(long)]
    pub(crate) yes: bool,
}
