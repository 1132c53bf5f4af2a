//! Whether a key can be given to consumers with no harm: from what is configured and what the store has.

use std::fs;
use std::path::PathBuf;

use doorward_secrets::SecretRef;
use doorward_store::{RotationRecord, Workspace};

use crate::config::ConsumerSettings;
use crate::secret_setup::SecretSetup;

/// What is looked at.
pub(super) struct Fit<'a> {
    pub(super) setup: &'a SecretSetup,
    pub(super) workspaces: &'a [Workspace],
    /// Rotations under way: where their new keys are kept is no key's yet.
    pub(super) rotations: &'a [RotationRecord],
}

impl Fit<'_> {
    /// Whether a consumer can be given a key of that name.
    ///
    /// # Errors
    /// What to change in the configuration.
    pub(super) fn check(&self, consumer: &ConsumerSettings) -> Result<(), String> {
        self.check_workspace(consumer)?;
        for text in &consumer.write {
            let target = self.setup.reference(text);
            let target = target.map_err(|error| error.to_string())?;
            self.check_target(consumer, &target)?;
        }
        Ok(())
    }

    fn check_workspace(&self, consumer: &ConsumerSettings) -> Result<(), String> {
        if consumer.workspace.is_some() {
            return Ok(());
        }
        let has = |one: &&Workspace| one.upstream_keys.iter().any(|key| key.name == consumer.key);
        let having = self.workspaces.iter().filter(has);
        let names: Vec<_> = having.map(|one| one.name.as_str()).collect();
        if names.len() < 2 {
            return Ok(());
        }
        Err(format!(
            "[[rotation.consumer]] '{}' says no workspace, and {} have a key '{}': say in `workspace` \
             whose it holds, then `doorward reload`",
            consumer.name,
            names.join(" and "),
            consumer.key
        ))
    }

    fn check_target(&self, consumer: &ConsumerSettings, target: &SecretRef) -> Result<(), String> {
        let there = Place::of(target);
        let is_there = |text: &str| {
            let kept: Option<SecretRef> = text.parse().ok();
            kept.is_some_and(|kept| {
                let other = kept.other_slot();
                Place::of(&kept) == there || other.is_some_and(|other| Place::of(&other) == there)
            })
        };
        let kept = self.workspaces.iter().find_map(|one| {
            let mut keys = one.upstream_keys.iter();
            let key = keys.find(|key| is_there(&key.reference))?;
            Some((key.name.as_str(), one.name.as_str()))
        });
        let made = || {
            let mut open = self.rotations.iter();
            let one = open.find(|one| one.open && is_there(&one.reference))?;
            Some((one.key.as_str(), one.workspace_id.as_str()))
        };
        match kept.or_else(made) {
            None => Ok(()),
            Some((key, workspace)) => Err(format!(
                "[[rotation.consumer]] '{}' would be written to {target}, which is a slot of the \
                 upstream key '{key}' of {workspace}: say another place in `write`, then `doorward \
                 reload`",
                consumer.name
            )),
        }
    }
}

/// Where something is, the same however it is spelt.
#[derive(PartialEq, Eq)]
enum Place {
    File(PathBuf),
    Other(String),
}

impl Place {
    fn of(reference: &SecretRef) -> Self {
        let Some(path) = reference.as_file() else {
            return Self::Other(reference.to_string());
        };
        let whole = fs::canonicalize(path).ok().or_else(|| {
            // It may not be there yet, and its folder be reached by another name.
            let folder = fs::canonicalize(path.parent()?).ok()?;
            Some(folder.join(path.file_name()?))
        });
        Self::File(whole.unwrap_or_else(|| path.to_owned()))
    }
}
