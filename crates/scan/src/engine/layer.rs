//! One layer of text looked through: keywords, runs of base64, and what is encoded in it.

use std::ops::Range;

use secrecy::SecretString;

use super::prefilter::Entry;
use super::{Cut, Session, Via};
use crate::decode::{Mark, decode, each_run, joined, packed, stretches};
use crate::detector::{Detector, Finder, upstream_key_at};

/// Bytes on both sides of a mark that are decoded with it.
const MARGIN: usize = 320;

/// The longest stretch that is decoded in one; a longer one is more than one.
const LONGEST: usize = 64 << 10;

/// Bytes of the shortest run that may hold an upstream key.
const UPSTREAM: usize = crate::detector::UPSTREAM_KEY;

/// Under which marks a text that was decoded is decoded further. Of two encodings that were both
/// there to be seen one order is enough: the other gives the same.
struct Gate {
    /// What was decoded last.
    mark: Mark,
    /// How many of each there were before.
    before: [usize; Mark::KINDS],
}

/// Something found, in the bytes of its layer.
#[derive(Debug)]
pub(crate) struct Raw {
    pub(crate) detector: u16,
    pub(crate) range: Range<usize>,
    pub(crate) secret: SecretString,
    pub(crate) via: Vec<Via>,
}

impl Session<'_, '_> {
    /// Looks through the parts `within` of a text. What is found is added to `found`.
    pub(super) fn layer(
        &mut self,
        text: &[u8],
        within: &[Range<usize>],
        depth: u8,
        found: &mut Vec<Raw>,
    ) {
        self.layer_behind(None, text, within, depth, found);
    }

    fn layer_behind(
        &mut self,
        gate: Option<&Gate>,
        text: &[u8],
        within: &[Range<usize>],
        depth: u8,
        found: &mut Vec<Raw>,
    ) {
        let mut marks = Vec::new();
        let engine = self.engine;
        for range in within {
            let prefilter = &engine.prefilter;
            prefilter.each(text, range.start, range.end, |entry, at| {
                if let Some(mark) = entry.mark
                    && mark.is_at(text, at)
                {
                    marks.push((mark, at));
                }
                self.keyword(text, entry, at, found)
            });
        }
        if self.stopped() {
            return;
        }
        for range in within {
            self.runs(text, range, depth, found);
        }
        if depth < engine.limits.decode_depth {
            marks.sort_unstable();
            if let Some(gate) = gate {
                marks = gate.passed(marks);
            }
            self.encoded(text, &marks, depth, found);
        }
    }

    /// Whether to go on.
    fn keyword(&mut self, text: &[u8], entry: &Entry, at: usize, found: &mut Vec<Raw>) -> bool {
        let engine = self.engine;
        let keyword = at..at + entry.len();
        for number in &entry.detectors {
            if self.only.is_some_and(|only| only != *number) {
                continue;
            }
            let Some(detector) = engine.detectors.get(*number) else {
                continue;
            };
            let Finder::Pattern(pattern) = &detector.finder else {
                continue;
            };
            let Some(runner) = self.scratch.runners.get_mut(usize::from(*number)) else {
                continue;
            };
            self.effort = self.effort.saturating_sub(pattern.longest() as u64);
            let matched = pattern.find(runner, text, &keyword);
            let raw = match matched {
                Some(matched) => judged(*number, detector, text, &matched.whole, &matched.secret),
                None => self.unescaped(*number, text, &keyword),
            };
            found.extend(raw);
        }
        if self.effort == 0 {
            self.cut(Cut::Effort);
        }
        found.len() < engine.limits.hits * 4 && !self.stopped()
    }

    /// The same for a text with backslashes, which hide where a word begins and a value ends.
    fn unescaped(&mut self, number: u16, text: &[u8], keyword: &Range<usize>) -> Option<Raw> {
        let detector = self.engine.detectors.get(number)?;
        let Finder::Pattern(pattern) = &detector.finder else {
            return None;
        };
        let from = keyword.start.saturating_sub(pattern.lead() + 8);
        let end = keyword.start + pattern.longest() + 64;
        let window = text.get(from..end.min(text.len()))?;
        memchr::memchr(b'\\', window)?;
        let decoded = decode(Mark::Escapes, window);
        let place = |at: usize| decoded.from.partition_point(|source| source + from < at);
        let inner = place(keyword.start)..place(keyword.end);
        self.effort = self.effort.saturating_sub(2 * window.len() as u64);
        let runner = self.scratch.runners.get_mut(usize::from(number))?;
        let matched = pattern.find(runner, &decoded.text, &inner)?;
        let secret = decoded.text.get(matched.secret.clone())?;
        let outer = decoded.source(&matched.secret);
        let outer = outer.start + from..outer.end + from;
        if !detector.accepts(secret) || !detector.in_context(text, outer.start, outer.end) {
            return None;
        }
        Some(Raw {
            detector: number,
            range: outer,
            secret: String::from_utf8_lossy(secret).into_owned().into(),
            via: vec![Via::Escapes],
        })
    }

    /// Upstream keys in long runs, and what runs hold in base64.
    fn runs(&mut self, text: &[u8], within: &Range<usize>, depth: u8, found: &mut Vec<Raw>) {
        let engine = self.engine;
        let wanted = |number: &&u16| self.only.is_none_or(|only| only == **number);
        let upstream: Vec<u16> = engine.upstream.iter().filter(wanted).copied().collect();
        let deeper = depth < engine.limits.decode_depth;
        let mut done = 0;
        each_run(text, within, |run| {
            if run.text.len() >= UPSTREAM && !upstream.is_empty() {
                let mut from = run.range.start;
                while let Some((range, key)) = upstream_key_at(text, from, run.range.end) {
                    from = range.end;
                    found.extend(upstream.iter().map(|number| Raw {
                        detector: *number,
                        range: range.clone(),
                        secret: key.clone().into(),
                        via: Vec::new(),
                    }));
                }
            }
            if deeper && run.range.end > done {
                done = self.base64(text, &run.range, run.text, depth, found);
            }
            found.len() < engine.limits.hits * 4 && !self.stopped()
        });
    }

    /// What a run of base64 holds; returns where the run, with its further lines, ends.
    fn base64(
        &mut self,
        text: &[u8],
        range: &Range<usize>,
        run: &[u8],
        depth: u8,
        found: &mut Vec<Raw>,
    ) -> usize {
        let mut buffer = self.scratch.buffer();
        let promising = packed(run) || {
            let mut promising = false;
            stretches(run, &mut buffer, |_, _| promising = true);
            promising
        };
        if !promising {
            self.scratch.give_back(buffer);
            return range.end;
        }
        let further = joined(text, range);
        let (whole, lines) = match &further {
            Some((whole, lines)) => (whole.as_slice(), lines.as_slice()),
            None => (run, &[(0, range.start)][..]),
        };
        // Where a character of the run stands in the text.
        let place = |at: usize| {
            let line = lines.partition_point(|(begin, _)| *begin <= at);
            let line = line.checked_sub(1).and_then(|line| lines.get(line));
            line.map_or(range.start, |(begin, start)| start + at - begin)
        };
        let end = place(whole.len().saturating_sub(1)) + 1;
        if packed(whole) {
            self.packed(whole, range.start..end, found);
        }
        let mut all: Vec<(usize, Vec<u8>)> = Vec::new();
        stretches(whole, &mut buffer, |start, decoded| {
            all.push((start, decoded.to_vec()))
        });
        self.scratch.give_back(buffer);
        for (start, decoded) in all {
            if !self.spend(decoded.len()) {
                break;
            }
            let first = found.len();
            self.layer(
                &decoded,
                std::slice::from_ref(&(0..decoded.len())),
                depth + 1,
                found,
            );
            for raw in found.iter_mut().skip(first) {
                let from = place(start + raw.range.start / 3 * 4);
                let last = start + (raw.range.end * 4).div_ceil(3);
                let to = place(last.min(whole.len()).saturating_sub(1)) + 1;
                raw.range = from..to;
                raw.via.insert(0, Via::Base64);
            }
        }
        end
    }

    /// What stands around marks of encodings.
    fn encoded(&mut self, text: &[u8], marks: &[(Mark, usize)], depth: u8, found: &mut Vec<Raw>) {
        let mut each = marks.iter().copied().peekable();
        while let Some((mark, first)) = each.next() {
            let start = first.saturating_sub(MARGIN);
            let mut last = first;
            while let Some((_, next)) = each.next_if(|(kind, at)| {
                *kind == mark && *at <= last + 2 * MARGIN && *at < start + LONGEST
            }) {
                last = next;
            }
            let end = (last + MARGIN).min(text.len());
            let window = text.get(start..end).unwrap_or_default();
            if self.stopped() || !self.spend(window.len()) {
                return;
            }
            let decoded = decode(mark, window);
            let begun = found.len();
            let before = Mark::EACH.map(|kind| count(marks, kind, start..end));
            let all = 0..decoded.text.len();
            self.layer_behind(
                Some(&Gate { mark, before }),
                &decoded.text,
                std::slice::from_ref(&all),
                depth + 1,
                found,
            );
            for raw in found.iter_mut().skip(begun) {
                let source = decoded.source(&raw.range);
                raw.range = source.start + start..source.end + start;
                raw.via.insert(0, mark.via());
            }
        }
    }
}

impl Gate {
    /// The marks to decode at: those that come later in the order, those of the same kind, which
    /// were decoded once and so are of an encoding within, and those that decoding has shown.
    fn passed(&self, mut marks: Vec<(Mark, usize)>) -> Vec<(Mark, usize)> {
        let shown = Mark::EACH.map(|kind| count(&marks, kind, 0..usize::MAX));
        let passes = |kind: Mark| {
            let more = shown.get(kind as usize) > self.before.get(kind as usize);
            kind >= self.mark || more
        };
        marks.retain(|(kind, _)| passes(*kind));
        marks
    }
}

/// How many marks of a kind there are in a range; they are sorted.
fn count(marks: &[(Mark, usize)], kind: Mark, range: Range<usize>) -> usize {
    let before = |at: usize| marks.partition_point(|mark| *mark < (kind, at));
    before(range.end) - before(range.start)
}

/// A match that stands up to everything else that is asked of it.
fn judged(
    number: u16,
    detector: &Detector,
    text: &[u8],
    whole: &Range<usize>,
    secret: &Range<usize>,
) -> Option<Raw> {
    let value = text.get(secret.clone())?;
    if !detector.accepts(value) || !detector.in_context(text, whole.start, whole.end) {
        return None;
    }
    let end = detector.end_of(text, secret.end);
    let value = text.get(secret.start..end)?;
    Some(Raw {
        detector: number,
        range: secret.start..end,
        secret: String::from_utf8_lossy(value).into_owned().into(),
        via: Vec::new(),
    })
}
