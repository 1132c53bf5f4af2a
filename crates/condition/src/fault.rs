//! What is wrong with the text of a policy, and where.

use std::fmt;

use miette::Diagnostic;
use serde::{Deserialize, Serialize};

/// Most characters of a source line that are shown.
const LINE_MAX: usize = 160;

/// A fault in the text of a policy. `Display` is the whole of it: what is wrong, where, the source
/// line with a caret, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyFault {
    /// What is wrong.
    pub message: String,
    /// What would be right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Where; none if it is no matter of a place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<At>,
}

/// A place in a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct At {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// How many characters of the line are meant.
    pub width: usize,
    /// The line, or the part of a long one that is meant.
    pub source: String,
}

impl PolicyFault {
    /// A fault of the text as a whole.
    pub(crate) fn whole(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            help: Some(help.into()),
            at: None,
        }
    }

    /// A fault at some bytes of the text.
    pub(crate) fn at(
        message: impl Into<String>,
        help: impl Into<String>,
        text: &str,
        offset: usize,
        length: usize,
    ) -> Self {
        Self {
            at: At::of(text, offset, length),
            ..Self::whole(message, help)
        }
    }

    /// What Cedar found.
    pub(crate) fn of(found: &dyn Diagnostic, text: &str) -> Self {
        let label = found.labels().and_then(|mut labels| labels.next());
        let noted = label.as_ref().and_then(|label| label.label());
        let mut help: Vec<String> = noted.map(str::to_owned).into_iter().collect();
        help.extend(found.help().map(|help| help.to_string()));
        // Cedar names the policy by its place in the file, which the place shown says better.
        let message = found.to_string();
        let message = match message.strip_prefix("for policy `") {
            Some(rest) => rest
                .split_once("`, ")
                .map_or(message.as_str(), |(_, rest)| rest),
            None => &message,
        };
        Self {
            message: message.to_owned(),
            help: (!help.is_empty()).then(|| help.join("; ")),
            at: label.and_then(|label| At::of(text, label.offset(), label.len())),
        }
    }
}

impl At {
    fn of(text: &str, offset: usize, length: usize) -> Option<Self> {
        // Where a text ends too early, the place is behind its end.
        let mut offset = offset.min(text.trim_end().len());
        while !text.is_char_boundary(offset) {
            offset = offset.checked_sub(1)?;
        }
        let before = text.get(..offset)?;
        let begins = before.rfind('\n').map_or(0, |at| at + 1);
        let line = text.get(begins..)?.lines().next().unwrap_or_default();
        let column = text.get(begins..offset)?.chars().count();
        let meant = text
            .get(offset..)?
            .char_indices()
            .take_while(|(n, c)| *n < length && *c != '\n')
            .count();
        let skipped = column.saturating_sub(LINE_MAX / 2);
        Some(Self {
            line: before.matches('\n').count() + 1,
            column: column + 1,
            width: meant.max(1),
            source: line
                .chars()
                .skip(skipped)
                .take(LINE_MAX)
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect(),
        })
    }
}

impl fmt::Display for PolicyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = &self.at {
            write!(f, "{}:{}: ", at.line, at.column)?;
        }
        f.write_str(&self.message)?;
        if let Some(at) = &self.at {
            let number = at.line.to_string();
            let margin = " ".repeat(number.len());
            let before = (at.column - 1).min(LINE_MAX / 2);
            let room = at.source.chars().count().saturating_sub(before).max(1);
            let carets = "^".repeat(at.width.min(room));
            let pad = " ".repeat(before);
            write!(
                f,
                "\n{margin} |\n{number} | {}\n{margin} | {pad}{carets}",
                at.source
            )?;
        }
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}
