//! UTF-16: whole files, and strings in binaries.

use std::ops::Range;

/// Which byte of two holds a character of ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wide {
    /// The first.
    Little,
    /// The second.
    Big,
}

/// Characters of the shortest wide string of a binary.
const MIN_WIDE: usize = 16;

/// Whether a blob that begins so is UTF-16: by its mark, or because its first characters are plain.
pub(crate) fn is_utf16(head: &[u8]) -> bool {
    order(head).is_some()
}

fn order(head: &[u8]) -> Option<(Wide, usize)> {
    match head {
        [0xff, 0xfe, 0, 0, ..] => None,
        [0xff, 0xfe, ..] => Some((Wide::Little, 2)),
        [0xfe, 0xff, ..] => Some((Wide::Big, 2)),
        _ => {
            let units = head.as_chunks::<2>().0.get(..16)?;
            if units.iter().all(|unit| unit[1] == 0 && is_text(unit[0])) {
                Some((Wide::Little, 0))
            } else if units.iter().all(|unit| unit[0] == 0 && is_text(unit[1])) {
                Some((Wide::Big, 0))
            } else {
                None
            }
        }
    }
}

fn is_text(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t')
}

/// A UTF-16 text with one byte a unit, `?` for what is not of ASCII; and the bytes before the first.
pub(crate) fn narrow(bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let (order, skip) = order(bytes)?;
    Some((narrow_as(order, bytes.get(skip..)?), skip))
}

fn narrow_as(order: Wide, bytes: &[u8]) -> Vec<u8> {
    let units = bytes.as_chunks::<2>().0;
    units
        .iter()
        .map(|unit| match (order, unit) {
            (Wide::Little, [byte, 0]) | (Wide::Big, [0, byte]) if byte.is_ascii() => *byte,
            _ => b'?',
        })
        .collect()
}

/// The wide strings of a binary: where each stands, and its text.
pub(crate) fn wide_runs(bytes: &[u8], mut on: impl FnMut(Range<usize>, Vec<u8>)) {
    let mut at = 0;
    let wide = |at: usize| match bytes.get(at..at + 2) {
        Some([byte, 0]) => is_text(*byte),
        _ => false,
    };
    // Of a string that is long enough, one of these places has a character, whichever way it lies.
    while at + 2 * MIN_WIDE <= bytes.len() {
        let step = MIN_WIDE - 1;
        let Some(mut start) = [at + step, at + step + 1]
            .into_iter()
            .find(|place| wide(*place))
        else {
            at += step;
            continue;
        };
        let from = start;
        while start >= at + 2 && wide(start - 2) {
            start -= 2;
        }
        let mut end = from + 2;
        while wide(end) {
            end += 2;
        }
        if end - start >= 2 * MIN_WIDE {
            let text = bytes.get(start..end).unwrap_or_default();
            on(start..end, narrow_as(Wide::Little, text));
            at = end;
        } else {
            at += step;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn files_are_told_and_narrowed() {
        let text = "first line é\nsecond line of it\n";
        let narrowed = text.replace('é', "?");
        let plain = wide(&text.replace('é', "e"));
        let marked = [&[0xff, 0xfe][..], &wide(text)].concat();
        let big: Vec<u8> = wide(text)
            .chunks(2)
            .flat_map(|unit| [unit[1], unit[0]])
            .collect();
        let big = [&[0xfe, 0xff][..], &big].concat();
        assert!(is_utf16(&plain));
        for bytes in [marked, big] {
            assert_eq!(narrow(&bytes), Some((narrowed.clone().into_bytes(), 2)));
        }
        assert!(!is_utf16(
            b"plain text that is longer than thirty-two bytes"
        ));
        assert!(!is_utf16(&[0; 64]));
    }

    proptest! {
        #[test]
        fn strings_of_binaries_are_found_at_any_place(
            before in prop::collection::vec(128_u8.., 0..70),
            text in "[ -~]{16,60}",
            after in prop::collection::vec(128_u8.., 0..70),
        ) {
            let bytes = [&before[..], &wide(&text), &after].concat();
            let mut all = Vec::new();
            wide_runs(&bytes, |range, text| all.push((range, text)));
            let range = before.len()..before.len() + 2 * text.len();
            prop_assert_eq!(all, vec![(range, text.into_bytes())]);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = narrow(&bytes);
            wide_runs(&bytes, |_, _| {});
        }
    }
}
