//! Whose turn it is to write: what a service needs that can't compare.
//!
//! Versions are added and nothing asks which is there already; to destroy the one that came too
//! late would take the secret from its readers, since `latest` is then the destroyed one. So that
//! who wants to replace a certain version says so first, in an annotation of the secret, and that
//! is written by compare-and-set (`etag`). One can do it; whoever reads the annotation waits.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use google_cloud_secretmanager_v1::model::Secret;
use google_cloud_wkt::FieldMask;

use super::{SecretManagerService, Spot, refusal, status};
use crate::error::{Error, Result};

/// The annotation: the version to be replaced, and when that was written, in seconds.
const TURN: &str = "doorward-replaces";
/// After this whoever had the turn has died: longer than any call lasts.
const LAPSES: Duration = Duration::from_secs(120);

/// What stands in the annotation.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Turn {
    replaces: u64,
    at: u64,
}

impl Turn {
    /// To replace this version (0 is none), from now on.
    pub(super) fn new(replaces: u64, now: SystemTime) -> Self {
        let at = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { replaces, at }
    }

    /// As annotations, to be put with a secret that is made.
    pub(super) fn annotation(&self) -> (&'static str, String) {
        (TURN, format!("{} {}", self.replaces, self.at))
    }

    fn of(secret: &Secret) -> Option<Self> {
        let (replaces, at) = secret.annotations.get(TURN)?.split_once(' ')?;
        let (replaces, at) = (replaces.parse().ok()?, at.parse().ok()?);
        Some(Self { replaces, at })
    }

    /// Whether another one has to wait for it.
    fn blocks(&self, other: &Self) -> bool {
        let passed = other.at.abs_diff(self.at);
        self.replaces == other.replaces && passed < LAPSES.as_secs()
    }
}

impl Spot {
    /// The secret without its value, as it was before it was looked at what is there.
    pub(super) async fn looked(&self, client: &SecretManagerService) -> Result<Option<Secret>> {
        match client.get_secret().set_name(self.name()).send().await {
            Ok(secret) => Ok(Some(secret)),
            Err(error) if status(&error) == 404 => Ok(None),
            Err(error) => Err(self.fault(&error)),
        }
    }

    /// Takes the turn. The secret was looked at before the version was: whoever has written since
    /// then has taken a turn since then too.
    pub(super) async fn take(
        &self,
        client: &SecretManagerService,
        looked: Secret,
        turn: &Turn,
    ) -> Result<()> {
        let conflict = || Error::Conflict {
            reference: self.reference.clone(),
        };
        if Turn::of(&looked).is_some_and(|taken| taken.blocks(turn)) {
            return Err(conflict());
        }
        match self.write_turn(client, looked, turn).await {
            Ok(()) => Ok(()),
            Err(error) if refusal(&error) => Err(conflict()),
            Err(error) => Err(self.fault(&error)),
        }
    }

    async fn write_turn(
        &self,
        client: &SecretManagerService,
        looked: Secret,
        turn: &Turn,
    ) -> google_cloud_secretmanager_v1::Result<()> {
        let (name, value) = turn.annotation();
        let mut annotations = looked.annotations;
        annotations.insert(name.to_owned(), value);
        let secret = Secret::new()
            .set_name(self.name())
            .set_etag(looked.etag)
            .set_annotations(annotations);
        let asked = client.update_secret().set_secret(secret);
        let asked = asked.set_update_mask(FieldMask::default().set_paths(["annotations"]));
        asked.send().await.map(drop)
    }

    /// Gives the turn back, after nothing was written. If that does not work, it lapses.
    pub(super) async fn give_back(&self, client: &SecretManagerService, turn: &Turn) {
        let Ok(Some(looked)) = self.looked(client).await else {
            return;
        };
        if Turn::of(&looked).as_ref() == Some(turn) {
            let free = Turn {
                replaces: turn.replaces,
                at: 0,
            };
            let _ = self.write_turn(client, looked, &free).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_for_one_version_and_lapses() {
        let at = |seconds| UNIX_EPOCH + Duration::from_secs(seconds);
        let taken = Turn::new(7, at(1_000));
        let (name, value) = taken.annotation();
        let secret = Secret::new().set_annotations([(name, value), ("other", "x".to_owned())]);
        assert_eq!(Turn::of(&secret), Some(Turn::new(7, at(1_000))));
        assert!(taken.blocks(&Turn::new(7, at(1_119))));
        assert!(!taken.blocks(&Turn::new(7, at(1_120))));
        assert!(!taken.blocks(&Turn::new(8, at(1_000))));
        // Clocks differ.
        assert!(taken.blocks(&Turn::new(7, at(990))));
        for text in ["", "7", "x 1", "7 x", "7 1 1"] {
            let secret = Secret::new().set_annotations([(TURN, text)]);
            assert_eq!(Turn::of(&secret), None, "{text:?}");
        }
    }
}
