//! Where hits stand: lines, columns, excerpts, and comments that allow.

use std::ops::Range;

use secrecy::ExposeSecret;

use super::layer::Raw;
use super::{Hit, InlineAllow};
use crate::detector::Detectors;

/// Bytes of a line that are shown on each side of a hit.
const SHOWN: usize = 80;

/// Hits on each side of a hit whose values are not shown with it.
const NEIGHBOURS: usize = 16;

/// Bytes of a line, on each side of a hit, that are looked at for comments.
const LOOKED_AT: usize = 2048;

/// Where a piece of a blob begins in it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    bytes: usize,
    /// Line ends before it.
    lines: u64,
    /// Characters before it on its first line.
    column: u64,
}

impl Origin {
    /// Goes on behind `bytes`.
    pub(crate) fn advance(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len();
        match memchr::memrchr(b'\n', bytes) {
            Some(last) => {
                self.lines += memchr::memchr_iter(b'\n', bytes).count() as u64;
                self.column = characters(bytes.get(last + 1..).unwrap_or_default());
            }
            None => self.column += characters(bytes),
        }
    }
}

/// Hits of what was found in `bytes`, which begin at `origin`: of those that overlap the one with
/// the greatest priority, in the order in which they stand.
pub(crate) fn hits(
    detectors: &Detectors,
    bytes: &[u8],
    mut found: Vec<Raw>,
    origin: &Origin,
) -> Vec<Hit> {
    let priority = |raw: &Raw| detectors.get(raw.detector).map_or(0, |d| d.priority);
    found.sort_by(|one, other| {
        priority(other)
            .cmp(&priority(one))
            .then(one.via.len().cmp(&other.via.len()))
            .then(one.via.cmp(&other.via))
            .then(other.range.len().cmp(&one.range.len()))
            .then(one.range.start.cmp(&other.range.start))
            .then(one.detector.cmp(&other.detector))
    });
    let mut hidden: Vec<Range<usize>> = found.iter().map(|raw| raw.range.clone()).collect();
    hidden.sort_unstable_by_key(|range| (range.start, range.end));
    let mut kept: Vec<Raw> = Vec::new();
    for raw in found {
        if !kept.iter().any(|other| overlap(&raw, other)) {
            kept.push(raw);
        }
    }
    kept.sort_by_key(|raw| (raw.range.start, raw.range.end, raw.detector));
    let mut origin = origin.clone();
    let begun = origin.bytes;
    let mut at = 0;
    let mut all = Vec::with_capacity(kept.len());
    for (number, raw) in kept.iter().enumerate() {
        origin.advance(bytes.get(at..raw.range.start).unwrap_or_default());
        at = raw.range.start;
        let line = line_of(bytes, at);
        let on_line = raw.range.start..raw.range.end.min(line.end).max(raw.range.start);
        let wide = characters(bytes.get(on_line).unwrap_or_default());
        let near = kept.iter().skip(number.saturating_sub(NEIGHBOURS));
        let near = near.take(2 * NEIGHBOURS + 1);
        let hidden = hidden_on(bytes, &line, &hidden, near);
        all.push(Hit {
            detector: raw.detector,
            range: raw.range.start + begun..raw.range.end + begun,
            line: origin.lines + 1,
            column: origin.column + 1,
            end_column: origin.column + 1 + wide,
            excerpt: excerpt(bytes, &line, &raw.range, &hidden, raw.via.is_empty()),
            allowed: allowed(bytes, &line, &raw.range),
            secret: raw.secret.clone(),
            via: raw.via.clone(),
            inner: None,
        });
    }
    all
}

/// What is not to be shown of a line: what was found there, and the values of hits near it wherever
/// they stand on it again, though they are no hit there.
fn hidden_on<'r>(
    bytes: &[u8],
    line: &Range<usize>,
    found: &[Range<usize>],
    near: impl Iterator<Item = &'r Raw>,
) -> Vec<Range<usize>> {
    let overlaps = |range: &&Range<usize>| range.start < line.end && line.start < range.end;
    let mut hidden: Vec<Range<usize>> = found.iter().filter(overlaps).cloned().collect();
    let text = bytes.get(line.clone()).unwrap_or_default();
    for raw in near {
        let secret = raw.secret.expose_secret().as_bytes();
        if secret.len() >= 6 {
            let again = memchr::memmem::find_iter(text, secret);
            hidden.extend(again.map(|at| line.start + at..line.start + at + secret.len()));
        }
    }
    hidden.sort_unstable_by_key(|range| (range.start, range.end));
    hidden.dedup();
    hidden
}

/// Whether two are told as one: they overlap, and not only because encoded text has no exact borders.
fn overlap(one: &Raw, other: &Raw) -> bool {
    let shared = one.range.end.min(other.range.end);
    let shared = shared.saturating_sub(one.range.start.max(other.range.start));
    if shared == 0 {
        return false;
    }
    let encoded = !one.via.is_empty() && one.via == other.via;
    !encoded
        || shared * 2 > one.range.len().min(other.range.len())
            && (one.range != other.range
                || one.secret.expose_secret() == other.secret.expose_secret()
                || one.detector != other.detector && contains(one, other))
}

fn contains(one: &Raw, other: &Raw) -> bool {
    let (one, other) = (one.secret.expose_secret(), other.secret.expose_secret());
    one.contains(other) || other.contains(one)
}

/// The line, without its end, that the byte stands on; of a very long one what is near.
fn line_of(bytes: &[u8], at: usize) -> Range<usize> {
    let from = at.saturating_sub(LOOKED_AT);
    let before = bytes.get(from..at).unwrap_or_default();
    let start = memchr::memrchr(b'\n', before).map_or(from, |end| from + end + 1);
    let rest = bytes.get(at..).unwrap_or_default();
    let rest = rest.get(..LOOKED_AT).unwrap_or(rest);
    let length = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
    start..at + length
}

fn characters(bytes: &[u8]) -> u64 {
    bytes.iter().filter(|byte| *byte & 0xc0 != 0x80).count() as u64
}

/// The part of the line around a hit, with everything masked that was found in it.
fn excerpt(
    bytes: &[u8],
    line: &Range<usize>,
    hit: &Range<usize>,
    hidden: &[Range<usize>],
    plain: bool,
) -> String {
    let mut from = line.start.max(hit.start.saturating_sub(SHOWN));
    let mut to = line.end.min(hit.end.saturating_add(SHOWN)).max(from);
    // No part of another secret is shown because the excerpt begins or ends within it.
    for range in hidden {
        if range.start < from && from < range.end {
            from = range.end.min(hit.start);
        }
        if range.start < to && to < range.end {
            to = range.start.max(hit.end.min(line.end)).max(from);
        }
    }
    let mut shown = String::new();
    if from > line.start {
        shown.push('…');
    }
    let mut at = from;
    for range in hidden
        .iter()
        .filter(|range| range.end > from && range.start < to)
    {
        if range.start > at {
            shown.push_str(&printable(
                bytes.get(at..range.start.min(to)).unwrap_or_default(),
            ));
        }
        if range.end > at {
            let secret = bytes
                .get(range.start.max(at)..range.end)
                .unwrap_or_default();
            if plain && range == hit {
                shown.push_str(&masked(&String::from_utf8_lossy(secret)));
            } else {
                shown.push('…');
            }
            at = range.end;
        }
    }
    if at < to {
        shown.push_str(&printable(bytes.get(at..to).unwrap_or_default()));
    }
    if to < line.end {
        shown.push('…');
    }
    shown
}

/// Text that does nothing to a terminal.
fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .map(|c| match c {
            '\t' => ' ',
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                '\u{fffd}'
            }
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// A secret as it may be shown: of a long one the first four and the last two characters.
pub fn masked(secret: &str) -> String {
    let count = secret.chars().count();
    let (first, last) = match count {
        0..=11 => (0, 0),
        12..=23 => (2, 0),
        _ => (4, 2),
    };
    let mut shown: String = secret.chars().take(first).collect();
    shown.push('…');
    shown.extend(secret.chars().skip(count - last));
    printable(shown.as_bytes())
}

const MARK: &[u8] = b"doorward:allow";

/// What a comment on the hit's line says, or on the line before it where that has no hit's text.
fn allowed(bytes: &[u8], line: &Range<usize>, hit: &Range<usize>) -> Option<InlineAllow> {
    let after = bytes
        .get(hit.end.min(line.end)..line.end)
        .unwrap_or_default();
    let before = bytes.get(line.start..hit.start).unwrap_or_default();
    if let Some(allow) = said(after).or_else(|| said(before)) {
        return Some(allow);
    }
    let end = line.start.checked_sub(1)?;
    if bytes.get(end) != Some(&b'\n') {
        return None;
    }
    let previous = line_of(bytes, end);
    let text = bytes.get(previous.start..end)?;
    let first = text.iter().position(|byte| !byte.is_ascii_whitespace())?;
    // On a line of its own: a comment begins it.
    let comment = text.get(first..)?;
    let starts: [&[u8]; 8] = [b"#", b"//", b"/*", b"<!--", b"--", b";", b"*", b"%"];
    if starts.iter().any(|start| comment.starts_with(start)) {
        said(comment)
    } else {
        None
    }
}

fn said(text: &[u8]) -> Option<InlineAllow> {
    let at = memchr::memmem::find(text, MARK)?;
    let rest = String::from_utf8_lossy(text.get(at + MARK.len()..)?).into_owned();
    let rest = rest.trim_end_matches('\r');
    let (detectors, rest) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((ids, rest)) => (
            ids.split(',')
                .map(|id| id.trim().to_owned())
                .filter(|id| !id.is_empty())
                .collect(),
            rest,
        ),
        None => (Vec::new(), rest),
    };
    let rest = ["*/", "-->"]
        .iter()
        .find_map(|end| rest.split_once(end))
        .map_or(rest, |(one, _)| one);
    let rest = printable(rest.trim().trim_start_matches(':').trim().as_bytes());
    let until = rest.rsplit_once("until ").and_then(|(before, date)| {
        let date = date.trim();
        let shaped = date.len() == 10
            && date.bytes().enumerate().all(|(n, byte)| match n {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        shaped.then(|| (before.trim().to_owned(), date.to_owned()))
    });
    Some(match until {
        Some((reason, date)) => InlineAllow {
            detectors,
            reason,
            until: Some(date),
        },
        None => InlineAllow {
            detectors,
            reason: rest,
            until: None,
        },
    })
}
