//! Secrets in files that are encrypted with age.

mod book;
mod identity;

use std::fs::File;
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::files::{self, Clobber};
use crate::error::{Error, Result};
use crate::provider::{Expect, Found, Provider, Readers, Seen, Version, check_length};
use crate::reference::{Place, SecretRef};
use book::Book;
use identity::Identity;

/// Largest encrypted file read, in bytes.
const MAX_FILE: usize = 4 * 1024 * 1024;

/// Reads and writes entries of files that are encrypted with age to X25519 keys.
///
/// What is encrypted is TOML: a line `name = "secret"` for each entry, names quoted where they
/// hold `/` or `.`. A file is written whole, beside the old one, and takes its place in one step;
/// comments in it are not kept. It is encrypted to the identity that reads it and to the
/// recipients that are named besides.
pub struct AgeProvider {
    identity: Option<(SecretRef, Arc<dyn Provider>)>,
    recipients: Vec<AgeRecipient>,
}

/// Someone besides Doorward that can decrypt what it writes: a public key, `age1…`.
#[derive(Clone)]
pub struct AgeRecipient(age::x25519::Recipient);

impl FromStr for AgeRecipient {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, &'static str> {
        let recipient = age::x25519::Recipient::from_str(text);
        recipient
            .map(Self)
            .map_err(|_| "write a public key of age, age1…, as age-keygen shows it")
    }
}

impl AgeProvider {
    /// One whose identity is in the file `age.key` beside each encrypted file; it is made when a
    /// secret is first written there.
    pub fn new() -> Self {
        Self {
            identity: None,
            recipients: Vec::new(),
        }
    }

    /// The same, with the identity at a reference that `provider` is for.
    #[must_use]
    pub fn identity(self, reference: SecretRef, provider: Arc<dyn Provider>) -> Self {
        Self {
            identity: Some((reference, provider)),
            ..self
        }
    }

    /// The same, with others that can decrypt what is written from now on.
    #[must_use]
    pub fn recipients(self, recipients: Vec<AgeRecipient>) -> Self {
        Self { recipients, ..self }
    }

    /// Where the identity is that opens the file at `path`.
    fn identity_of(&self, path: &Path) -> Identity<'_> {
        match &self.identity {
            Some((reference, provider)) => Identity::at(reference, provider.as_ref()),
            None => Identity::beside(path),
        }
    }

    /// Opens the file, which is there.
    fn open(&self, reference: &SecretRef, path: &Path) -> Result<(Book, std::fs::Metadata)> {
        let io = |source| Error::io(reference, source);
        let file = files::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if !metadata.is_file() {
            return Err(Error::refused(reference, "it is not a regular file"));
        }
        let bytes = files::read_bounded(file, MAX_FILE).map_err(io)?;
        if bytes.len() > MAX_FILE {
            return Err(Error::refused(reference, "the file is longer than 4 MiB"));
        }
        let keys = self.identity_of(path).read(reference)?;
        Ok((Book::decrypt(reference, &bytes, keys)?, metadata))
    }

    /// Changes one entry and puts the file in place. Gives what `change` gives.
    fn change<T>(
        &self,
        reference: &SecretRef,
        path: &Path,
        change: impl FnOnce(&mut Book) -> Result<T>,
    ) -> Result<T> {
        // Before the folder is locked, since the identity may have to be written there too.
        if !path.exists() {
            self.identity_of(path).make_if_missing(reference)?;
        }
        let _lock = lock(reference, path)?;
        let mut book = match self.open(reference, path) {
            Ok((book, _)) => book,
            Err(Error::Missing { .. }) if !path.exists() => {
                Book::new(self.identity_of(path).read(reference)?)
            }
            Err(error) => return Err(error),
        };
        let changed = change(&mut book)?;
        let recipients = self.recipients.iter().map(|recipient| &recipient.0);
        let bytes = book.encrypt(reference, recipients)?;
        files::replace(path, &bytes, Clobber::Yes)
            .map_err(|source| Error::io(reference, source))?;
        Ok(changed)
    }
}

impl Default for AgeProvider {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for AgeProvider {
    fn describe(&self) -> &'static str {
        "a file that is encrypted with age"
    }

    fn read(&self, reference: &SecretRef) -> Result<Found> {
        let (path, name) = place_of(reference)?;
        let (book, metadata) = self.open(reference, path)?;
        let secret = book.get(name).ok_or_else(|| Error::missing(reference))?;
        Ok(Found {
            version: Some(book.version(name)),
            secret,
            changed_at: files::changed_at(&metadata),
            warning: None,
        })
    }

    fn write(
        &self,
        reference: &SecretRef,
        secret: &SecretString,
        expect: &Expect,
    ) -> Result<Version> {
        let (path, name) = place_of(reference)?;
        check_length(reference, secret)?;
        let value = secret.expose_secret();
        self.change(reference, path, |book| {
            match expect {
                Expect::Absent if book.has(name) => {
                    return Err(Error::Exists {
                        reference: reference.clone(),
                    });
                }
                Expect::Is(version) if !book.has(name) || book.version(name) != *version => {
                    return Err(Error::Conflict {
                        reference: reference.clone(),
                    });
                }
                Expect::Absent | Expect::Is(_) | Expect::Any => {}
            }
            book.set(reference, name, value)?;
            Ok(book.version(name))
        })
    }

    fn erase(&self, reference: &SecretRef) -> Result<()> {
        let (path, name) = place_of(reference)?;
        if !path.exists() {
            return Err(Error::missing(reference));
        }
        self.change(reference, path, |book| match book.take(name) {
            true => Ok(()),
            false => Err(Error::missing(reference)),
        })
    }

    fn inspect(&self, reference: &SecretRef) -> Result<Seen> {
        let (path, name) = place_of(reference)?;
        let (book, metadata) = self.open(reference, path)?;
        if !book.has(name) {
            return Err(Error::missing(reference));
        }
        let keys = self.identity_of(path).seen(reference)?;
        Ok(Seen {
            place: format!("the file {}, opened with {}", path.display(), keys.place),
            changed_at: files::changed_at(&metadata),
            version: Some(book.version(name)),
            // Whoever has the identity can read what is in the file.
            readers: match keys.readers {
                Readers::File { .. } => keys.readers,
                _ => Readers::Elsewhere("whoever has the age identity"),
            },
            writable: files::writable(path),
            warning: None,
        })
    }

    fn siblings(&self, reference: &SecretRef) -> Result<Vec<SecretRef>> {
        let (path, _) = place_of(reference)?;
        match self.open(reference, path) {
            Ok((book, _)) => book
                .names()
                .map(|name| SecretRef::age(path, name))
                .collect(),
            Err(Error::Missing { .. }) if !path.exists() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

fn place_of(reference: &SecretRef) -> Result<(&Path, &str)> {
    match reference.place() {
        Place::Age { path, name } => Ok((path, name)),
        _ => Err(Error::refused(reference, "it is not encrypted with age")),
    }
}

fn lock(reference: &SecretRef, path: &Path) -> Result<File> {
    let folder = path
        .parent()
        .ok_or_else(|| Error::refused(reference, "it has no folder"))?;
    files::lock(folder).map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => {
            let why = format!("there is no folder {}", folder.display());
            Error::trouble(reference, why)
        }
        _ => Error::io(reference, source),
    })
}

#[cfg(test)]
mod tests;
