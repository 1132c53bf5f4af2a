//! What stands in a value's place.

use ring::hmac;

use super::rules::Action;
use crate::scrub::MARKER;

/// A string's text, or a number's, redacted. `None` is `null`.
pub(super) fn cover(
    text: &str,
    is_string: bool,
    action: Action,
    key: &hmac::Key,
) -> Option<String> {
    match action {
        Action::Hash => {
            let digest = hmac::sign(key, text.as_bytes());
            let half = digest.as_ref().iter().take(16);
            Some(half.map(|byte| format!("{byte:02x}")).collect())
        }
        Action::Mask if is_string => Some(mask(text)),
        Action::Blank => Some(MARKER.to_owned()),
        Action::Mask | Action::Drop => None,
    }
}

/// `ann@example.com` as `a***@example.com`, in lists and beside names too; of any other text the
/// first character.
fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 4);
    if !text.contains('@') {
        // One of two or three would be most of it.
        if text.chars().nth(3).is_some() {
            out.extend(text.chars().next());
        }
        out.push_str("***");
        return out;
    }
    let is_between =
        |c: char| matches!(c, ',' | ';' | '<' | '>' | '(' | ')' | '"' | '\'') || c.is_whitespace();
    for word in text.split_inclusive(is_between) {
        let bare = word.trim_end_matches(is_between);
        if !bare.is_empty() {
            out.extend(bare.chars().next().filter(|first| *first != '@'));
            out.push_str("***");
            // An address may hold more than one `@` only before its domain.
            if let Some((_, domain)) = bare.rsplit_once('@') {
                out.push('@');
                out.push_str(domain);
            }
        }
        out.push_str(word.get(bare.len()..).unwrap_or(""));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks() {
        for (text, masked) in [
            ("ann@example.com", "a***@example.com"),
            (
                "Ann Lee <ann@example.com>, b@x.org",
                "A*** L*** <a***@example.com>, b***@x.org",
            ),
            ("Annabel", "A***"),
            ("Ann", "***"),
            ("", "***"),
            ("@x", "***@x"),
            ("a@b@c.d", "a***@c.d"),
            ("é@ü.de", "é***@ü.de"),
        ] {
            assert_eq!(mask(text), masked);
        }
    }
}
