//! What can be typed about secrets.

use clap::{Args, Subcommand};

/// `doorward secret …`
#[derive(Debug, Subcommand)]
pub(crate) enum SecretCommand {
    /// Keep a secret that is typed or piped in
    #[command(after_help = "\
A name is kept in the encrypted file `secrets.age` of the data folder, under the identity in `age.key`,
which is made with the first secret: keep a copy of both. A reference is kept where it says. One line
end at the end is not part of the secret.

Examples:
  doorward secret set upstream/main
  openssl rand -hex 32 | doorward secret set ledger-pages-token
  doorward secret set vault://secret/doorward#pepper --replace")]
    Set(SetSecret),
    /// Show a secret
    #[command(after_help = "\
That it was shown is recorded.

Examples:
  doorward secret get upstream/main --reveal
  doorward secret get env://INSTANTLY_API_KEY --reveal --json")]
    Get {
        /// Name in the encrypted file, or a reference
        secret: String,
        /// Show it indeed
        #[arg(long)]
        reveal: bool,
    },
    /// List the secrets of the encrypted file, and what uses them
    #[command(after_help = "\
Examples:
  doorward secret list
  doorward secret list --json")]
    List,
    /// Tell of every secret that is used whether it can be read, how old it is and who can read it
    #[command(after_help = "\
Looks at every reference of the configuration and of the workspaces, or at those that are named. Ends
with 1 when one can't be read.

Examples:
  doorward secret check
  doorward secret check upstream/main env://INSTANTLY_API_KEY
  doorward secret check --json")]
    Check {
        /// Names in the encrypted file, or references (default: all that are used)
        secrets: Vec<String>,
    },
    /// Copy a secret from one place to another
    #[command(after_help = "\
It is read again where it was written. What refers to the first place still does.

Examples:
  doorward secret copy env://INSTANTLY_API_KEY upstream/main
  doorward secret copy file:secrets/pepper vault://secret/doorward#pepper
  doorward secret copy dotenv://.env#INSTANTLY_API_KEY upstream/main --replace")]
    Copy {
        /// Where it is: a name in the encrypted file, or a reference
        from: String,
        /// Where it is to be kept too
        to: String,
        /// Replace the secret that is there
        #[arg(long)]
        replace: bool,
    },
}

/// `doorward secret set`
#[derive(Debug, Args)]
pub(crate) struct SetSecret {
    /// Name in the encrypted file, or a reference
    pub(crate) secret: String,
    /// Replace the secret that is there
    #[arg(long)]
    pub(crate) replace: bool,
}
