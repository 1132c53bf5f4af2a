//! An upstream key that is typed or piped in, kept in the data folder.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;

use doorward_secrets::{Error, Overwrite, SecretRef, Secrets};
use doorward_store::check_name;
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::admin::{AdminError, Session, WorkspaceList};
use crate::context::Context;
use crate::exit::{Failure, Fault};
use crate::output::note;

/// Most bytes of a key.
const KEY_MAX: u64 = 4_096;
/// Most keys of a name that are kept by number.
const KEPT_MAX: usize = 1_000;

/// A key that was entered and now lies in a file, mode 0600.
pub(super) struct Entered {
    path: PathBuf,
    reference: SecretRef,
}

impl Entered {
    /// Asks for a key, or reads it from a pipe, and keeps it in a file of this name, numbered where
    /// there is one.
    ///
    /// # Errors
    /// When there is none, or it can't be kept.
    pub(super) fn take(context: &Context, name: &str) -> Result<Self, Failure> {
        // It becomes part of a path.
        check_name("the name", name).map_err(AdminError::from)?;
        let key = read()?;
        context.data_dir.make()?;
        let folder = context.data_dir.make_secrets()?;
        for number in 1..=KEPT_MAX {
            let number = if number == 1 {
                String::new()
            } else {
                format!("-{number}")
            };
            let path = folder.join(format!("upstream-{name}{number}.key"));
            let reference = SecretRef::file(&path).map_err(Failure::usage)?;
            match Secrets::new().write(&reference, &key, Overwrite::Refuse) {
                Ok(()) => return Ok(Self { path, reference }),
                Err(Error::Exists { .. }) => {}
                Err(error) => return Err(Failure::failed(error)),
            }
        }
        Err(Failure::failed(format_args!(
            "{} holds too many keys of this name; delete those that are not used",
            folder.display()
        )))
    }

    /// Where it is kept.
    pub(super) fn reference(&self) -> String {
        self.reference.to_string()
    }

    /// Deletes it when it was refused for certain. Where the answer was lost it may be the only copy
    /// of a key that was taken in: it stays, and where is told.
    pub(super) async fn settle(self, session: &Session, failure: &Failure) {
        if failure.fault != Fault::Lost && !self.may_be_held(session).await {
            let _ = fs::remove_file(&self.path);
            return;
        }
        note(format_args!(
            "the key that was entered stays at {}; if `doorward workspace show` does not name that \
             place, take the key in from there, or delete the file",
            self.reference
        ));
    }

    /// Whether a workspace has the key; it may when that can't be told.
    async fn may_be_held(&self, session: &Session) -> bool {
        let reference = self.reference();
        let Ok(workspaces) = session.call(WorkspaceList {}).await else {
            return true;
        };
        let mut keys = workspaces.iter().flat_map(|one| &one.upstream_keys);
        keys.any(|key| key.reference == reference)
    }
}

fn read() -> Result<SecretString, Failure> {
    let failed = |error: io::Error| {
        Failure::usage(format_args!(
            "the key can't be read: {error}; pipe it in, or give a file"
        ))
    };
    let mut text = Zeroizing::new(String::new());
    if io::stdin().is_terminal() {
        *text = rpassword::prompt_password("Instantly API key (not shown): ").map_err(failed)?;
    } else {
        io::stdin()
            .take(KEY_MAX + 1)
            .read_to_string(&mut text)
            .map_err(failed)?;
    }
    let key = text.trim();
    if key.is_empty() || key.len() as u64 > KEY_MAX || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Failure::usage(
            "that is no API key; paste it whole, on one line",
        ));
    }
    Ok(key.to_owned().into())
}
