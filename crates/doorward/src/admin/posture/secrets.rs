//! The secrets that are used: whether they can be read, by whom, and which of them are the same.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use doorward_catalog::Environment;
use doorward_policy::WorkspaceKind;
use doorward_posture::here::SecretFacts;
use doorward_posture::live::Seen;
use doorward_store::UpstreamKeyState;
use secrecy::ExposeSecret;

use super::Round;
use crate::admin::error::AdminError;
use crate::admin::service::Admin;
use crate::commands::secrets_used;

/// Most secrets that are looked at: each may have to be waited for.
const MOST: usize = 1_000;
/// Everybody may read.
const BY_ALL: u32 = 0o004;

/// Who uses a secret.
#[derive(Default)]
struct Use {
    by: Vec<String>,
    /// Whether Doorward reads it by this way; of others the place alone is looked at.
    read: bool,
    environments: BTreeSet<Environment>,
}

impl Admin {
    /// The secrets that the configuration and the workspaces use.
    ///
    /// # Errors
    /// When the store can't be read.
    pub(super) fn secret_facts(
        &self,
        round: &Round<'_>,
    ) -> Result<Seen<Vec<SecretFacts>>, AdminError> {
        let mut uses: BTreeMap<String, Use> = BTreeMap::new();
        for one in secrets_used(round.context) {
            let used = uses.entry(one.reference).or_default();
            used.by.push(one.by);
            used.read |= one.read;
        }
        for workspace in self.store().workspaces()? {
            for key in &workspace.upstream_keys {
                if key.state == UpstreamKeyState::Retired {
                    continue;
                }
                let used = uses.entry(key.reference.clone()).or_default();
                used.by
                    .push(format!("upstream key {} of {}", key.name, workspace.name));
                used.read = true;
                // An emulated workspace has nothing of anybody's.
                if workspace.kind == WorkspaceKind::Live {
                    used.environments.extend(&workspace.environments);
                }
            }
        }
        let secrets = self.secrets()?;
        let facts = uses.into_iter().take(MOST).map(|(text, used)| {
            let mut facts = SecretFacts {
                reference: text.clone(),
                used_by: used.by,
                fault: None,
                read_by_all: None,
                fingerprint: None,
                environments: used.environments,
            };
            let reference = match round.context.secrets.reference(&text) {
                Ok(reference) => reference,
                Err(error) => {
                    facts.reference = "(not shown)".to_owned();
                    facts.fault = Some(error.to_string());
                    return facts;
                }
            };
            facts.reference = reference.to_string();
            facts.read_by_all = file_of(&facts.reference)
                .filter(|path| by_all(path))
                .map(|path| path.display().to_string());
            if used.read {
                match secrets.read(&reference) {
                    Ok(value) => {
                        let value = value.expose_secret().trim_end_matches('=');
                        facts.fingerprint = Some(round.fingerprints.of(value));
                    }
                    // That is why, and is told.
                    Err(_) if facts.read_by_all.is_some() => {}
                    Err(error) => facts.fault = Some(error.to_string()),
                }
            }
            facts
        });
        Ok(Seen::Looked(facts.collect()))
    }
}

/// The file that a reference leads to, if it is one.
fn file_of(reference: &str) -> Option<PathBuf> {
    let (scheme, rest) = reference.split_once("://")?;
    let path = match scheme {
        "file" => rest,
        "dotenv" | "age" => rest.split_once('#')?.0,
        _ => return None,
    };
    // What is encrypted is nobody's to read.
    (scheme != "age").then(|| PathBuf::from(path))
}

fn by_all(path: &Path) -> bool {
    let found = std::fs::metadata(path);
    found.is_ok_and(|found| found.permissions().mode() & BY_ALL != 0)
}
