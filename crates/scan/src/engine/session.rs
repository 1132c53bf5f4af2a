//! One blob's scan: what is found in it and in its members, within the limits.

use std::io::Read;
use std::ops::Range;
use std::time::Instant;

use super::layer::Raw;
use super::place::{Origin, hits};
use super::{Cut, Engine, Hit, Scanned, Scratch, Skipped, Via};
use crate::decode::{narrow, wide_runs};
use crate::hold::{self, Budget};

/// Bytes that are read at once of what is larger than what is held.
const PIECE: usize = 4 << 20;

/// The scan of one blob under way.
pub(crate) struct Session<'e, 's> {
    pub(super) engine: &'e Engine,
    pub(super) scratch: &'s mut Scratch,
    /// The one detector to ask.
    pub(crate) only: Option<u16>,
    /// Bytes that patterns may still be run over.
    pub(super) effort: u64,
    /// Bytes that encodings may still become.
    decodable: u64,
    budget: Budget,
    ends: Instant,
    halted: bool,
    hits: Vec<Hit>,
    skipped: Vec<Skipped>,
    /// The member that is looked at, archive by archive.
    members: Vec<String>,
    /// What was undone to get at it.
    via: Vec<Via>,
}

impl<'e, 's> Session<'e, 's> {
    pub(crate) fn new(engine: &'e Engine, scratch: &'s mut Scratch) -> Self {
        let limits = &engine.limits;
        Self {
            engine,
            scratch,
            only: None,
            effort: 16 << 20,
            decodable: 1 << 20,
            budget: Budget::new(limits),
            ends: Instant::now() + limits.time,
            halted: false,
            hits: Vec::new(),
            skipped: Vec::new(),
            members: Vec::new(),
            via: Vec::new(),
        }
    }

    /// What was found; hits that the detectors' path rules refuse are left out.
    pub(crate) fn finish(mut self, name: Option<&str>) -> Scanned {
        if self.budget.exceeded() {
            self.cut(Cut::Expanded);
        }
        let engine = self.engine;
        self.hits.retain(|hit| {
            let path = hit.inner.as_deref().or(name);
            path.is_none_or(|path| engine.stands_at(hit, path))
        });
        Scanned {
            hits: self.hits,
            skipped: self.skipped,
        }
    }

    /// A blob or a member as a whole.
    pub(crate) fn content(&mut self, name: Option<&str>, bytes: &[u8]) {
        match hold::kind(name, bytes) {
            Some(kind) => {
                let opened = hold::open(self, kind, name, &mut std::io::Cursor::new(bytes));
                // What could not be opened is looked at as it stands.
                if !opened {
                    self.plain(bytes, std::slice::from_ref(&(0..bytes.len())));
                }
            }
            None => self.plain(bytes, std::slice::from_ref(&(0..bytes.len()))),
        }
    }

    /// The blob itself, from a reader, which is not metered: a long file is no bomb.
    pub(crate) fn outer(&mut self, name: Option<&str>, reader: &mut dyn Read) {
        self.read(name, reader);
    }

    /// What a reader gives: held and looked at whole, opened as it comes, or looked at in pieces.
    pub(crate) fn read(&mut self, name: Option<&str>, reader: &mut dyn Read) {
        let held = self.engine.limits.held;
        let mut buffer = self.scratch.buffer();
        let filled = fill(reader, &mut buffer, held);
        if filled.is_err() {
            self.unread();
        }
        if buffer.len() < held {
            self.content(name, &buffer);
        } else {
            let kind = hold::kind(name, &buffer);
            let mut all = std::io::Cursor::new(&buffer).chain(reader);
            let opened = kind.is_some_and(|kind| hold::open_stream(self, kind, name, &mut all));
            if !opened {
                if kind.is_some() {
                    self.cut(Cut::Size);
                }
                self.pieces(&mut all);
            }
        }
        self.scratch.give_back(buffer);
    }

    /// Text or a binary as it stands.
    pub(crate) fn plain(&mut self, bytes: &[u8], within: &[Range<usize>]) {
        self.afford(bytes.len());
        let found = self.found(bytes, within);
        let origin = Origin::default();
        self.take(bytes, found, &origin);
    }

    /// Parts of a text. Told is what touches `told`, which lies within what is looked at: of a hit
    /// at its edge everything that overlaps it is known.
    pub(crate) fn regions(
        &mut self,
        bytes: &[u8],
        looked_at: &[Range<usize>],
        told: &[Range<usize>],
    ) {
        self.afford(bytes.len());
        let mut found = self.found(bytes, looked_at);
        found.retain(|raw| {
            raw.via.first() == Some(&Via::Base64)
                || told
                    .iter()
                    .any(|part| raw.range.start < part.end && part.start < raw.range.end)
        });
        self.take(bytes, found, &Origin::default());
    }

    fn found(&mut self, bytes: &[u8], within: &[Range<usize>]) -> Vec<Raw> {
        let mut found = Vec::new();
        if let Some((text, skip)) = narrow(bytes) {
            self.layer(&text, std::slice::from_ref(&(0..text.len())), 0, &mut found);
            for raw in &mut found {
                raw.range = skip + 2 * raw.range.start..skip + 2 * raw.range.end;
                raw.via.insert(0, Via::Utf16);
            }
            return found;
        }
        self.layer(bytes, within, 0, &mut found);
        let head = bytes.get(..8192).unwrap_or(bytes);
        if memchr::memchr(0, head).is_some() {
            self.wide(bytes, &mut found);
        }
        found
    }

    /// Strings of two bytes a character in a binary.
    fn wide(&mut self, bytes: &[u8], found: &mut Vec<Raw>) {
        wide_runs(bytes, |range, text| {
            let first = found.len();
            self.layer(&text, std::slice::from_ref(&(0..text.len())), 0, found);
            for raw in found.iter_mut().skip(first) {
                raw.range = range.start + 2 * raw.range.start..range.start + 2 * raw.range.end;
                raw.via.insert(0, Via::Utf16);
            }
        });
    }

    /// What is larger than what is held, piece by piece. Each piece begins with the end of the one
    /// before, so that nothing is cut; what begins in that end is taken from the later one.
    fn pieces(&mut self, reader: &mut dyn Read) {
        let back = self.engine.reach + (4 << 10);
        let tail = back + (64 << 10);
        let mut buffer = self.scratch.buffer();
        let mut origin = Origin::default();
        let mut from = 0;
        loop {
            let before = buffer.len();
            if fill(reader, &mut buffer, PIECE + tail).is_err() {
                self.unread();
            }
            let last = buffer.len() < PIECE + tail;
            self.afford(buffer.len() - before);
            let end = if last {
                buffer.len()
            } else {
                buffer.len() - (64 << 10)
            };
            let mut found = self.found(&buffer, std::slice::from_ref(&(0..buffer.len())));
            found.retain(|raw| {
                (from..end).contains(&raw.range.start) || last && raw.range.start >= from
            });
            self.take(&buffer, found, &origin);
            if last || self.stopped() {
                break;
            }
            origin.advance(buffer.get(..end - back).unwrap_or_default());
            buffer.drain(..end - back);
            from = back;
        }
        self.scratch.give_back(buffer);
    }

    fn take(&mut self, bytes: &[u8], found: Vec<Raw>, origin: &Origin) {
        if found.is_empty() {
            return;
        }
        let most = self.engine.limits.hits.saturating_sub(self.hits.len());
        let mut all = hits(&self.engine.detectors, bytes, found, origin);
        if all.len() > most {
            all.truncate(most);
            self.cut(Cut::Hits);
        }
        let inner = self.inner();
        for mut hit in all {
            hit.inner.clone_from(&inner);
            hit.via.splice(0..0, self.via.iter().copied());
            self.hits.push(hit);
        }
    }

    /// Base64 of something compressed, which stands at `range` of the layer that is looked at.
    pub(super) fn packed(&mut self, run: &[u8], range: Range<usize>, found: &mut Vec<Raw>) {
        let Some(bytes) = hold::unpacked(run) else {
            return;
        };
        if !self.spend(bytes.len()) {
            return;
        }
        let Some(kind) = hold::kind(None, &bytes) else {
            return;
        };
        // Its hits stand where the run stands.
        let begun = self.hits.len();
        let via = std::mem::take(&mut self.via);
        hold::open(self, kind, None, &mut std::io::Cursor::new(&bytes));
        self.via = via;
        for hit in self.hits.split_off(begun) {
            let mut via = vec![Via::Base64];
            via.extend(hit.via);
            found.push(Raw {
                detector: hit.detector,
                range: range.clone(),
                secret: hit.secret,
                via,
            });
        }
    }

    /// Goes into a member and comes back. `None` for one that has no name of its own.
    pub(crate) fn member(&mut self, via: Via, name: Option<String>, look: impl FnOnce(&mut Self)) {
        let named = name.is_some();
        self.members.extend(name);
        self.via.push(via);
        look(self);
        self.via.pop();
        if named {
            self.members.pop();
        }
    }

    /// How many archives the member that is looked at lies in.
    pub(crate) fn depth(&self) -> usize {
        self.via.len()
    }

    pub(crate) fn limits(&self) -> &'e super::Limits {
        &self.engine.limits
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Whether a limit of the whole blob was reached.
    pub(crate) fn stopped(&mut self) -> bool {
        if !self.halted && (self.effort == 0 || self.budget.exceeded()) {
            self.halted = true;
        }
        if !self.halted && Instant::now() >= self.ends {
            self.cut(Cut::Time);
            self.halted = true;
        }
        self.halted
    }

    /// Says that something of the member that is looked at was cut; each once.
    pub(crate) fn cut(&mut self, cut: Cut) {
        const MOST: usize = 100;
        let inner = self.inner();
        let skipped = Skipped { inner, cut };
        // It is a limit of all that the blob holds, and every archive around it ends with it.
        let told = cut == Cut::Expanded && self.skipped.iter().any(|other| other.cut == cut);
        if !told && self.skipped.len() < MOST && !self.skipped.contains(&skipped) {
            self.skipped.push(skipped);
        }
    }

    /// Says that reading failed, unless it was a limit that made it fail.
    fn unread(&mut self) {
        if self.budget.exceeded() {
            self.cut(Cut::Expanded);
        } else if self.via.is_empty() {
            self.cut(Cut::Unread);
        } else {
            self.cut(Cut::Broken);
        }
    }

    /// Takes bytes that were decoded from what may still be; says so where there are none left.
    pub(super) fn spend(&mut self, bytes: usize) -> bool {
        match self.decodable.checked_sub(bytes as u64) {
            Some(left) => {
                self.decodable = left;
                self.try_more(bytes);
                true
            }
            None => {
                self.cut(Cut::Effort);
                false
            }
        }
    }

    /// More to look through.
    fn afford(&mut self, bytes: usize) {
        const DECODED: u64 = 16;
        let more = (bytes as u64).saturating_mul(DECODED);
        self.decodable = self.decodable.saturating_add(more);
        self.try_more(bytes);
    }

    fn try_more(&mut self, bytes: usize) {
        let more = (bytes as u64).saturating_mul(self.engine.limits.effort);
        if !self.halted {
            self.effort = self.effort.saturating_add(more);
        }
    }

    fn inner(&self) -> Option<String> {
        (!self.members.is_empty()).then(|| self.members.join("!/"))
    }
}

/// Reads until the buffer has `to` bytes or nothing more comes. What was read before an error stays.
fn fill(reader: &mut dyn Read, buffer: &mut Vec<u8>, to: usize) -> std::io::Result<()> {
    let more = to.saturating_sub(buffer.len()) as u64;
    reader.take(more).read_to_end(buffer).map(|_| ())
}
