//! Escapes undone: percent, backslash, quoted-printable, HTML, and strings put together.

use crate::engine::Via;

/// What shows that text near it is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    Percent,
    Escapes,
    QuotedPrintable,
    Html,
    Joined,
}

/// Text decoded, and where each byte of it came from.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) text: Vec<u8>,
    /// For each byte where it began in the encoded text; one more for the end.
    pub(crate) from: Vec<usize>,
}

impl Decoded {
    /// The encoded text of a range.
    pub(crate) fn source(&self, range: &std::ops::Range<usize>) -> std::ops::Range<usize> {
        let at = |n: usize| {
            let last = self.from.last().copied().unwrap_or(0);
            self.from.get(n).copied().unwrap_or(last)
        };
        at(range.start)..at(range.end)
    }

    fn push(&mut self, byte: u8, from: usize) {
        self.text.push(byte);
        self.from.push(from);
    }
}

impl Mark {
    /// How many kinds there are.
    pub(crate) const KINDS: usize = 5;

    /// Each kind, in order.
    pub(crate) const EACH: [Self; Self::KINDS] = [
        Self::Percent,
        Self::Escapes,
        Self::QuotedPrintable,
        Self::Html,
        Self::Joined,
    ];

    /// What is searched for; [`Mark::is_at`] looks closer.
    pub(crate) fn all() -> &'static [(&'static str, Self)] {
        &[
            ("%2", Self::Percent),
            ("%3", Self::Percent),
            ("%4", Self::Percent),
            ("%5", Self::Percent),
            ("%6", Self::Percent),
            ("%7", Self::Percent),
            ("\\u00", Self::Escapes),
            ("\\x", Self::Escapes),
            ("=3d", Self::QuotedPrintable),
            ("=\n", Self::QuotedPrintable),
            ("=\r\n", Self::QuotedPrintable),
            ("&#", Self::Html),
            ("&quot;", Self::Html),
            ("&amp;", Self::Html),
            ("\" + \"", Self::Joined),
            ("' + '", Self::Joined),
            ("\"+\"", Self::Joined),
            ("'+'", Self::Joined),
            ("\" . \"", Self::Joined),
            ("' . '", Self::Joined),
            ("\" \"", Self::Joined),
            ("' '", Self::Joined),
        ]
    }

    pub(crate) const fn via(self) -> Via {
        match self {
            Self::Percent => Via::Percent,
            Self::Escapes => Via::Escapes,
            Self::QuotedPrintable => Via::QuotedPrintable,
            Self::Html => Via::Html,
            Self::Joined => Via::Joined,
        }
    }

    /// Whether it is one, and not only its first characters.
    pub(crate) fn is_at(self, text: &[u8], at: usize) -> bool {
        let rest = text.get(at..).unwrap_or_default();
        unit(self, rest).is_some()
    }
}

/// Decodes all of a text.
pub(crate) fn decode(mark: Mark, text: &[u8]) -> Decoded {
    let mut decoded = Decoded::default();
    decoded.text.reserve(text.len());
    decoded.from.reserve(text.len() + 1);
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match unit(mark, text.get(at..).unwrap_or_default()) {
            Some((value, length)) => {
                if let Some(value) = value {
                    decoded.push(value, at);
                }
                at += length;
            }
            None => {
                decoded.push(*byte, at);
                at += 1;
            }
        }
    }
    decoded.from.push(text.len());
    decoded
}

/// The escape that the text begins with: what it stands for, `None` for nothing, and its length. What
/// is not of ASCII stands for `?`: no secret that is looked for has it.
fn unit(mark: Mark, text: &[u8]) -> Option<(Option<u8>, usize)> {
    match mark {
        Mark::Percent => match *text {
            [b'%', a, b, ..] => Some((Some(ascii(hex(&[a, b])?)), 3)),
            _ => None,
        },
        Mark::Escapes => backslash(text),
        Mark::QuotedPrintable => match *text {
            [b'=', b'\r', b'\n', ..] => Some((None, 3)),
            [b'=', b'\n', ..] => Some((None, 2)),
            [b'=', a, b, ..] if !a.is_ascii_lowercase() && !b.is_ascii_lowercase() => {
                Some((Some(ascii(hex(&[a, b])?)), 3))
            }
            _ => None,
        },
        Mark::Html => html(text),
        Mark::Joined => joined(text).map(|length| (None, length)),
    }
}

fn backslash(text: &[u8]) -> Option<(Option<u8>, usize)> {
    let [b'\\', kind, rest @ ..] = text else {
        return None;
    };
    Some(match kind {
        b'u' => {
            let digits = rest.get(..4)?;
            (Some(ascii(hex(digits)?)), 6)
        }
        b'x' => (Some(ascii(hex(rest.get(..2)?)?)), 4),
        b'n' => (Some(b'\n'), 2),
        b'r' => (Some(b'\r'), 2),
        b't' => (Some(b'\t'), 2),
        b'"' | b'\'' | b'\\' | b'/' | b'`' => (Some(*kind), 2),
        // A line that goes on.
        b'\n' => (None, 2),
        _ => return None,
    })
}

fn html(text: &[u8]) -> Option<(Option<u8>, usize)> {
    const NAMED: [(&[u8], u8); 7] = [
        (b"&quot;", b'"'),
        (b"&amp;", b'&'),
        (b"&lt;", b'<'),
        (b"&gt;", b'>'),
        (b"&apos;", b'\''),
        (b"&equals;", b'='),
        (b"&nbsp;", b' '),
    ];
    if let Some((name, value)) = NAMED.iter().find(|(name, _)| text.starts_with(name)) {
        return Some((Some(*value), name.len()));
    }
    let rest = text.strip_prefix(b"&#")?;
    let end = rest.iter().take(8).position(|byte| *byte == b';')?;
    let digits = rest.get(..end)?;
    let value = match digits {
        [b'x' | b'X', digits @ ..] => hex(digits)?,
        _ => {
            let digits = std::str::from_utf8(digits).ok()?;
            digits.parse().ok()?
        }
    };
    Some((Some(ascii(value)), end + 3))
}

/// A string that ends and another that begins: `" + "`.
fn joined(text: &[u8]) -> Option<usize> {
    let (quote, rest) = text.split_first()?;
    if !matches!(quote, b'"' | b'\'') {
        return None;
    }
    let spaces = |from: usize| {
        let rest = rest.get(from..).unwrap_or_default();
        let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        rest.iter().take(40).take_while(blank).count()
    };
    let mut at = spaces(0);
    let operator = rest.get(at).is_some_and(|byte| matches!(byte, b'+' | b'.'));
    if operator {
        at += 1;
        at += spaces(at);
    }
    // Two quotes side by side are an empty string.
    let apart = operator || at > 0;
    (apart && rest.get(at) == Some(quote)).then_some(at + 2)
}

fn hex(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn ascii(value: u32) -> u8 {
    u8::try_from(value)
        .ok()
        .filter(u8::is_ascii)
        .unwrap_or(b'?')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_encoding_is_undone() {
        for (mark, encoded, text) in [
            (Mark::Percent, "a%3D%3d%2Fb%zz%4", "a==/b%zz%4"),
            (
                Mark::Escapes,
                r#"\u0067\x68\np_\"\/\\\q\u00e9"#,
                "gh\np_\"/\\\\q?",
            ),
            (Mark::QuotedPrintable, "ab=\r\ncd=3D=\nx", "abcd=x"),
            (
                Mark::Html,
                "&quot;a&#61;&#x3D;&amp;&zz;&#9999999;",
                "\"a==&&zz;?",
            ),
            (
                Mark::Joined,
                r#""ab" + "cd" "ef"+"gh", 'i' . 'j'"#,
                r#""abcdefgh", 'ij'"#,
            ),
        ] {
            let decoded = decode(mark, encoded.as_bytes());
            assert_eq!(String::from_utf8_lossy(&decoded.text), text, "{mark:?}");
        }
    }

    proptest! {
        #[test]
        fn each_byte_knows_where_it_came_from(text in r#"[a-c%=\\&#;xu0-9"+' \n]{0,60}"#) {
            for mark in Mark::EACH {
                let decoded = decode(mark, text.as_bytes());
                prop_assert_eq!(decoded.from.len(), decoded.text.len() + 1);
                prop_assert!(decoded.from.is_sorted());
                for (n, byte) in decoded.text.iter().enumerate() {
                    let source = decoded.source(&(n..n + 1));
                    prop_assert!(!source.is_empty());
                    let one = text.as_bytes()[source.start];
                    prop_assert!(one == *byte || b"%\\=&\"'".contains(&one));
                }
            }
        }
    }
}
