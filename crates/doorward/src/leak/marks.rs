//! Texts within Markdown that somebody else may have written: whoever holds the key chooses addresses,
//! names and ids.

/// A text within a line or a table: no markup of any kind, no link, one line.
pub(super) fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = one_line(text).peekable();
    let mut first = true;
    while let Some(c) = rest.next() {
        let marks = matches!(
            c,
            '\\' | '`'
                | '*'
                | '_'
                | '{'
                | '}'
                | '['
                | ']'
                | '<'
                | '>'
                | '#'
                | '|'
                | '~'
                | '&'
                | '!'
                | '@'
        );
        // At the start of a line these make lists; within one they are in every id and time.
        let starts = first && matches!(c, '-' | '+' | '=');
        // Addresses of the web are links without being asked to.
        let links = c == ':' && rest.peek() == Some(&'/');
        let links = links || (c == '.' && out.to_ascii_lowercase().ends_with("www"));
        if marks || starts || links {
            out.push('\\');
        }
        out.push(c);
        first = false;
    }
    out
}

/// A text that is shown as it is, in a code span.
pub(super) fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('`');
    for c in one_line(text) {
        match c {
            // Nothing can be escaped in there but a table's bar.
            '`' => out.push('\''),
            '|' => out.push_str("\\|"),
            c => out.push(c),
        }
    }
    out.push('`');
    out
}

/// Doorward's own text: it may have code spans.
pub(super) fn prose(text: &str) -> String {
    let mut parts = text.split('`');
    let mut out = parts.next().map(cell).unwrap_or_default();
    let mut inside = true;
    for part in parts {
        match inside {
            true => out.push_str(&code(part)),
            false => out.push_str(&cell(part)),
        }
        inside = !inside;
    }
    out
}

/// The characters that are seen, in one line.
fn one_line(text: &str) -> impl Iterator<Item = char> + '_ {
    let seen = text.chars().filter(|c| !is_format(*c));
    seen.map(|c| match c {
        '\u{2028}' | '\u{2029}' => ' ',
        c if c.is_control() => ' ',
        c => c,
    })
}

/// Whether a character has no shape of its own and changes how others are shown (Unicode's category
/// Cf): with them a text can be shown in another order than it has.
fn is_format(c: char) -> bool {
    matches!(
        u32::from(c),
        0xAD | 0x600..=0x605
            | 0x61C
            | 0x6DD
            | 0x70F
            | 0x890..=0x891
            | 0x8E2
            | 0x180E
            | 0x200B..=0x200F
            | 0x202A..=0x202E
            | 0x2060..=0x206F
            | 0xFEFF
            | 0xFFF9..=0xFFFB
            | 0x110BD
            | 0x110CD
            | 0x13430..=0x1343F
            | 0x1BCA0..=0x1BCA3
            | 0x1D173..=0x1D17A
            | 0xE0001
            | 0xE0020..=0xE007F
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_writes_no_markdown() {
        assert_eq!(cell("a|b\nc"), "a\\|b c");
        assert_eq!(
            cell("![x](https://evil.example)<script>"),
            "\\!\\[x\\](https\\://evil.example)\\<script\\>"
        );
        assert_eq!(cell("*a* _b_ `c` &lt;"), "\\*a\\* \\_b\\_ \\`c\\` \\&lt;");
        assert_eq!(cell("WWW.evil.example - x"), "WWW\\.evil.example - x");
        assert_eq!(cell("- a"), "\\- a");
        // Shown from right to left it would read another way.
        assert_eq!(cell("a\u{202e}b\u{200b}c\u{2066}d\u{feff}"), "abcd");
        assert_eq!(code("a`b|c\u{202e}\n"), "`a'b\\|c `");
        assert_eq!(code(""), "");
    }

    #[test]
    fn our_own_commands_are_shown_as_such() {
        assert_eq!(
            prose("run `doorward x|y` again *"),
            "run `doorward x\\|y` again \\*"
        );
    }
}
