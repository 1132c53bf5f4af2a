//! Everything that is wrong with a manifest.

use std::fmt;
use std::ops::Range;

/// Most faults that are told; whoever has more has the wrong file.
const MOST: usize = 100;

/// Something that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
    /// What is wrong.
    pub why: String,
    /// What to do.
    pub help: String,
}

impl Fault {
    /// A fault at a span of a file's text.
    pub(super) fn at(file: &str, text: &str, span: Range<usize>, why: &str, help: &str) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let last = before.rsplit('\n').next().unwrap_or_default();
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: last.chars().count() + 1,
            why: why.to_owned(),
            help: help.to_owned(),
        }
    }

    /// Where it is, like `workspace.toml:3:1`.
    pub fn place(&self) -> String {
        format!("{}:{}:{}", self.file, self.line, self.column)
    }
}

/// All faults, in the order of their places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.len() {
            1 => f.write_str("the manifest has a fault:")?,
            count => write!(f, "the manifest has {count} faults:")?,
        }
        for fault in self.0.iter().take(MOST) {
            write!(f, "\n  {}: {}", fault.place(), fault.why)?;
            if !fault.help.is_empty() {
                write!(f, "\n      help: {}", fault.help)?;
            }
        }
        if self.0.len() > MOST {
            f.write_str("\n  and more")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
