//! People's keys, as the writer finds and makes them.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::keyring::{SealKey, random};
use super::open::Keys;
use crate::error::{RelayError, Result};

/// Most keys held in memory; the file has them all.
const CACHED: usize = 8_192;

/// A person whose key is at hand.
#[derive(Clone)]
pub(super) struct Known {
    pub(super) id: i64,
    pub(super) key: Arc<SealKey>,
}

/// Those of late.
#[derive(Default)]
pub(super) struct People {
    by_entry: HashMap<[u8; 32], Known>,
    by_id: HashMap<i64, Arc<SealKey>>,
}

impl People {
    /// Forgets those in memory: what was made for them may not be in the file.
    pub(super) fn forget_all(&mut self) {
        self.by_entry.clear();
        self.by_id.clear();
    }

    /// The person's key, if there is one.
    pub(super) fn find(
        &mut self,
        tx: &Connection,
        keys: &Keys,
        entry: &[u8; 32],
    ) -> Result<Option<Known>> {
        if let Some(known) = self.by_entry.get(entry) {
            return Ok(Some(known.clone()));
        }
        let found: Option<(i64, Vec<u8>)> = tx
            .prepare_cached("SELECT id, wrapped_key FROM subjects WHERE entry = ?1")?
            .query_row([entry], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((id, wrapped)) = found else {
            return Ok(None);
        };
        let Ok(key) = open(keys, entry, &wrapped) else {
            // Somebody changed it: what it sealed is lost, and what comes now must not be.
            tracing::error!(
                subject = id,
                "the key of a person does not open: it was changed by somebody else; a new one is \
                 made, and what was sealed under it can't be read any more"
            );
            tx.prepare_cached("UPDATE subjects SET entry = NULL WHERE id = ?1")?
                .execute([id])?;
            return Ok(None);
        };
        let known = Known { id, key };
        self.remember(entry, &known);
        Ok(Some(known))
    }

    /// A new key for a person who has none.
    pub(super) fn make(
        &mut self,
        tx: &Connection,
        keys: &Keys,
        entry: &[u8; 32],
        now_ms: i64,
    ) -> Result<Known> {
        let known = make(tx, keys, entry, now_ms)?;
        self.remember(entry, &known);
        Ok(known)
    }

    fn remember(&mut self, entry: &[u8; 32], known: &Known) {
        if self.by_entry.len() >= CACHED {
            // Seldom, and the file has them.
            self.by_entry.clear();
        }
        self.by_entry.insert(*entry, known.clone());
    }

    /// The key of a person who is known by number; `None` of one who was erased.
    pub(super) fn by_id(
        &mut self,
        tx: &Connection,
        keys: &Keys,
        id: i64,
    ) -> Result<Option<Arc<SealKey>>> {
        if let Some(key) = self.by_id.get(&id) {
            return Ok(Some(Arc::clone(key)));
        }
        let found: Option<(Option<[u8; 32]>, Vec<u8>)> = tx
            .prepare_cached("SELECT entry, wrapped_key FROM subjects WHERE id = ?1")?
            .query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((Some(entry), wrapped)) = found else {
            return Ok(None);
        };
        let Ok(key) = open(keys, &entry, &wrapped) else {
            return Ok(None);
        };
        if self.by_id.len() >= CACHED {
            self.by_id.clear();
        }
        self.by_id.insert(id, Arc::clone(&key));
        Ok(Some(key))
    }
}

fn make(tx: &Connection, keys: &Keys, entry: &[u8; 32], now_ms: i64) -> Result<Known> {
    let key = zeroize::Zeroizing::new(random()?);
    let wrapped = keys.ring.wrap(entry, &key)?;
    tx.prepare_cached("INSERT INTO subjects (entry, wrapped_key, made_ms) VALUES (?1, ?2, ?3)")?
        .execute(params![entry, wrapped, now_ms])?;
    Ok(Known {
        id: tx.last_insert_rowid(),
        key: Arc::new(SealKey::new(&key)?),
    })
}

fn open(keys: &Keys, entry: &[u8; 32], wrapped: &[u8]) -> Result<Arc<SealKey>> {
    let key = keys.ring.unwrap(entry, wrapped)?;
    Ok(Arc::new(SealKey::new(&key)?))
}

/// Opens a person's key as it stands in the file; `None` of one who was erased, or that was changed.
pub(super) fn key_of(
    keys: &Keys,
    entry: Option<[u8; 32]>,
    wrapped: Option<Vec<u8>>,
) -> std::result::Result<SealKey, Gone> {
    let (Some(entry), Some(wrapped)) = (entry, wrapped) else {
        return Err(Gone::Erased);
    };
    let key = keys.ring.unwrap(&entry, &wrapped);
    key.and_then(|key| SealKey::new(&key))
        .map_err(|_: RelayError| Gone::Changed)
}

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gone {
    Erased,
    Changed,
}
