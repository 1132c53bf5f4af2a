//! Requests about secrets: keep, show, list, check, copy. They are carried out where the server
//! runs, which reads its own environment and its own files.

mod check;
mod handle;

use doorward_catalog::wire::SecretText;
use doorward_ledger::Event;
use doorward_policy::Timestamp;
use doorward_secrets::SecretRef;
use serde::{Deserialize, Serialize};

use super::deeds::{Acts, Deed, NOT_SAID};

/// Most references that the record of a check names.
const NAMED_MAX: usize = 64;

/// Keeps a secret.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SecretSet {
    /// Where.
    pub(crate) reference: String,
    /// The secret.
    pub(crate) secret: SecretText,
    /// Whether one that is there is replaced.
    pub(crate) replace: bool,
}

/// Shows a secret.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SecretReveal {
    /// Which.
    pub(crate) reference: String,
}

/// Lists the secrets that are kept at one place, and who uses them.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SecretList {
    /// One of them, which need not be there.
    pub(crate) of: String,
    /// What the configuration uses.
    pub(crate) used: Vec<SecretUse>,
}

/// Tells of each secret whether it can be read.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SecretCheck {
    /// Those that are asked for, and what the configuration uses.
    pub(crate) used: Vec<SecretUse>,
    /// Whether those of the workspaces are looked at too.
    pub(crate) all: bool,
}

/// Copies a secret.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SecretCopy {
    /// Where it is.
    pub(crate) from: String,
    /// Where it is kept too.
    pub(crate) to: String,
    /// Whether one that is there is replaced.
    pub(crate) replace: bool,
}

/// A secret that something uses.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SecretUse {
    /// Which.
    pub(crate) reference: String,
    /// What uses it, such as a setting.
    pub(crate) by: String,
    /// Whether Doorward reads it by this way; of other files only the place is looked at.
    pub(crate) read: bool,
}

/// A secret that was kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SecretKept {
    /// Where.
    pub(crate) reference: String,
    /// Where that is, for people.
    pub(crate) place: String,
}

/// A secret that is shown.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SecretShown {
    /// Which.
    pub(crate) reference: String,
    /// The secret.
    pub(crate) secret: SecretText,
}

/// A secret that is kept, and what uses it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SecretListed {
    /// Which.
    pub(crate) reference: String,
    /// What uses it.
    pub(crate) used_by: Vec<String>,
}

/// What is known of a secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SecretChecked {
    /// Which.
    pub(crate) reference: String,
    /// What uses it.
    pub(crate) used_by: Vec<String>,
    /// Whether it can be read.
    pub(crate) ok: bool,
    /// Why not.
    pub(crate) fault: Option<String>,
    /// Where it is, for people.
    pub(crate) place: Option<String>,
    /// When it was put there, where the place tells.
    pub(crate) changed_at: Option<Timestamp>,
    /// Whether that is when anything in its file, or among its fields, was changed: it may be older.
    pub(crate) may_be_older: bool,
    /// Who can read it, where the place tells.
    pub(crate) readers: Option<String>,
    /// Whether Doorward could write it.
    pub(crate) writable: Option<bool>,
    /// What should be mended, though it is taken.
    pub(crate) warning: Option<String>,
}

routed_calls! {
    SecretSet, "secret/set" => SecretKept;
    SecretReveal, "secret/reveal" => SecretShown;
    SecretList, "secret/list" => Vec<SecretListed>;
    SecretCheck, "secret/check" => Vec<SecretChecked>;
    SecretCopy, "secret/copy" => SecretKept;
}

/// A reference as it is recorded: what is none may be the secret itself.
fn recorded(text: &str) -> String {
    text.parse::<SecretRef>()
        .map_or_else(|_| NOT_SAID.to_owned(), |reference| reference.to_string())
}

impl Acts for SecretSet {
    fn deed(&self) -> Option<Deed> {
        let mut deed =
            Deed::new("secret.set", "secret", Event::Admin).with("replace", &self.replace);
        let reference = recorded(&self.reference).into();
        deed.act.metadata.insert("reference".to_owned(), reference);
        Some(deed)
    }
}

impl Acts for SecretReveal {
    fn deed(&self) -> Option<Deed> {
        let event = Event::SecretRead {
            reference: recorded(&self.reference),
        };
        Some(Deed::new("secret.reveal", "secret", event))
    }
}

impl Acts for SecretCopy {
    fn deed(&self) -> Option<Deed> {
        let event = Event::SecretRead {
            reference: recorded(&self.from),
        };
        let mut deed = Deed::new("secret.copy", "secret", event).with("replace", &self.replace);
        let to = recorded(&self.to).into();
        deed.act.metadata.insert("to".to_owned(), to);
        Some(deed)
    }
}

impl Acts for SecretCheck {
    fn deed(&self) -> Option<Deed> {
        Some(Deed::new("secret.check", "secret", Event::Admin))
    }

    fn complete(deed: &mut Deed, answer: &Vec<SecretChecked>) {
        let faulty = answer.iter().filter(|one| !one.ok).count();
        let metadata = &mut deed.act.metadata;
        metadata.insert("checked".to_owned(), answer.len().into());
        // By those that are named here, and the readings themselves, which are recorded each.
        let named: Vec<_> = answer
            .iter()
            .take(NAMED_MAX)
            .map(|one| one.reference.as_str())
            .collect();
        metadata.insert("references".to_owned(), named.into());
        metadata.insert("faulty".to_owned(), faulty.into());
    }
}

impl Acts for SecretList {
    fn deed(&self) -> Option<Deed> {
        let mut deed = Deed::new("secret.list", "secret", Event::Admin);
        let of = recorded(&self.of).into();
        deed.act.metadata.insert("of".to_owned(), of);
        Some(deed)
    }
}
