//! The text form as lines, an outline of them, and words.

use serde_json::{Number, Value};
use thiserror::Error;

/// How deep the outline may go.
const MAX_DEPTH: usize = 24;

/// A fault in the text of the shapes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{file}:{line}: {message}")]
pub struct TextError {
    /// The file's name.
    pub file: Box<str>,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: Box<str>,
}

/// Where a line is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) file: &'a str,
    pub(super) line: usize,
}

impl Place<'_> {
    pub(super) fn error(self, message: impl Into<Box<str>>) -> TextError {
        TextError {
            file: self.file.into(),
            line: self.line,
            message: message.into(),
        }
    }
}

/// A line and the lines indented below it.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) place: Place<'a>,
    pub(super) text: &'a str,
    pub(super) children: Vec<Node<'a>>,
}

/// Reads a file into an outline: two spaces a step, `#` starts a comment line.
pub(super) fn outline<'a>(file: &'a str, text: &'a str) -> Result<Vec<Node<'a>>, TextError> {
    // The innermost node of each depth that is still open.
    let mut open: Vec<Vec<Node<'a>>> = vec![Vec::new()];
    for (index, line) in text.lines().enumerate() {
        let place = Place {
            file,
            line: index + 1,
        };
        let content = line.trim_start_matches(' ');
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        if content.starts_with(char::is_whitespace) || content.ends_with(char::is_whitespace) {
            return Err(place.error("only spaces indent, and no line ends in one"));
        }
        let indent = line.len() - content.len();
        let depth = indent / 2;
        if !indent.is_multiple_of(2) || depth >= MAX_DEPTH {
            return Err(place.error(format!(
                "indented by {indent}: a step is 2, up to {MAX_DEPTH}"
            )));
        }
        close(&mut open, depth + 1);
        if open.len() <= depth {
            let parent_is_there = open.last().is_some_and(|siblings| !siblings.is_empty());
            if open.len() < depth || !parent_is_there {
                return Err(place.error("nothing above it to belong to"));
            }
            open.push(Vec::new());
        }
        if let Some(siblings) = open.last_mut() {
            siblings.push(Node {
                place,
                text: content,
                children: Vec::new(),
            });
        }
    }
    close(&mut open, 1);
    Ok(open.pop().unwrap_or_default())
}

/// Hands the nodes of every depth beyond `keep` to their parents.
fn close<'a>(open: &mut Vec<Vec<Node<'a>>>, keep: usize) {
    while open.len() > keep {
        let children = open.pop().unwrap_or_default();
        if let Some(parent) = open.last_mut().and_then(|siblings| siblings.last_mut()) {
            parent.children = children;
        }
    }
}

/// A word of a line.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'a> {
    /// Bare.
    Word(&'a str),
    /// JSON: a quoted string or a bracketed list.
    Json(Value),
    /// `(`
    Open,
    /// `)`
    Close,
    /// `|`
    Bar,
}

/// The words of a line, read from the front.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    place: Place<'a>,
    rest: std::iter::Peekable<std::vec::IntoIter<Token<'a>>>,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(place: Place<'a>, text: &'a str) -> Result<Tokens<'a>, TextError> {
        let mut found = Vec::new();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let (token, after) = match first {
                '(' => (Token::Open, rest.strip_prefix('(').unwrap_or_default()),
                ')' => (Token::Close, rest.strip_prefix(')').unwrap_or_default()),
                '|' => (Token::Bar, rest.strip_prefix('|').unwrap_or_default()),
                '"' | '[' => {
                    let (value, after) = json(place, rest)?;
                    (Token::Json(value), after)
                }
                _ => {
                    let stop = |c: char| c.is_whitespace() || matches!(c, '(' | ')' | '|' | '"');
                    let (word, after) = rest.split_at(rest.find(stop).unwrap_or(rest.len()));
                    (Token::Word(word), after)
                }
            };
            found.push(token);
            rest = after.trim_start();
        }
        Ok(Tokens {
            place,
            rest: found.into_iter().peekable(),
        })
    }

    pub(super) fn peek(&mut self) -> Option<&Token<'a>> {
        self.rest.peek()
    }

    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        self.rest.next()
    }

    /// The next word, which must be a bare one.
    pub(super) fn word(&mut self, what: &str) -> Result<&'a str, TextError> {
        match self.rest.next() {
            Some(Token::Word(word)) => Ok(word),
            _ => Err(self.place.error(format!("{what} expected"))),
        }
    }

    /// The next word as a JSON value: quoted, a number, `true`, `false`, `null`, a list, or a bare
    /// word for a string.
    pub(super) fn value(&mut self) -> Result<Value, TextError> {
        match self.rest.next() {
            Some(Token::Json(value)) => Ok(value),
            Some(Token::Word(word)) => bare(self.place, word),
            _ => Err(self.place.error("a value expected")),
        }
    }
}

/// A bare word as a value.
fn bare(place: Place<'_>, word: &str) -> Result<Value, TextError> {
    match word {
        "true" => Ok(Value::Bool(true)),
        "false" => Ok(Value::Bool(false)),
        "null" => Ok(Value::Null),
        _ if word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') => Ok(word.into()),
        _ => match serde_json::from_str::<Number>(word) {
            Ok(number) => Ok(Value::Number(number)),
            Err(_) => Err(place.error(format!("`{word}` is no number; a string is quoted"))),
        },
    }
}

/// One JSON value from the front of the text, and what follows it.
pub(super) fn json<'a>(place: Place<'_>, text: &'a str) -> Result<(Value, &'a str), TextError> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    match values.next() {
        Some(Ok(value)) => {
            let after = text.get(values.byte_offset()..).unwrap_or_default();
            Ok((value, after))
        }
        _ => Err(place.error("a quoted string or a list is broken")),
    }
}
