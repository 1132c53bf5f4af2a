//! The head of a pack's entry.

use gix::{ObjectId, objs::Kind};

use super::Fault;

/// The most bytes that a head has: two varints, or one and an object id.
pub(crate) const HEAD: usize = 10 + 32;

/// The head of a pack's entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entry {
    /// What it is built on.
    pub(crate) base: Base,
    /// The size inflated: of the object, or of the delta's instructions.
    pub(crate) size: u64,
    /// Where the deflated bytes begin in the pack.
    pub(crate) data: u64,
}

/// What an entry is built on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Base {
    /// Nothing: it is whole.
    Whole(Kind),
    /// The entry at this offset of the same pack.
    At(u64),
    /// The object of this id, most likely in the same pack.
    Named(ObjectId),
}

impl Entry {
    /// Reads the head at the offset `at` from the bytes there.
    pub(crate) fn parse(bytes: &[u8], at: u64, hash: gix::hash::Kind) -> Result<Self, Fault> {
        let mut rest = bytes.iter().copied();
        let mut taken = 1u64;
        let first = rest.next().ok_or(CUT)?;
        let kind = (first >> 4) & 7;
        let mut size = u64::from(first & 15);
        let mut shift = 4u32;
        let mut byte = first;
        while byte & 0x80 != 0 {
            byte = rest.next().ok_or(CUT)?;
            taken += 1;
            if shift > 57 {
                return Err(Fault::Broken("an entry's size has no end"));
            }
            size |= u64::from(byte & 0x7f) << shift;
            shift += 7;
        }
        let base = match kind {
            1 => Base::Whole(Kind::Commit),
            2 => Base::Whole(Kind::Tree),
            3 => Base::Whole(Kind::Blob),
            4 => Base::Whole(Kind::Tag),
            6 => {
                let mut byte = rest.next().ok_or(CUT)?;
                taken += 1;
                let mut back = u64::from(byte & 0x7f);
                while byte & 0x80 != 0 {
                    byte = rest.next().ok_or(CUT)?;
                    taken += 1;
                    if back >= 1 << 56 {
                        return Err(Fault::Broken("a delta's distance has no end"));
                    }
                    back = ((back + 1) << 7) | u64::from(byte & 0x7f);
                }
                match at.checked_sub(back) {
                    Some(base) if back > 0 => Base::At(base),
                    _ => return Err(Fault::Broken("a delta's base lies outside the pack")),
                }
            }
            7 => {
                let start = taken as usize;
                let id = bytes
                    .get(start..start + hash.len_in_bytes())
                    .and_then(|id| ObjectId::try_from(id).ok())
                    .ok_or(CUT)?;
                taken += hash.len_in_bytes() as u64;
                Base::Named(id)
            }
            _ => return Err(Fault::Broken("an entry is of no known kind")),
        };
        Ok(Self {
            base,
            size,
            data: at + taken,
        })
    }
}

const CUT: Fault = Fault::Broken("an entry's head is cut off");
