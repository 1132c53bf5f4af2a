//! Lists of values as people keep them: a value a line, or the first column of a CSV file such as
//! Instantly's own download.

use std::collections::BTreeSet;

use super::value::{BlockFault, BlockValue};

/// Most faults that are kept; whoever has more has the wrong file.
const FAULTS_MAX: usize = 1_000;
/// What a first line says that names its columns.
const HEADINGS: [&str; 8] = [
    "blocked email",
    "bl_value",
    "domain",
    "domains",
    "email",
    "emails",
    "address",
    "value",
];

/// What a list came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlockLines {
    /// Its values, each once, in order.
    pub values: BTreeSet<BlockValue>,
    /// How many lines say what another has said.
    pub repeated: usize,
    /// Lines that are no value; the first thousand.
    pub faults: Vec<LineFault>,
    /// How many lines are none.
    pub faulty: usize,
}

/// A line that is no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFault {
    /// Its number, from 1.
    pub line: usize,
    /// Why.
    pub why: BlockFault,
}

/// Reads a list. Empty lines and what follows a `#` are left out.
pub fn read_lines(text: &str) -> BlockLines {
    let mut read = BlockLines::default();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, line) in (1..).zip(text.lines()) {
        let written = first_column(without_comment(line));
        let heading = number == 1 && HEADINGS.contains(&written.to_ascii_lowercase().as_str());
        if written.is_empty() || heading {
            continue;
        }
        match BlockValue::parse(written) {
            Ok(value) => {
                if !read.values.insert(value) {
                    read.repeated += 1;
                }
            }
            Err(why) => {
                read.faulty += 1;
                if read.faults.len() < FAULTS_MAX {
                    read.faults.push(LineFault { line: number, why });
                }
            }
        }
    }
    read
}

/// The line up to a `#` that stands at its begin or behind a space: mailboxes may have one.
fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with('#') {
        return "";
    }
    let at = line.find(" #").or_else(|| line.find("\t#"));
    at.and_then(|at| line.get(..at)).unwrap_or(line)
}

fn first_column(line: &str) -> &str {
    let (first, _) = line.split_once([',', ';', '\t']).unwrap_or((line, ""));
    first.trim().trim_matches('"').trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(read: &BlockLines) -> Vec<&str> {
        read.values.iter().map(BlockValue::as_str).collect()
    }

    #[test]
    fn lines_comments_and_columns_are_read_and_each_value_is_kept_once() {
        let read = read_lines(
            "\u{feff}# competitors\nrival.com\n\n  Rival.com  # again\nann@rival.com\r\n#x@y.z\n",
        );
        assert_eq!(values(&read), ["ann@rival.com", "rival.com"]);
        assert_eq!((read.repeated, read.faulty), (1, 0));
        let download = "Blocked Email,Date\r\na.example,2026-01-01\r\n\"b.example\",x\r\n";
        assert_eq!(values(&read_lines(download)), ["a.example", "b.example"]);
        let odd = read_lines("a#b@x.example");
        assert_eq!(values(&odd), ["a#b@x.example"]);
    }

    #[test]
    fn all_faults_are_told_by_their_lines() {
        let read = read_lines("rival.com\ncom\n\nhttps://x.com\n");
        let faults: Vec<_> = read.faults.iter().map(|one| (one.line, one.why)).collect();
        assert_eq!(faults, [(2, BlockFault::NoDot), (4, BlockFault::Url)]);
        let many = read_lines(&"com\n".repeat(FAULTS_MAX + 5));
        assert_eq!(
            (many.faults.len(), many.faulty),
            (FAULTS_MAX, FAULTS_MAX + 5)
        );
    }
}
