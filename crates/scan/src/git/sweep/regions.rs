//! Which parts of a delta's result were never looked at in its base.

use std::ops::Range;

use crate::git::store::Copied;

/// What of a copied stretch has the same `reach` bytes on both sides as in the base.
fn sure(piece: &Copied, reach: usize, base: usize, result: usize) -> Range<usize> {
    let at_start = piece.from == 0 && piece.to == 0;
    let at_end = piece.from + piece.len == base && piece.to + piece.len == result;
    let start = if at_start { 0 } else { reach };
    let end = piece.len.saturating_sub(if at_end { 0 } else { reach });
    start..end.max(start)
}

/// The stretches of the result that are to be looked at: what is not copied, and, empty, each border
/// at which bytes meet that did not in the base. The engine looks `reach` bytes around them.
pub(crate) fn regions(copied: &[Copied], base: usize, result: usize, out: &mut Vec<Range<usize>>) {
    out.clear();
    let mut from = 0;
    for piece in copied {
        let starts_anew = piece.from != 0 || piece.to != 0;
        if piece.to > from || starts_anew {
            out.push(from..piece.to);
        }
        from = piece.to + piece.len;
    }
    let ends_alike = copied
        .last()
        .is_some_and(|last| last.from + last.len == base && last.to + last.len == result);
    if !ends_alike {
        out.push(from..result);
    }
}

/// Where a hit of the base stands in the result, if it was taken over with all that decides on it.
pub(crate) fn inherited(
    hit: &Range<usize>,
    copied: &[Copied],
    reach: usize,
    base: usize,
    result: usize,
) -> impl Iterator<Item = Range<usize>> {
    copied.iter().filter_map(move |piece| {
        let sure = sure(piece, reach, base, result);
        let (start, end) = (
            hit.start.checked_sub(piece.from)?,
            hit.end.checked_sub(piece.from)?,
        );
        (sure.start <= start && end <= sure.end && start < end)
            .then(|| piece.to + start..piece.to + end)
    })
}

/// Whether a hit of the result was, with all that decides on it, in the base: then it is told of as
/// inherited, if it was one there, and else is none.
pub(crate) fn is_old(
    hit: &Range<usize>,
    copied: &[Copied],
    reach: usize,
    base: usize,
    result: usize,
) -> bool {
    copied.iter().any(|piece| {
        let sure = sure(piece, reach, base, result);
        piece.to + sure.start <= hit.start && hit.end <= piece.to + sure.end && !hit.is_empty()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        Detectors, Engine, Limits,
        generate::{Source, fill},
    };

    fn piece(from: usize, to: usize, len: usize) -> Copied {
        Copied { from, to, len }
    }

    fn ends(ranges: &[Range<usize>]) -> Vec<(usize, usize)> {
        ranges
            .iter()
            .map(|range| (range.start, range.end))
            .collect()
    }

    #[test]
    fn what_is_inserted_is_looked_at() {
        let mut out = Vec::new();
        let copied = [piece(0, 0, 100), piece(100, 110, 100)];
        regions(&copied, 200, 210, &mut out);
        assert_eq!(ends(&out), [(100, 110)]);
    }

    #[test]
    fn what_is_cut_out_leaves_a_border() {
        let mut out = Vec::new();
        let copied = [piece(0, 0, 100), piece(150, 100, 50)];
        regions(&copied, 200, 150, &mut out);
        assert_eq!(ends(&out), [(100, 100)]);
        let kept: Vec<_> = inherited(&(170..180), &copied, 8, 200, 150).collect();
        assert_eq!(ends(&kept), [(120, 130)]);
        assert_eq!(inherited(&(151..160), &copied, 8, 200, 150).count(), 0);
        assert_eq!(inherited(&(95..160), &copied, 8, 200, 150).count(), 0);
    }

    #[test]
    fn a_start_or_end_that_was_none_in_the_base_is_a_border() {
        let mut out = Vec::new();
        regions(&[piece(50, 0, 100)], 200, 100, &mut out);
        assert_eq!(ends(&out), [(0, 0), (100, 100)]);
        regions(&[piece(0, 0, 200)], 200, 200, &mut out);
        assert!(out.is_empty());
        regions(&[piece(0, 0, 12)], 200, 12, &mut out);
        assert_eq!(ends(&out), [(12, 12)]);
        regions(&[], 200, 12, &mut out);
        assert_eq!(ends(&out), [(0, 12)]);
    }

    /// A blob, and what it is built on: pieces of the base and new text in any order, with keys that
    /// are whole, cut by a border, or put together by one.
    #[derive(Debug)]
    struct Edit {
        base: Vec<u8>,
        result: Vec<u8>,
        copied: Vec<Copied>,
    }

    fn edit(seed: u64) -> Edit {
        let mut source = Source::new(seed);
        let text = |source: &mut Source| -> Vec<u8> {
            let mut out = String::new();
            for _ in 0..source.below(30) {
                match source.below(4) {
                    0 => out.push_str(&fill("{upstream_key}", source)),
                    1 => out.push_str("\nINSTANTLY_API_KEY="),
                    2 => out.push_str(" instantly key: "),
                    _ => {
                        let length = source.below(2000);
                        out.push_str(&source.text(b"abcdef \n\"'", length));
                    }
                }
                if source.below(3) > 0 {
                    out.push(' ');
                }
            }
            out.into_bytes()
        };
        let base = text(&mut source);
        let (mut result, mut copied): (Vec<u8>, Vec<Copied>) = (Vec::new(), Vec::new());
        let mut at = 0;
        for _ in 0..1 + source.below(6) {
            match source.below(4) {
                0 => result.extend(text(&mut source)),
                // A jump, most often a short one.
                1 => at = source.below(base.len() + 1),
                _ => {}
            }
            let len = source.below(base.len() - at + 1);
            if len > 0 {
                let to = result.len();
                result.extend(&base[at..at + len]);
                match copied.last_mut() {
                    Some(last) if last.from + last.len == at && last.to + last.len == to => {
                        last.len += len;
                    }
                    _ => copied.push(piece(at, to, len)),
                }
                at += len;
            }
            if source.below(2) == 0 {
                at = (at + source.below(90)).min(base.len());
            }
        }
        Edit {
            base,
            result,
            copied,
        }
    }

    fn spans(scanned: &crate::Scanned) -> Vec<(Range<usize>, u16)> {
        let hits = scanned.hits.iter();
        hits.map(|hit| (hit.range.clone(), hit.detector)).collect()
    }

    #[test]
    fn what_is_seen_in_regions_and_taken_over_is_what_a_whole_scan_sees() {
        let engine = Engine::new(Detectors::builtin(), Limits::default());
        let mut scratch = engine.scratch();
        let (mut seen, mut taken_over) = (0, 0);
        for seed in 0..400 {
            let Edit {
                base,
                result,
                copied,
            } = edit(seed);
            let whole: BTreeSet<_> = spans(&engine.scan(&mut scratch, None, &result))
                .into_iter()
                .map(|(range, detector)| (range.start, range.end, detector))
                .collect();
            let mut out = Vec::new();
            regions(&copied, base.len(), result.len(), &mut out);
            let new = spans(&engine.scan_regions(&mut scratch, &result, &out));
            let old = spans(&engine.scan(&mut scratch, None, &base));
            let over = old.iter().flat_map(|(range, detector)| {
                inherited(range, &copied, engine.reach(), base.len(), result.len())
                    .map(|range| (range, *detector))
            });
            let over: Vec<_> = over.collect();
            taken_over += over.len();
            let new = new.into_iter().filter(|(range, _)| {
                !is_old(range, &copied, engine.reach(), base.len(), result.len())
            });
            let parts: BTreeSet<_> = new
                .chain(over)
                .map(|(range, detector)| (range.start, range.end, detector))
                .collect();
            seen += whole.len();
            assert_eq!(parts, whole, "seed {seed}: {copied:?}");
        }
        assert!(seen > 3000 && taken_over > 500, "{seen} {taken_over}");
    }
}
