//! Looking into a canonical document.

use super::text;

/// A value within a canonical document, in its spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node<'a>(&'a [u8]);

/// An object of a canonical document: pairs of name and value, in the order of the names.
#[derive(Debug, Clone, Copy)]
pub struct Object<'a> {
    /// What comes after the brace, or after the last comma.
    rest: &'a [u8],
}

impl<'a> Node<'a> {
    /// Its bytes: JSON in UTF-8.
    pub const fn bytes(self) -> &'a [u8] {
        self.0
    }

    /// What it says, when it is a string; half of a UTF-16 pair becomes U+FFFD.
    pub fn text(self) -> Option<String> {
        text::read(self.0)
    }

    /// Its text as it was sent, when it is a number.
    pub fn number(self) -> Option<&'a str> {
        let digit = matches!(self.0.first(), Some(b'-' | b'0'..=b'9'));
        str::from_utf8(self.0).ok().filter(|_| digit)
    }

    /// Its members, when it is an object.
    pub fn object(self) -> Option<Object<'a>> {
        Object::of(self.0)
    }
}

impl<'a> Object<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(b"{")?.strip_suffix(b"}")?;
        Some(Self { rest })
    }

    /// The value of a name. The name has nothing in it that a string must escape.
    pub fn get(self, name: &str) -> Option<Node<'a>> {
        self.into_iter()
            .find(|(known, _)| *known == name.as_bytes())
            .map(|(_, value)| value)
    }
}

/// Names come as they are spelled, without their quotation marks.
impl<'a> Iterator for Object<'a> {
    type Item = (&'a [u8], Node<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let (name, rest) = self.rest.split_at_checked(string(self.rest)?)?;
        let value = rest.strip_prefix(b":")?;
        let (value, rest) = value.split_at_checked(length(value)?)?;
        self.rest = rest.strip_prefix(b",").unwrap_or(rest);
        let name = name.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        Some((name, Node(value)))
    }
}

/// The length of the string at the beginning, with its marks.
fn string(bytes: &[u8]) -> Option<usize> {
    bytes.strip_prefix(b"\"")?;
    let mut at = 1;
    loop {
        let rest = bytes.get(at..)?;
        let own = text::plain(rest);
        match rest.get(own)? {
            b'"' => return Some(at + own + 1),
            b'\\' => at += own + 2,
            _ => return None,
        }
    }
}

/// The length of the value at the beginning.
fn length(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'"' => return string(bytes),
        b'{' | b'[' => {}
        _ => {
            let end = bytes
                .iter()
                .position(|byte| matches!(byte, b',' | b'}' | b']'));
            return Some(end.unwrap_or(bytes.len()));
        }
    }
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        match bytes.get(at)? {
            b'"' => {
                at += string(bytes.get(at..)?)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}
