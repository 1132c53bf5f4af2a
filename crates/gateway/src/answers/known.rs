//! The secrets that must not leave: of answers, logs and whatever else is told.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwapOption;
use doorward_veil::{SECRET_MAX, SECRET_MIN, Scrubber, VeilError};
use secrecy::{ExposeSecret, SecretString};

/// Secrets that are known no longer and are looked for still: a key that was replaced may be alive
/// for a while, and be in answers and logs.
const PAST_MAX: usize = 1_000;

/// The secrets that are known in this process, by kind. Cloning gives another handle to the same.
///
/// Client keys need not be told: they are known by their form.
#[derive(Clone)]
pub struct KnownSecrets(Arc<Inner>);

struct Inner {
    sets: Mutex<Sets>,
    scrubber: ArcSwapOption<Scrubber>,
}

#[derive(Default)]
struct Sets {
    now: BTreeMap<&'static str, Vec<SecretString>>,
    past: VecDeque<SecretString>,
}

impl KnownSecrets {
    /// Knows of none yet.
    pub fn new() -> Self {
        let scrubber = Scrubber::new([]).ok().map(Arc::new);
        Self(Arc::new(Inner {
            sets: Mutex::default(),
            scrubber: ArcSwapOption::new(scrubber),
        }))
    }

    /// Tells all secrets of a kind, in the place of those told before. Gives what removes these and
    /// those of all other kinds; it is made anew only where something changed.
    ///
    /// Those of fewer than 12 bytes or more than 4,096 are passed over: they are no secrets that
    /// can be looked for.
    ///
    /// # Errors
    /// When there are too many. The scrubber before goes on, and lacks the new secrets.
    pub fn set(
        &self,
        kind: &'static str,
        mut secrets: Vec<SecretString>,
    ) -> Result<Arc<Scrubber>, VeilError> {
        secrets.retain(|secret| (SECRET_MIN..=SECRET_MAX).contains(&secret.expose_secret().len()));
        secrets.sort_unstable_by(|a, b| a.expose_secret().cmp(b.expose_secret()));
        secrets.dedup_by(|a, b| a.expose_secret() == b.expose_secret());
        let mut sets = self.0.sets.lock().unwrap_or_else(PoisonError::into_inner);
        let before = sets.now.get(kind).map_or(&[][..], Vec::as_slice);
        let in_force = self.0.scrubber.load_full();
        if let Some(scrubber) = in_force.filter(|_| same(before, &secrets)) {
            return Ok(scrubber);
        }
        for secret in sets.now.insert(kind, secrets).unwrap_or_default() {
            sets.remember(secret);
        }
        let all = sets.now.values().flatten().chain(&sets.past);
        let scrubber = Arc::new(Scrubber::new(all.map(SecretString::expose_secret))?);
        self.0.scrubber.store(Some(Arc::clone(&scrubber)));
        Ok(scrubber)
    }

    /// Removes all that is known now; `None` if nothing could be made that does.
    pub fn scrubber(&self) -> Option<Arc<Scrubber>> {
        self.0.scrubber.load_full()
    }
}

impl Sets {
    fn remember(&mut self, secret: SecretString) {
        let is_it = |known: &SecretString| known.expose_secret() == secret.expose_secret();
        if self.now.values().flatten().any(is_it) || self.past.iter().any(is_it) {
            return;
        }
        if self.past.len() == PAST_MAX {
            self.past.pop_front();
        }
        self.past.push_back(secret);
    }
}

fn same(before: &[SecretString], after: &[SecretString]) -> bool {
    let both = before.iter().zip(after);
    before.len() == after.len()
        && both
            .into_iter()
            .all(|(a, b)| a.expose_secret() == b.expose_secret())
}

impl Default for KnownSecrets {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for KnownSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KnownSecrets(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_known_is_looked_for_still() {
        let known = KnownSecrets::new();
        let set = |kind, texts: &[&str]| {
            let secrets = texts.iter().map(|&text| text.into()).collect();
            known.set(kind, secrets).unwrap()
        };
        let first = set("a", &["first-of-the-keys", "short"]);
        assert!(Arc::ptr_eq(&first, &set("a", &["first-of-the-keys"])));
        set("b", &["a-webhook-secret"]);
        let last = set("a", &["second-of-the-keys"]);
        let text = b"first-of-the-keys a-webhook-secret second-of-the-keys short";
        let out = last.scrub(text).into_owned();
        assert_eq!(out, b"[removed] [removed] [removed] short");
        assert!(Arc::ptr_eq(&last, &known.scrubber().unwrap()));
    }
}
