//! All keywords of all detectors, and the marks of encodings, in one automaton.

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input, MatchKind};

use crate::decode::Mark;
use crate::detector::Detectors;

#[derive(Debug)]
pub(crate) struct Prefilter {
    automaton: Option<AhoCorasick>,
    /// The entry of each pattern of the automaton.
    searched: Vec<usize>,
    entries: Vec<Entry>,
}

/// One keyword.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// Lower case.
    text: Vec<u8>,
    /// The detectors that have it.
    pub(crate) detectors: Vec<u16>,
    /// What it is a mark of.
    pub(crate) mark: Option<Mark>,
    /// Entries that hold this one, and how many bytes before it they begin. They are not searched
    /// for: where they stand, this one does.
    longer: Vec<(usize, usize)>,
}

impl Prefilter {
    pub(crate) fn new(detectors: &Detectors) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        let mut add = |text: &[u8], detector: Option<u16>, mark: Option<Mark>| {
            let known = entries.iter().position(|entry| entry.text == text);
            let at = known.unwrap_or_else(|| {
                entries.push(Entry {
                    text: text.to_vec(),
                    ..Entry::default()
                });
                entries.len() - 1
            });
            if let Some(entry) = entries.get_mut(at) {
                entry.detectors.extend(detector);
                entry.mark = entry.mark.or(mark);
            }
        };
        for (number, detector) in (0_u16..).zip(detectors.rules()) {
            for keyword in &detector.keywords {
                add(keyword.as_bytes(), Some(number), None);
            }
        }
        if !detectors.is_empty() {
            for (text, mark) in Mark::all() {
                add(text.as_bytes(), None, Some(*mark));
            }
        }
        let texts: Vec<Vec<u8>> = entries.iter().map(|entry| entry.text.clone()).collect();
        let mut searched = Vec::new();
        for (number, text) in texts.iter().enumerate() {
            // The first keyword that this one holds finds it.
            let within = texts.iter().enumerate().find_map(|(other, short)| {
                let at = memchr::memmem::find(text, short)?;
                (other != number && is_minimal(short, &texts)).then_some((other, at))
            });
            match within {
                Some((short, at)) => {
                    if let Some(entry) = entries.get_mut(short) {
                        entry.longer.push((number, at));
                    }
                }
                None => searched.push(number),
            }
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(searched.iter().filter_map(|number| texts.get(*number)))
            .ok();
        Self {
            automaton: automaton.filter(|_| !searched.is_empty()),
            searched,
            entries,
        }
    }

    /// Every keyword in `text[from..to]`: the entry, and where it begins.
    pub(crate) fn each(
        &self,
        text: &[u8],
        from: usize,
        to: usize,
        mut on: impl FnMut(&Entry, usize) -> bool,
    ) {
        let Some(automaton) = &self.automaton else {
            return;
        };
        let mut at = from;
        // No keyword that is searched for holds another, so they end in the order they begin in, and
        // going on one byte later finds those that overlap.
        while let Some(found) = automaton.find(Input::new(text).range(at..to)) {
            at = found.start() + 1;
            let entry = self
                .searched
                .get(found.pattern().as_usize())
                .and_then(|number| self.entries.get(*number));
            let Some(entry) = entry else { return };
            if !on(entry, found.start()) {
                return;
            }
            for (longer, before) in &entry.longer {
                let Some(longer) = self.entries.get(*longer) else {
                    continue;
                };
                let Some(start) = found.start().checked_sub(*before) else {
                    continue;
                };
                let here = text.get(start..start + longer.text.len());
                if here.is_some_and(|here| here.eq_ignore_ascii_case(&longer.text))
                    && !on(longer, start)
                {
                    return;
                }
            }
        }
    }
}

impl Entry {
    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }
}

/// Whether a keyword holds no other.
fn is_minimal(text: &[u8], texts: &[Vec<u8>]) -> bool {
    !texts
        .iter()
        .any(|other| other.len() < text.len() && memchr::memmem::find(text, other).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(keywords: &[&str], text: &str) -> Vec<(String, usize)> {
        let files: Vec<(String, String)> = keywords
            .iter()
            .enumerate()
            .map(|(n, keyword)| {
                let file = format!(
                    "id = \"test.n{n}\"\ntitle = \"t\"\nseverity = \"low\"\nwhy = \"w\"\n\
                     remedy = \"r\"\nkeywords = ['{keyword}']\npattern = 'abcd'\n\
                     examples = ['a']\nnegatives = ['b']\n"
                );
                (format!("{n}"), file)
            })
            .collect();
        let detectors = Detectors::load(&files).unwrap_or_else(|faults| panic!("{faults:?}"));
        let prefilter = Prefilter::new(&detectors);
        let mut all = Vec::new();
        prefilter.each(text.as_bytes(), 0, text.len(), |entry, at| {
            if entry.mark.is_none() {
                all.push((String::from_utf8_lossy(&entry.text).into_owned(), at));
            }
            true
        });
        all.sort();
        all
    }

    #[test]
    fn keywords_within_and_over_each_other_are_all_found() {
        let text = "my x-Instantly-API-KEYword sk-ant-api sk-live";
        let expected = |all: &[(&str, usize)]| {
            all.iter()
                .map(|(word, at)| ((*word).to_owned(), *at))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            found(
                &[
                    "instantly",
                    "x-instantly-api",
                    "api-key",
                    "keyword",
                    "sk-",
                    "sk-ant",
                    "key"
                ],
                text
            ),
            expected(&[
                ("api-key", 15),
                ("instantly", 5),
                ("key", 19),
                ("keyword", 19),
                ("sk-", 27),
                ("sk-", 38),
                ("sk-ant", 27),
                ("x-instantly-api", 3),
            ])
        );
    }
}
