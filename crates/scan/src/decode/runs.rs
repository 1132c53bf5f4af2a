//! Runs of base64 characters, and the text in them.

use std::ops::Range;

/// Characters of the shortest run that is decoded: 18 bytes.
pub(crate) const MIN_RUN: usize = 24;

/// Groups of four characters that must all decode to text for it to be taken for some.
const MIN_GROUPS: usize = 6;

/// The longest run that is decoded as a whole; what is over begins another.
const LONGEST: usize = 4 << 20;

/// Lines of base64 that follow one another are one run, if they are at least as long.
const LINE: usize = 56;

const NONE: u8 = 0xff;

/// The value of each character of base64's alphabets.
const VALUE: [u8; 256] = {
    let mut table = [NONE; 256];
    let mut byte = 0_usize;
    while byte < 256 {
        let value = match byte as u8 {
            b @ b'A'..=b'Z' => b - b'A',
            b @ b'a'..=b'z' => b - b'a' + 26,
            b @ b'0'..=b'9' => b - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => NONE,
        };
        #[expect(
            clippy::indexing_slicing,
            reason = "below 256; nothing else works in a constant"
        )]
        {
            table[byte] = value;
        }
        byte += 1;
    }
    table
};

fn value(byte: u8) -> u8 {
    VALUE.get(usize::from(byte)).copied().unwrap_or(NONE)
}

fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t')
}

/// A run: its characters, and, if it goes over lines, where each line begins.
pub(crate) struct Run<'t> {
    pub(crate) range: Range<usize>,
    pub(crate) text: &'t [u8],
}

/// Every run in `within` (to its own ends, which may lie outside), of [`MIN_RUN`] characters at
/// least. Most bytes are never looked at: the end of a window that holds a run is looked at first.
pub(crate) fn each_run<'t>(
    text: &'t [u8],
    within: &Range<usize>,
    mut on: impl FnMut(Run<'t>) -> bool,
) {
    let before = text.get(..within.start).unwrap_or_default();
    let back = before
        .iter()
        .rev()
        .take(LONGEST)
        .take_while(|byte| value(**byte) != NONE)
        .count();
    let mut at = within.start - back;
    while at < within.end {
        let Some(window) = text.get(at..at + MIN_RUN) else {
            return;
        };
        if let Some(last) = window.iter().rposition(|byte| value(*byte) == NONE) {
            at += last + 1;
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        let length = rest
            .iter()
            .take(LONGEST)
            .take_while(|byte| value(**byte) != NONE)
            .count();
        let range = at..at + length;
        at = range.end;
        let text = rest.get(..length).unwrap_or_default();
        if !on(Run { range, text }) {
            return;
        }
    }
}

/// Whether what the run holds is compressed: gzip or zip.
pub(crate) fn packed(run: &[u8]) -> bool {
    run.starts_with(b"H4sI") || run.starts_with(b"UEsDB")
}

/// The stretches of text that a run decodes to, whatever group it begins with: `on` is told where
/// in the run a stretch begins, and the text.
pub(crate) fn stretches(run: &[u8], decoded: &mut Vec<u8>, mut on: impl FnMut(usize, &[u8])) {
    for phase in 0..4_usize {
        let mut at = phase;
        decoded.clear();
        let mut start = phase;
        while let Some(group) = run.get(at..at + 4) {
            match bytes_of(group) {
                Some(bytes) => {
                    if decoded.is_empty() {
                        start = at;
                    }
                    decoded.extend_from_slice(&bytes);
                }
                None => {
                    if decoded.len() >= MIN_GROUPS * 3 {
                        on(start, decoded);
                    }
                    decoded.clear();
                }
            }
            at += 4;
        }
        if decoded.len() >= MIN_GROUPS * 3 {
            decoded.extend(last_bytes(run.get(at..).unwrap_or_default()));
            on(start, decoded);
        }
    }
    decoded.clear();
}

/// The three bytes of a group, if all are text.
fn bytes_of(group: &[u8]) -> Option<[u8; 3]> {
    let &[a, b, c, d] = group else { return None };
    // Text has its first bit clear, which more than half of all groups fail at once.
    let a = value(a);
    if a >= 32 {
        return None;
    }
    let (b, c, d) = (value(b), value(c), value(d));
    let bytes = [a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d];
    bytes.iter().all(|byte| is_text(*byte)).then_some(bytes)
}

/// The one or two bytes of a group that is not whole.
fn last_bytes(rest: &[u8]) -> impl Iterator<Item = u8> {
    let bytes = match *rest {
        [a, b] => [Some(value(a) << 2 | value(b) >> 4), None],
        [a, b, c] => [
            Some(value(a) << 2 | value(b) >> 4),
            Some(value(b) << 4 | value(c) >> 2),
        ],
        _ => [None, None],
    };
    bytes
        .into_iter()
        .flatten()
        .take_while(|byte| is_text(*byte))
}

/// Where each line begins: in the characters, and in the text.
pub(crate) type Lines = Vec<(usize, usize)>;

/// Lines of base64 from `run` on, joined: the characters without line ends and indentation, and for
/// each line where it begins in them and in the text. `None` if no other line follows.
pub(crate) fn joined(text: &[u8], run: &Range<usize>) -> Option<(Vec<u8>, Lines)> {
    let mut all = Vec::new();
    let mut lines = Vec::new();
    let mut line = run.clone();
    loop {
        lines.push((all.len(), line.start));
        all.extend_from_slice(text.get(line.clone())?);
        if line.len() < LINE || all.len() > LONGEST {
            break;
        }
        let rest = text.get(line.end..)?;
        let ends = match rest {
            [b'\r', b'\n', ..] => 2,
            [b'\n', ..] => 1,
            // Escaped, as in JSON.
            [b'\\', b'n', ..] => 2,
            _ => break,
        };
        let indent = rest
            .iter()
            .skip(ends)
            .take(64)
            .take_while(|byte| matches!(byte, b' ' | b'\t'))
            .count();
        let start = line.end + ends + indent;
        let length = text
            .get(start..)?
            .iter()
            .take(LONGEST)
            .take_while(|byte| value(**byte) != NONE)
            .count();
        // The last line is shorter; a word or a name that happens to follow is not of it.
        if length == 0 || length > line.len() {
            break;
        }
        line = start..start + length;
    }
    (lines.len() > 1).then_some((all, lines))
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use proptest::prelude::*;

    fn runs(text: &[u8], within: Range<usize>) -> Vec<Range<usize>> {
        let mut all = Vec::new();
        each_run(text, &within, |run| {
            all.push(run.range);
            true
        });
        all
    }

    #[test]
    fn text_is_found_at_any_phase_and_in_both_alphabets() {
        let secret = "user: someone~~~>>>???\npassword: something\n";
        for encoded in [STANDARD.encode(secret), URL_SAFE.encode(secret)] {
            for before in ["", "n", "/a", "abc", "abcd"] {
                let run = format!("{before}{}", encoded.trim_end_matches('='));
                let mut found = false;
                stretches(run.as_bytes(), &mut Vec::new(), |start, text| {
                    found |= text.ends_with(secret.as_bytes()) && start <= before.len();
                });
                assert!(found, "{run}");
            }
        }
    }

    proptest! {
        #[test]
        fn runs_are_all_that_are_long_enough(text in "[a-zA-Z0-9+/ ]{0,80}([a-f0-9_-]{20,40}[ .]){0,4}") {
            let text = text.as_bytes();
            let mut expected = Vec::new();
            let mut start = 0;
            for end in 0..=text.len() {
                if end == text.len() || value(text[end]) == NONE {
                    if end - start >= MIN_RUN {
                        expected.push(start..end);
                    }
                    start = end + 1;
                }
            }
            prop_assert_eq!(runs(text, 0..text.len()), expected.clone());
            for from in 0..text.len() {
                let touched: Vec<_> = runs(text, from..text.len());
                prop_assert!(expected.iter().filter(|run| run.end > from).all(|run| touched.contains(run)));
            }
        }

        #[test]
        fn any_run_is_decoded_without_panic(run: Vec<u8>) {
            stretches(&run, &mut Vec::new(), |_, _| {});
            let _ = joined(&run, &(0..run.len().min(60)));
        }
    }
}
