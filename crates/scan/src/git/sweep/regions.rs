//! Which parts of a delta's result were never looked at in its base.

use std::ops::Range;

use crate::git::store::Copied;

/// Whether all that decides on a hit at `start..end` of a copied stretch was copied with it: `reach`
/// bytes on both sides of its first byte, and all of itself.
fn is_whole(
    piece: &Copied,
    start: usize,
    end: usize,
    reach: usize,
    base: usize,
    result: usize,
) -> bool {
    let at_start = piece.from == 0 && piece.to == 0;
    let at_end = piece.from + piece.len == base && piece.to + piece.len == result;
    let far = start.saturating_add(reach).max(end);
    let right = far <= piece.len || at_end && end <= piece.len;
    start < end && (at_start || start >= reach) && right
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
        let start = hit.start.checked_sub(piece.from)?;
        let end = hit.end.checked_sub(piece.from)?;
        is_whole(piece, start, end, reach, base, result).then(|| piece.to + start..piece.to + end)
    })
}

/// Whether two stretches have bytes in common.
pub(crate) fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end
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
        let start = hit.start.checked_sub(piece.to);
        let end = hit.end.checked_sub(piece.to);
        let (Some(start), Some(end)) = (start, end) else {
            return false;
        };
        is_whole(piece, start, end, reach, base, result)
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

    /// Credentials of other kinds: many lines, a prefix with a sum, words before them.
    fn other(source: &mut Source) -> &'static str {
        let kinds = [
            "-----BEGIN PRIVATE KEY-----\n{pem_body}\n-----END PRIVATE KEY-----\n",
            "ghp_{github_token} ",
            "Authorization: Bearer {jwt}\n",
            "password = \"{rand:base62:20}\"\n",
            "{client_key}\n",
            "postgres://app:{rand:base62:16}@db.internal:5432/main\n",
        ];
        kinds[source.below(kinds.len())]
    }

    fn edit(seed: u64) -> Edit {
        let mut source = Source::new(seed);
        let text = |source: &mut Source| -> Vec<u8> {
            let mut out = String::new();
            for _ in 0..source.below(30) {
                match source.below(6) {
                    0 => out.push_str(&fill("{upstream_key}", source)),
                    1 => out.push_str("\nINSTANTLY_API_KEY="),
                    2 => out.push_str(" instantly key: "),
                    3 => out.push_str(&fill(other(source), source)),
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
            let old = spans(&engine.scan(&mut scratch, None, &base));
            let is_cut = |range: &Range<usize>| {
                let reach = engine.reach();
                let mut kept = inherited(range, &copied, reach, base.len(), result.len());
                range.len() > reach && kept.next().is_none()
            };
            // Such a blob is looked at whole.
            if old.iter().any(|(range, _)| is_cut(range)) {
                continue;
            }
            let mut out = Vec::new();
            regions(&copied, base.len(), result.len(), &mut out);
            let new = spans(&engine.scan_regions(&mut scratch, &result, &out));
            let over = old.iter().flat_map(|(range, detector)| {
                inherited(range, &copied, engine.reach(), base.len(), result.len())
                    .map(|range| (range, *detector))
            });
            let over: Vec<_> = over.collect();
            taken_over += over.len();
            let new = new.into_iter().filter(|(range, _)| {
                !is_old(range, &copied, engine.reach(), base.len(), result.len())
            });
            let new: Vec<_> = new.collect();
            // So is one in which two overlap: which of them stands, the engine decides.
            if new
                .iter()
                .any(|(a, _)| over.iter().any(|(b, _)| overlap(a, b)))
            {
                continue;
            }
            let parts: BTreeSet<_> = new
                .into_iter()
                .chain(over)
                .map(|(range, detector)| (range.start, range.end, detector))
                .collect();
            seen += whole.len();
            assert_eq!(parts, whole, "seed {seed}: {copied:?}");
        }
        assert!(seen > 1500 && taken_over > 300, "{seen} {taken_over}");
    }
}
