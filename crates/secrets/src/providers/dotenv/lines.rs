//! The text of a `.env` file: `NAME=value` lines, and nothing put in for `$NAME`.
//!
//! Libraries differ in what a value without quotes, a backslash or a `$` stands for. What they differ
//! in is refused for the name that is wanted, and passed over for others.

use zeroize::Zeroizing;

/// Why the text gives no value. It never repeats a line.
pub(super) const NO_LINE: &str = "a line of the file is not NAME=value";
const UNCLOSED: &str = "a quote in the file is not closed";
const AFTER_QUOTE: &str = "after a closing quote only a comment may follow";
const BARE: &str = "a value with spaces, quotes or backslashes stands in quotes: NAME='value'";
const DOLLAR: &str =
    "nothing is put in for $NAME; a value with a $ stands in single quotes: NAME='value'";
const ESCAPE: &str = "a backslash in double quotes goes before one of n r t \\ \" $ alone";

/// A value, wiped when it is dropped, or why it is none.
pub(super) type Value = Result<Zeroizing<String>, &'static str>;

/// Every name with its value, in order.
///
/// # Errors
/// When it can't be told where the lines begin and end.
pub(super) fn lines(text: &str) -> Result<Vec<(&str, Value)>, &'static str> {
    let mut all = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Ok(all);
        }
        if rest.starts_with('#') {
            rest = split_line(rest).1;
            continue;
        }
        let (line, _) = split_line(rest);
        let (head, _) = line.split_once('=').ok_or(NO_LINE)?;
        let after = rest.get(head.len() + 1..).unwrap_or_default();
        let name = head.trim_end();
        let name = match name.strip_prefix("export") {
            Some(name) if name.starts_with([' ', '\t']) => name.trim_start(),
            _ => name,
        };
        if !is_name(name) {
            return Err(NO_LINE);
        }
        let after = after.trim_start_matches([' ', '\t']);
        let (value, after) = match after.chars().next() {
            Some(quote @ ('\'' | '"')) => quoted(after.get(1..).unwrap_or_default(), quote)?,
            _ => {
                let (line, after) = split_line(after);
                (bare(line), after)
            }
        };
        all.push((name, value));
        rest = after;
    }
}

/// The first line without its end, and what follows it.
fn split_line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
}

/// A value without quotes: up to a comment, which stands behind a space.
fn bare(line: &str) -> Value {
    let comment = match line.starts_with('#') {
        true => Some(0),
        false => line.find(" #").or_else(|| line.find("\t#")),
    };
    let value = line.get(..comment.unwrap_or(line.len()));
    let value = value.unwrap_or_default().trim_end();
    if value.contains('$') {
        return Err(DOLLAR);
    }
    if value.contains(|c: char| c.is_whitespace() || c.is_control() || "'\"`\\".contains(c)) {
        return Err(BARE);
    }
    Ok(Zeroizing::new(value.to_owned()))
}

/// A value in quotes, whose first is passed; and what follows its line. It may have several lines.
fn quoted(text: &str, quote: char) -> Result<(Value, &str), &'static str> {
    // No longer than the text it is taken from: nothing is left behind by growing.
    let mut value = Zeroizing::new(String::with_capacity(text.len()));
    let mut fault = None;
    let mut chars = text.char_indices();
    let end = loop {
        let (at, c) = chars.next().ok_or(UNCLOSED)?;
        match c {
            _ if c == quote => break at,
            '\\' if quote == '"' => match chars.next().ok_or(UNCLOSED)?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                c @ ('\\' | '"' | '$') => value.push(c),
                _ => fault = Some(ESCAPE),
            },
            '$' if quote == '"' => fault = Some(DOLLAR),
            '\0' => fault = Some(NO_LINE),
            c => value.push(c),
        }
    };
    let (line, rest) = split_line(text.get(end + 1..).unwrap_or_default());
    let line = line.trim();
    if !(line.is_empty() || line.starts_with('#')) {
        return Err(AFTER_QUOTE);
    }
    Ok((fault.map_or(Ok(value), Err), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(text: &str) -> Result<String, &'static str> {
        let all = lines(text)?;
        let (_, value) = all.into_iter().find(|(name, _)| *name == "A").unwrap();
        value.map(|value| value.as_str().to_owned())
    }

    #[test]
    fn values_are_taken_as_they_stand() {
        for (text, value) in [
            ("A=b", "b"),
            ("A = b \r\n", "b"),
            ("export A=b#c # d", "b#c"),
            ("A=# none", ""),
            ("A='$HOME \\n \"x\"' # why", "$HOME \\n \"x\""),
            ("A=\"\\$HOME \\\"x\\\"\\n\"", "$HOME \"x\"\n"),
            ("B=$X y 'z\nA=\"two\nlines\"\nC=d", "two\nlines"),
            ("A=abc==", "abc=="),
        ] {
            assert_eq!(one(text).as_deref(), Ok(value), "{text:?}");
        }
        for (text, why) in [
            ("A=$HOME", DOLLAR),
            ("A=\"${HOME}\"", DOLLAR),
            ("A=b c", BARE),
            ("A=b'c'", BARE),
            ("A=\"b\\x\"", ESCAPE),
            ("A='b", UNCLOSED),
            ("A='b'c", AFTER_QUOTE),
            ("A=b\nc", NO_LINE),
            ("1A=b", NO_LINE),
            ("=b", NO_LINE),
        ] {
            assert_eq!(one(text), Err(why), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_or_refused(text in "([A\\$ '\"\\\\=#\n\rbé]|\\PC){0,60}") {
            let _ = lines(&text);
        }

        #[test]
        fn what_is_in_single_quotes_comes_back(value in "[^'\u{0}]{0,40}") {
            prop_assert_eq!(one(&format!("B=x\nA='{value}'\nC=y")), Ok(value));
        }
    }
}
