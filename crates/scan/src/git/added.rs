//! Which hits of a blob were not in what stood there before.

use std::collections::HashMap;

use gix::objs::Kind;
use secrecy::ExposeSecret as _;

use super::{
    HistoryHit, HistoryPlace, HistorySink,
    store::{LARGEST, Objects},
    trees::{Changed, TreeStore},
};
use crate::{Engine, Hit, Scratch};
use doorward_finding::Introduced;

/// Looks at changed blobs, and tells of what they add.
pub(crate) struct Adder<'a> {
    engine: &'a Engine,
    sink: &'a dyn HistorySink,
    scratch: Scratch,
    pub(crate) trees: TreeStore<'a>,
    bytes: Vec<u8>,
}

impl<'a> Adder<'a> {
    pub(crate) fn new(engine: &'a Engine, objects: &'a Objects, sink: &'a dyn HistorySink) -> Self {
        Self {
            engine,
            sink,
            scratch: engine.scratch(),
            trees: TreeStore::new(objects),
            bytes: Vec::new(),
        }
    }

    /// Looks at a changed blob; what stood in none of the old ones is told. Gives back how many bytes
    /// were looked at.
    pub(crate) fn look(
        &mut self,
        changed: &Changed,
        introduced: impl FnOnce() -> Option<Introduced>,
    ) -> u64 {
        let path = String::from_utf8_lossy(&changed.path).into_owned();
        let mut hits = self.hits(&changed.new, &path, true);
        let size = self.bytes.len() as u64;
        for old in &changed.old {
            if hits.is_empty() {
                break;
            }
            let old = self.hits(old, &path, false);
            hits = added(hits, &old);
        }
        if hits.is_empty() {
            return size;
        }
        let introduced = introduced();
        for hit in hits {
            let place = HistoryPlace::File {
                path: path.clone(),
                blob: changed.new.to_string(),
            };
            self.sink.found(HistoryHit {
                hit,
                place,
                introduced: introduced.clone(),
                last_seen: None,
            });
        }
        size
    }

    fn hits(&mut self, blob: &gix::oid, path: &str, tell: bool) -> Vec<Hit> {
        let mut bytes = std::mem::take(&mut self.bytes);
        let read = self.trees.object(blob, LARGEST, &mut bytes);
        let mut hits = Vec::new();
        match read {
            Ok(Kind::Blob) => {
                let scanned = self.engine.scan(&mut self.scratch, Some(path), &bytes);
                hits = scanned.hits;
                for skipped in scanned.skipped.iter().filter(|_| tell) {
                    let inner = skipped
                        .inner
                        .as_deref()
                        .map_or_else(String::new, |i| format!("!/{i}"));
                    self.sink
                        .not_looked_at(&format!("{path}{inner}"), &skipped.cut.to_string());
                }
            }
            Ok(_) => {}
            Err(fault) if tell => self.sink.not_looked_at(path, &fault.to_string()),
            Err(_) => {}
        }
        self.bytes = bytes;
        hits
    }

    /// Looks at a message; what it holds is told as of the object `id`.
    pub(crate) fn message(
        &mut self,
        of: &'static str,
        id: &gix::oid,
        bytes: &[u8],
        introduced: Option<&Introduced>,
    ) {
        for hit in self.engine.scan(&mut self.scratch, None, bytes).hits {
            let id = id.to_string();
            self.sink.found(HistoryHit {
                hit,
                place: HistoryPlace::Message { of, id },
                introduced: introduced.cloned(),
                last_seen: None,
            });
        }
    }

    /// Tells of trees that could not be read.
    pub(crate) fn tell_skipped(&mut self) {
        for (what, why) in self.trees.skipped.drain(..) {
            self.sink.not_looked_at(&what, &why);
        }
    }
}

/// The hits of `new` that are not in `old`: of each secret as many as there are more of, those on
/// lines that were not there first.
fn added(new: Vec<Hit>, old: &[Hit]) -> Vec<Hit> {
    let mut before: HashMap<(u16, &str), Vec<&str>> = HashMap::new();
    for hit in old {
        let key = (hit.detector, hit.secret.expose_secret());
        before.entry(key).or_default().push(&hit.excerpt);
    }
    let mut kept: Vec<bool> = vec![true; new.len()];
    // First each that stands on a line as it was, then any, takes one of the old ones.
    for by_line in [true, false] {
        for (hit, kept) in new.iter().zip(kept.iter_mut()).filter(|(_, kept)| **kept) {
            let key = (hit.detector, hit.secret.expose_secret());
            let Some(lines) = before.get_mut(&key) else {
                continue;
            };
            let at = lines
                .iter()
                .position(|line| !by_line || *line == hit.excerpt);
            if let Some(at) = at {
                lines.swap_remove(at);
                *kept = false;
            }
        }
    }
    let kept = new.into_iter().zip(kept).filter(|(_, kept)| *kept);
    kept.map(|(hit, _)| hit).collect()
}
