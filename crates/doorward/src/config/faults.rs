//! Everything that is wrong with a configuration.

use std::fmt::Write;
use std::ops::Range;

/// Most faults told; whoever has more has the wrong file.
const MOST: usize = 50;

/// Faults, each with its line and column (from 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Faults(Vec<Fault>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Fault {
    line: usize,
    column: usize,
    why: String,
}

impl Faults {
    /// No fault yet.
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    /// A single fault, at the first place of a name.
    pub(super) fn one(text: &str, name: &str, why: &str) -> Self {
        let at = text.find(name).unwrap_or_default();
        let mut faults = Self::none();
        faults.add(text, at..at, format!("{name}: {why}"));
        faults
    }

    /// Adds a fault at a span of the text.
    pub(super) fn add(&mut self, text: &str, span: Range<usize>, why: String) {
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        self.0.push(Fault { line, column, why });
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The faults for people, in the order of their lines.
    pub(crate) fn told(&self, file: &str) -> String {
        let mut faults = self.0.clone();
        faults.sort();
        let mut text = match faults.len() {
            1 => "the configuration has a fault:".to_owned(),
            count => format!("the configuration has {count} faults:"),
        };
        for Fault { line, column, why } in faults.iter().take(MOST) {
            let _ = write!(text, "\n  {file}:{line}:{column}: {why}");
        }
        if faults.len() > MOST {
            text.push_str("\n  and more");
        }
        text
    }
}
