//! From what was found to hits that are told: each blob in question is looked at once more, whole.

use std::collections::{HashMap, HashSet};

use doorward_finding::Introduced;
use gix::{ObjectId, objs::Kind};

use super::{
    HistoryHit, HistoryPlace, HistorySink,
    message::{Signature, head, message, text},
    store::{LARGEST, Objects, Reader},
    sweep::{Secrets, Seen},
};
use crate::{Engine, Hit, Scratch};

/// The most paths of one secret that are told.
const PATHS: usize = 100;

/// A secret in a blob, and what is to be told of it.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) blob: ObjectId,
    pub(crate) secret: Seen,
    /// Its path in a commit; `None` for a blob by itself.
    pub(crate) path: Option<String>,
    /// The ref that leads to it, if no commit does.
    pub(crate) name: Option<String>,
    pub(crate) introduced: Option<ObjectId>,
    pub(crate) last: Option<ObjectId>,
}

/// Tells of hits.
pub(crate) struct Reporter<'a> {
    engine: &'a Engine,
    objects: &'a Objects,
    secrets: &'a Secrets,
    sink: &'a dyn HistorySink,
    scratch: Scratch,
    reader: Reader,
    bytes: Vec<u8>,
    commits: HashMap<ObjectId, Introduced>,
}

impl<'a> Reporter<'a> {
    pub(crate) fn new(
        engine: &'a Engine,
        objects: &'a Objects,
        secrets: &'a Secrets,
        sink: &'a dyn HistorySink,
    ) -> Self {
        Self {
            engine,
            objects,
            secrets,
            sink,
            scratch: engine.scratch(),
            reader: Reader::default(),
            bytes: Vec::new(),
            commits: HashMap::new(),
        }
    }

    /// Tells of secrets in blobs.
    pub(crate) fn blobs(&mut self, mut jobs: Vec<Job>) {
        let mut paths: HashMap<Seen, usize> = HashMap::new();
        jobs.retain(|job| {
            let paths = paths.entry(job.secret).or_default();
            *paths += 1;
            *paths <= PATHS
        });
        let over: usize = paths
            .values()
            .map(|count| count.saturating_sub(PATHS))
            .sum();
        if over > 0 {
            let why = format!("of each secret, the first {PATHS} paths are told");
            self.sink.not_looked_at(&format!("{over} more paths"), &why);
        }
        jobs.sort_by_key(|job| job.blob);
        for of_blob in jobs.chunk_by(|a, b| a.blob == b.blob) {
            let Some(blob) = of_blob.first().map(|job| job.blob) else {
                continue;
            };
            let hits = self.hits(blob);
            for job in of_blob {
                self.tell(job, &hits);
            }
        }
    }

    /// Every hit of a blob, with which secret it is.
    fn hits(&mut self, blob: ObjectId) -> Vec<(Seen, Hit)> {
        let read = self
            .objects
            .read(&mut self.reader, &blob, LARGEST, &mut self.bytes);
        if let Err(fault) = read {
            self.sink
                .not_looked_at(&format!("object {blob}"), &fault.to_string());
            return Vec::new();
        }
        let scanned = self.engine.scan(&mut self.scratch, None, &self.bytes);
        let hits = scanned.hits.into_iter();
        hits.map(|hit| (self.secrets.of(&hit), hit)).collect()
    }

    /// Every hit of a blob or, of a commit or a tag, of its message.
    pub(crate) fn hits_of(&mut self, id: ObjectId, is_message: bool) -> Vec<(Seen, Hit)> {
        if !is_message {
            return self.hits(id);
        }
        let read = self
            .objects
            .read(&mut self.reader, &id, LARGEST, &mut self.bytes);
        if read.is_err() {
            return Vec::new();
        }
        let scanned = self
            .engine
            .scan(&mut self.scratch, None, message(&self.bytes));
        let hits = scanned.hits.into_iter();
        hits.map(|hit| (self.secrets.of(&hit), hit)).collect()
    }

    fn tell(&mut self, job: &Job, hits: &[(Seen, Hit)]) {
        for (secret, hit) in hits {
            let path = job.path.as_deref();
            if *secret != job.secret || path.is_some_and(|path| !self.engine.stands_at(hit, path)) {
                continue;
            }
            let blob = job.blob.to_string();
            let place = match path {
                Some(path) => HistoryPlace::File {
                    path: path.to_owned(),
                    blob,
                },
                None => HistoryPlace::Blob {
                    id: blob,
                    name: job.name.clone(),
                },
            };
            let found = HistoryHit {
                hit: hit.clone(),
                place,
                introduced: job.introduced.and_then(|id| self.commit(id)),
                last_seen: job.last.and_then(|id| self.commit(id)),
            };
            self.sink.found(found);
        }
    }

    /// Tells of secrets in the message of a commit or a tag.
    pub(crate) fn message(&mut self, id: ObjectId, secrets: &[Seen]) {
        let read = self
            .objects
            .read(&mut self.reader, &id, LARGEST, &mut self.bytes);
        let of = match read {
            Ok(Kind::Commit) => "commit",
            Ok(Kind::Tag) => "tag",
            _ => return,
        };
        let bytes = message(&self.bytes);
        let scanned = self.engine.scan(&mut self.scratch, None, bytes);
        let mut told = HashSet::new();
        for hit in scanned.hits {
            let secret = self.secrets.of(&hit);
            if !secrets.contains(&secret) || !told.insert((secret, hit.range.clone())) {
                continue;
            }
            let place = HistoryPlace::Message {
                of,
                id: id.to_string(),
            };
            let introduced = (of == "commit").then(|| self.commit(id)).flatten();
            self.sink.found(HistoryHit {
                hit,
                place,
                introduced,
                last_seen: None,
            });
        }
    }

    /// Who made a commit, when.
    fn commit(&mut self, id: ObjectId) -> Option<Introduced> {
        if let Some(known) = self.commits.get(&id) {
            return Some(known.clone());
        }
        let mut bytes = Vec::new();
        self.objects
            .read(&mut self.reader, &id, LARGEST, &mut bytes)
            .ok()?;
        let made = made_by(self.engine, &mut self.scratch, id, &bytes);
        self.commits.insert(id, made.clone());
        Some(made)
    }
}

/// Who made a commit of these bytes, when, and its summary; one that holds a secret is masked.
pub(crate) fn made_by(
    engine: &Engine,
    scratch: &mut Scratch,
    id: ObjectId,
    bytes: &[u8],
) -> Introduced {
    let author = head(bytes).find(|(word, _)| *word == b"author");
    let author = author.map_or_else(Signature::default, |(_, line)| Signature::parse(line));
    let first = message(bytes).trim_ascii_start();
    let first = first
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let summary = match engine.scan(scratch, None, first).hits.first() {
        None => text(first),
        Some(hit) => hit.excerpt.clone(),
    };
    Introduced {
        commit: id.to_string(),
        date: author.date(),
        author: author.name,
        email: author.email,
        summary,
    }
}
