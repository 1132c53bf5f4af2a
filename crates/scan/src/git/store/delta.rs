//! A delta's instructions, carried out; and what of the result was copied from where.

use super::Fault;

/// A stretch of the result that is, byte for byte, one stretch of the base.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Copied {
    /// Where it begins in the base.
    pub(crate) from: usize,
    /// Where it begins in the result.
    pub(crate) to: usize,
    /// How many bytes.
    pub(crate) len: usize,
}

/// Makes `out` what `delta` makes of `base`, and `copied` its copied stretches in order; two that
/// follow each other in both base and result are one.
///
/// # Errors
/// When the instructions do not fit the base or their own sizes, or the result is over `most` bytes.
pub(crate) fn apply(
    base: &[u8],
    delta: &[u8],
    most: u64,
    out: &mut Vec<u8>,
    copied: &mut Vec<Copied>,
) -> Result<(), Fault> {
    out.clear();
    copied.clear();
    let (base_size, rest) = varint(delta)?;
    let (size, mut rest) = varint(rest)?;
    if base_size != base.len() as u64 {
        return Err(Fault::Broken("a delta is for a base of another size"));
    }
    if size > most {
        return Err(Fault::TooLarge(size));
    }
    // A copy makes up to 16 MiB of seven bytes: what is claimed is believed for a start only.
    out.reserve((size as usize).min(16 << 20));
    while let Some((&op, after)) = rest.split_first() {
        rest = after;
        if op & 0x80 != 0 {
            let (from, len, after) = copy(op, rest)?;
            rest = after;
            let piece = base
                .get(from..from.saturating_add(len))
                .ok_or(Fault::Broken("a delta copies from outside its base"))?;
            let to = out.len();
            if (to + len) as u64 > size {
                return Err(LONG);
            }
            out.extend_from_slice(piece);
            match copied.last_mut() {
                Some(last) if last.from + last.len == from && last.to + last.len == to => {
                    last.len += len;
                }
                _ => copied.push(Copied { from, to, len }),
            }
        } else if op != 0 {
            let (piece, after) = rest
                .split_at_checked(usize::from(op))
                .ok_or(Fault::Broken("a delta is cut off"))?;
            rest = after;
            if (out.len() + piece.len()) as u64 > size {
                return Err(LONG);
            }
            out.extend_from_slice(piece);
        } else {
            return Err(Fault::Broken("a delta has an instruction that is reserved"));
        }
    }
    if out.len() as u64 == size {
        Ok(())
    } else {
        Err(Fault::Broken("a delta makes less than it says"))
    }
}

const LONG: Fault = Fault::Broken("a delta makes more than it says");

#[inline]
fn copy(op: u8, mut rest: &[u8]) -> Result<(usize, usize, &[u8]), Fault> {
    let mut next = || {
        let (&byte, after) = rest.split_first()?;
        rest = after;
        Some(usize::from(byte))
    };
    let (mut from, mut len) = (0usize, 0usize);
    for bit in 0..4 {
        if op & (1 << bit) != 0 {
            from |= next().ok_or(CUT)? << (8 * bit);
        }
    }
    for bit in 0..3 {
        if op & (0x10 << bit) != 0 {
            len |= next().ok_or(CUT)? << (8 * bit);
        }
    }
    Ok((from, if len == 0 { 0x1_0000 } else { len }, rest))
}

const CUT: Fault = Fault::Broken("a delta is cut off");

/// A size at the head of the instructions.
fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), Fault> {
    let mut value = 0u64;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok((value, bytes.get(at + 1..).unwrap_or_default()));
        }
    }
    Err(Fault::Broken("a delta's size has no end"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(base: &[u8], delta: &[u8]) -> Result<(Vec<u8>, Vec<Copied>), Fault> {
        let (mut out, mut copied) = (Vec::new(), Vec::new());
        apply(base, delta, 1 << 20, &mut out, &mut copied).map(|()| (out, copied))
    }

    #[test]
    fn copies_that_follow_each_other_in_both_are_one() {
        let base = b"0123456789";
        let delta = [10, 9, 0x90, 4, 0x91, 4, 2, 1, b'x', 0x91, 8, 2];
        let (out, copied) = run(base, &delta).unwrap();
        assert_eq!(out, b"012345x89");
        let first = Copied {
            from: 0,
            to: 0,
            len: 6,
        };
        let second = Copied {
            from: 8,
            to: 7,
            len: 2,
        };
        assert_eq!(copied, [first, second]);
    }

    #[test]
    fn instructions_that_do_not_fit_are_refused() {
        let base = b"0123456789";
        for delta in [
            &[][..],
            &[10],
            &[9, 1, 0x90, 1],
            &[10, 4, 0x91, 8, 4],
            &[10, 4, 0x90, 5],
            &[10, 4, 0x90, 3],
            &[10, 4, 5, b'a'],
            &[10, 4, 0],
            &[10, 4, 0xff, 1],
            &[10, 0xff, 0xff, 0xff, 0x7f, 0x90, 1],
            &[
                0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1,
            ],
        ] {
            assert!(run(base, delta).is_err(), "{delta:?}");
        }
    }
}
