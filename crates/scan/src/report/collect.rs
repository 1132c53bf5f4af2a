//! Taking hits from many threads.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use doorward_finding::{FilePlace, Introduced, Rule};
use ring::digest;
use secrecy::{ExposeSecret, SecretString};

use super::fingerprint::{canonical, is_word};
use crate::{Hit, InlineAllow};

/// Most secrets that are told apart, most places of one that are kept, and most notes of what was not
/// looked at.
const GROUPS_MAX: usize = 20_000;
const PLACES_MAX: usize = 500;
const NOTES_MAX: usize = 1_000;

/// Takes hits from many threads.
pub struct Collector {
    rules: Vec<Rule>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    groups: HashMap<[u8; 32], Group>,
    /// Hits beyond what is kept.
    beyond: u64,
    notes: Vec<String>,
    more_notes: u64,
}

/// One secret, and where it was seen.
pub struct Group {
    /// The detector that found it: the worst of several.
    pub rule: Rule,
    /// The secret.
    pub secret: SecretString,
    /// Where.
    pub sightings: Vec<Sighting>,
    /// How many places more are not kept.
    pub more: u64,
}

/// A place where a secret was seen.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// Where.
    pub place: FilePlace,
    /// What the line says of itself.
    pub allowed: Option<InlineAllow>,
    /// What hid it, from the outside in: `base64`, `gzip`.
    pub via: Vec<&'static str>,
}

/// All that was found.
#[derive(Default)]
pub struct Gathered {
    /// By secret, in no order.
    pub groups: Vec<Group>,
    /// What was not looked at, and why.
    pub notes: Vec<String>,
}

impl Collector {
    /// One for hits of these detectors, in the order in which [`Hit::detector`] counts them.
    pub fn new(rules: impl IntoIterator<Item = Rule>) -> Self {
        Self {
            rules: rules.into_iter().collect(),
            state: Mutex::default(),
        }
    }

    /// Takes a hit in a file, or in a blob of a history with the commits that brought it in and that
    /// still had it last.
    pub fn hit(
        &self,
        hit: Hit,
        path: &str,
        introduced: Option<Introduced>,
        last_seen: Option<Introduced>,
    ) {
        let Some(rule) = self.rules.get(usize::from(hit.detector)) else {
            return;
        };
        let key = key_of(hit.secret.expose_secret(), path);
        let path = match &hit.inner {
            Some(inner) => format!("{path}!/{inner}"),
            None => path.to_owned(),
        };
        let sighting = Sighting {
            place: FilePlace {
                path,
                line: (hit.line > 0).then_some(hit.line),
                column: (hit.line > 0 && hit.column > 0).then_some(hit.column),
                end_column: (hit.line > 0 && hit.column > 0).then_some(hit.end_column),
                excerpt: Some(hit.excerpt).filter(|text| !text.is_empty()),
                introduced,
                last_seen,
            },
            allowed: hit.allowed,
            via: hit.via.iter().map(|via| via.name()).collect(),
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.groups.len() >= GROUPS_MAX && !state.groups.contains_key(&key) {
            state.beyond += 1;
            return;
        }
        let group = state.groups.entry(key).or_insert_with(|| Group {
            rule: rule.clone(),
            secret: hit.secret,
            sightings: Vec::new(),
            more: 0,
        });
        // The worst detector that knows it speaks for it; among equals the first by name.
        let rank = |rule: &Rule| (std::cmp::Reverse(rule.severity), rule.id.clone());
        if rank(rule) < rank(&group.rule) {
            group.rule = rule.clone();
        }
        if group
            .sightings
            .iter()
            .any(|known| is_same(known, &sighting))
        {
            return;
        }
        match group.sightings.len() < PLACES_MAX {
            true => group.sightings.push(sighting),
            false => group.more += 1,
        }
    }

    /// Takes a note of what was not looked at.
    pub fn not_looked_at(&self, note: impl Into<String>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.notes.len() < NOTES_MAX {
            true => state.notes.push(note.into()),
            false => state.more_notes += 1,
        }
    }

    /// How many secrets there are so far.
    pub fn len(&self) -> usize {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.groups.len()
    }

    /// Whether there is none so far.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All that was found.
    pub fn into_gathered(self) -> Gathered {
        let state = self.state.into_inner();
        let state = state.unwrap_or_else(PoisonError::into_inner);
        let mut notes = state.notes;
        notes.sort();
        notes.dedup();
        if state.more_notes > 0 {
            notes.push(format!("and {} more of such", state.more_notes));
        }
        if state.beyond > 0 {
            notes.push(format!(
                "{} hits of secrets beyond the first {GROUPS_MAX} are not told: mend these first, or scan \
                 a part",
                state.beyond
            ));
        }
        Gathered {
            groups: state.groups.into_values().collect(),
            notes,
        }
    }
}

/// Whether a place is told already: the same stretch of the same file, as the same commit has it.
fn is_same(a: &Sighting, b: &Sighting) -> bool {
    let commit = |one: &Sighting| one.place.introduced.as_ref().map(|by| by.commit.clone());
    (&a.place.path, a.place.line, a.place.column) == (&b.place.path, b.place.line, b.place.column)
        && commit(a) == commit(b)
}

/// What makes two hits one finding: the secret; of a word that is none (a scope such as `all:all`), the
/// file as well.
fn key_of(secret: &str, path: &str) -> [u8; 32] {
    let mut hashed = digest::Context::new(&digest::SHA256);
    hashed.update(canonical(secret).as_bytes());
    if is_word(secret) {
        hashed.update(&[0]);
        hashed.update(path.as_bytes());
    }
    let mut key = [0; 32];
    for (to, from) in key.iter_mut().zip(hashed.finish().as_ref()) {
        *to = *from;
    }
    key
}
