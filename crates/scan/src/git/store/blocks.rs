//! Parts of pack files, read by blocks of which the last used few are held.

use super::{Fault, pack::PackFile};

/// How much is read at once, in bytes.
const BLOCK: u64 = 128 << 10;
/// How many blocks a reader holds.
const HELD: usize = 24;

/// The blocks that one reader holds.
#[derive(Default)]
pub(crate) struct Blocks {
    held: Vec<Block>,
    /// What spans two blocks, or is larger than one.
    wide: Vec<u8>,
    tick: u64,
    /// The block of the last answer: most asks are for the same again.
    last: usize,
}

struct Block {
    pack: u32,
    number: u64,
    used: u64,
    bytes: Vec<u8>,
}

impl Blocks {
    /// `want` bytes from `from` on, fewer at the file's end.
    pub(crate) fn slice(
        &mut self,
        file: &PackFile,
        from: u64,
        want: usize,
    ) -> Result<&[u8], Fault> {
        let want = (want as u64).min(file.len().saturating_sub(from));
        let (first, start) = (from / BLOCK, (from % BLOCK) as usize);
        if from.saturating_add(want.max(1)) > (first + 1) * BLOCK {
            self.wide.resize(want as usize, 0);
            file.read_exact_at(&mut self.wide, from)?;
            return Ok(&self.wide);
        }
        let at = self.block(file, first)?;
        self.held
            .get(at)
            .and_then(|block| block.bytes.get(start..start + want as usize))
            .ok_or(Fault::Broken("the pack ends early"))
    }

    fn block(&mut self, file: &PackFile, number: u64) -> Result<usize, Fault> {
        self.tick += 1;
        let tick = self.tick;
        let wanted = |block: &Block| block.number == number && block.pack == file.number();
        if self.held.get(self.last).is_some_and(wanted) {
            return Ok(self.last);
        }
        if let Some(at) = self.held.iter().position(wanted) {
            if let Some(block) = self.held.get_mut(at) {
                block.used = tick;
            }
            self.last = at;
            return Ok(at);
        }
        let from = number * BLOCK;
        let len = BLOCK.min(file.len().saturating_sub(from)) as usize;
        let at = if self.held.len() < HELD {
            self.held.push(Block {
                pack: u32::MAX,
                number,
                used: tick,
                bytes: Vec::new(),
            });
            self.held.len() - 1
        } else {
            let oldest = self.held.iter().enumerate().min_by_key(|(_, b)| b.used);
            oldest.map_or(0, |(at, _)| at)
        };
        let block = self
            .held
            .get_mut(at)
            .ok_or(Fault::Broken("no block is held"))?;
        // Named last: a read that fails leaves no block that looks whole.
        block.pack = u32::MAX;
        block.bytes.resize(len, 0);
        file.read_exact_at(&mut block.bytes, from)?;
        (block.pack, block.number, block.used) = (file.number(), number, tick);
        self.last = at;
        Ok(at)
    }
}
