//! What of commits and tags decides on their order.

use gix::ObjectId;

use crate::git::{
    message::{head, time},
    store::Number,
};

/// An object that the store does not have.
pub(crate) const MISSING: Number = Number::MAX;

/// A commit as it was read.
#[derive(Debug, Clone)]
pub(crate) struct CommitRow {
    pub(crate) tree: ObjectId,
    pub(crate) parents: Vec<ObjectId>,
    /// Seconds since 1970, of the committer.
    pub(crate) time: i64,
}

impl CommitRow {
    /// Reads the head of a commit; `None` if it names no tree.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        /// The most parents that are believed.
        const PARENTS: usize = 4096;
        let (mut tree, mut parents, mut seconds) = (None, Vec::new(), 0);
        for (word, rest) in head(bytes) {
            match word {
                b"tree" if tree.is_none() => tree = ObjectId::from_hex(rest).ok(),
                b"parent" if parents.len() < PARENTS => parents.extend(ObjectId::from_hex(rest)),
                b"committer" => {
                    let when = memchr::memrchr(b'>', rest).and_then(|at| rest.get(at + 1..));
                    seconds = time(when.unwrap_or_default()).0;
                    break;
                }
                _ => {}
            }
        }
        Some(Self {
            tree: tree?,
            parents,
            time: seconds,
        })
    }
}

/// A tag that is an object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TagRow {
    pub(crate) tag: Number,
    pub(crate) target: Number,
}

impl TagRow {
    /// The object that a tag stands for.
    pub(crate) fn target(bytes: &[u8]) -> Option<ObjectId> {
        let (_, id) = head(bytes).find(|(word, _)| *word == b"object")?;
        ObjectId::from_hex(id).ok()
    }
}

/// All commits, as numbers.
#[derive(Default)]
pub(crate) struct Commits {
    rows: Vec<Row>,
    parents: Vec<Number>,
}

struct Row {
    commit: Number,
    tree: Number,
    time: i64,
    first: u32,
    count: u32,
}

impl Commits {
    /// Adds one.
    pub(crate) fn add(
        &mut self,
        commit: Number,
        row: &CommitRow,
        number: impl Fn(&gix::oid) -> Number,
    ) {
        let first = self.parents.len() as u32;
        self.parents.extend(row.parents.iter().map(|id| number(id)));
        self.rows.push(Row {
            commit,
            tree: number(&row.tree),
            time: row.time,
            first,
            count: row.parents.len() as u32,
        });
    }

    /// Takes in what another thread read.
    pub(crate) fn append(&mut self, mut other: Self) {
        let shift = self.parents.len() as u32;
        self.parents.append(&mut other.parents);
        self.rows.extend(other.rows.into_iter().map(|row| Row {
            first: row.first + shift,
            ..row
        }));
    }

    /// Sorts them by number, each once, so that they can be asked for.
    pub(crate) fn settle(&mut self) {
        self.rows.sort_by_key(|row| row.commit);
        self.rows.dedup_by_key(|row| row.commit);
    }

    pub(crate) fn count(&self) -> usize {
        self.rows.len()
    }

    /// The place of a commit among them.
    pub(crate) fn find(&self, commit: Number) -> Option<u32> {
        let place = self.rows.binary_search_by_key(&commit, |row| row.commit);
        place.ok().map(|place| place as u32)
    }

    pub(crate) fn number(&self, place: u32) -> Number {
        self.row(place).map_or(MISSING, |row| row.commit)
    }

    pub(crate) fn tree(&self, place: u32) -> Number {
        self.row(place).map_or(MISSING, |row| row.tree)
    }

    pub(crate) fn time(&self, place: u32) -> i64 {
        self.row(place).map_or(0, |row| row.time)
    }

    /// The parents' numbers; [`MISSING`] where the store does not have one.
    pub(crate) fn parents(&self, place: u32) -> &[Number] {
        let range = self.row(place).map(|row| {
            let first = row.first as usize;
            first..first + row.count as usize
        });
        range
            .and_then(|range| self.parents.get(range))
            .unwrap_or_default()
    }

    fn row(&self, place: u32) -> Option<&Row> {
        self.rows.get(place as usize)
    }
}
