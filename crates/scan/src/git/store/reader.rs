//! What one thread needs to read objects.

use gix::zlib::{Decompress, FlushDecompress, Status};

use super::{
    Copied, Entry, Fault, Objects, Pack,
    blocks::Blocks,
    delta,
    entry::{Base, HEAD},
    loose,
};
use gix::objs::Kind;

/// The longest chain of deltas that is followed; git makes none over 4,095.
const CHAIN: usize = 10_000;

/// What one thread needs to read objects: held blocks, the inflater's state, buffers.
#[derive(Default)]
pub(crate) struct Reader {
    blocks: Blocks,
    inflate: Decompress,
    /// Instructions of the delta in hand.
    delta: Vec<u8>,
    other: Vec<u8>,
    copied: Vec<Copied>,
}

impl Reader {
    /// The head of the entry at an offset.
    pub(crate) fn entry(&mut self, pack: &Pack, at: u64) -> Result<Entry, Fault> {
        if at < 12 || at >= pack.file.len() {
            return Err(Fault::Broken("an entry lies outside its pack"));
        }
        let head = self.blocks.slice(&pack.file, at, HEAD)?;
        Entry::parse(head, at, pack.checksum.kind())
    }

    /// Inflates an entry's bytes: the object, or the delta's instructions.
    pub(crate) fn inflate(
        &mut self,
        pack: &Pack,
        entry: &Entry,
        most: u64,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        out.clear();
        if entry.size > most {
            return Err(Fault::TooLarge(entry.size));
        }
        if entry.size == 0 {
            return Ok(());
        }
        let size = entry.size as usize;
        let left = pack.file.len().saturating_sub(entry.data);
        // Deflate makes at most about 1,032 bytes of one: a claim over that is not reserved.
        if entry.size > left.saturating_mul(1100) {
            return Err(SHORT);
        }
        out.resize(size, 0);
        // First what git would have needed at most, then what any deflater might have.
        for want in [size + size / 128 + 64, size * 2 + (64 << 10)] {
            let input = self.blocks.slice(&pack.file, entry.data, want)?;
            self.inflate.reset();
            let status = self
                .inflate
                .decompress(input, out, FlushDecompress::None)
                .map_err(|_| Fault::Broken("an entry does not inflate"))?;
            let made = self.inflate.total_out() as usize;
            match status {
                Status::StreamEnd if made == size => return Ok(()),
                Status::StreamEnd => return Err(SHORT),
                _ if made == size && want > self.inflate.total_in() as usize => {
                    return Err(Fault::Broken("an entry is longer than it says"));
                }
                _ => {}
            }
        }
        Err(SHORT)
    }

    /// Makes `out` what the delta entry makes of `base`; `copied` says what was copied.
    pub(crate) fn derive(
        &mut self,
        pack: &Pack,
        entry: &Entry,
        base: &[u8],
        most: u64,
        out: &mut Vec<u8>,
        copied: &mut Vec<Copied>,
    ) -> Result<(), Fault> {
        let mut delta = std::mem::take(&mut self.delta);
        let done = self
            .inflate(pack, entry, most, &mut delta)
            .and_then(|()| delta::apply(base, &delta, most, out, copied));
        self.delta = delta;
        done
    }

    /// The object at an offset of a pack, with all that it is built on.
    pub(crate) fn packed(
        &mut self,
        objects: &Objects,
        number: u32,
        at: u64,
        most: u64,
        out: &mut Vec<u8>,
    ) -> Result<Kind, Fault> {
        let mut chain: Vec<(u32, Entry)> = Vec::new();
        let (mut number, mut at) = (number, at);
        let kind = loop {
            let pack = objects.pack(number)?;
            let entry = self.entry(pack, at)?;
            match entry.base {
                Base::Whole(kind) => {
                    self.inflate(pack, &entry, most, out)?;
                    break kind;
                }
                Base::At(base) => at = base,
                Base::Named(id) => match objects.home(&id, number) {
                    Some((home, offset)) => (number, at) = (home, offset),
                    None => {
                        let file = objects.loose_file(&id).ok_or(Fault::Missing(id))?;
                        chain.push((pack.file.number(), entry));
                        break loose::read(&file, most, &mut self.inflate, out)?;
                    }
                },
            }
            chain.push((pack.file.number(), entry));
            if chain.len() > CHAIN {
                return Err(Fault::Broken("a chain of deltas has no end"));
            }
        };
        let mut other = std::mem::take(&mut self.other);
        let mut copied = std::mem::take(&mut self.copied);
        let mut done = Ok(());
        for (number, entry) in chain.iter().rev() {
            done = objects
                .pack(*number)
                .and_then(|pack| self.derive(pack, entry, out, most, &mut other, &mut copied));
            if done.is_err() {
                break;
            }
            std::mem::swap(out, &mut other);
        }
        (self.other, self.copied) = (other, copied);
        done.map(|()| kind)
    }

    /// The object in a loose file.
    pub(crate) fn loose(
        &mut self,
        file: &std::path::Path,
        most: u64,
        out: &mut Vec<u8>,
    ) -> Result<Kind, Fault> {
        loose::read(file, most, &mut self.inflate, out)
    }
}

const SHORT: Fault = Fault::Broken("an entry is shorter than it says");
