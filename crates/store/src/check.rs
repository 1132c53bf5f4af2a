//! Checks on what is stored, so that what comes out is as clean as what went in.

use doorward_catalog::UpstreamKeyFormat;
use doorward_keys::ClientKey;

use crate::error::{Result, StoreError};

/// Most characters in a name.
const NAME_MAX: usize = 64;
/// Most characters in a line of text: an owner, a purpose.
const TEXT_MAX: usize = 200;
/// Most characters in a reference or a URL.
pub(crate) const REFERENCE_MAX: usize = 1_024;

/// Checks a name of a workspace, an upstream key or a client: 1 to 64 of `a-z`, `0-9`, `-`, `_`
/// and `.`, a letter or digit first, so that no name is an option or a path, and none that looks
/// like an id of Doorward's.
///
/// `of` says whose name it is, for the error: "the workspace".
///
/// # Errors
/// [`StoreError::Field`], with what would be right.
pub fn check_name(of: &str, name: &str) -> Result<()> {
    let allowed = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.')
    };
    let fault = match name.as_bytes() {
        [] => "is empty; give 1 to 64 characters of a-z, 0-9, '-', '_' and '.'",
        bytes if bytes.len() > NAME_MAX => "is longer than 64 characters",
        bytes if !bytes.iter().copied().all(allowed) => {
            "has other characters than a-z, 0-9, '-', '_' and '.'"
        }
        [b'-' | b'_' | b'.', ..] => "must start with a letter or a digit",
        _ if is_own_id(name) => "looks like an id; choose another",
        _ => return Ok(()),
    };
    Err(StoreError::Field {
        field: format!("the name of {of}"),
        fault,
    })
}

/// Checks a line of text that people read: bounded, no control characters, no key. May be empty.
pub(crate) fn check_text(field: &str, text: &str) -> Result<()> {
    let fault = if text.chars().count() > TEXT_MAX {
        "is longer than 200 characters"
    } else if text.chars().any(char::is_control) {
        "has control characters or more than one line"
    } else if holds_key(text) {
        "holds a key; a record is no place for a secret"
    } else {
        return Ok(());
    };
    Err(StoreError::Field {
        field: field.to_owned(),
        fault,
    })
}

/// Checks an id that Instantly gave: 1 to 64 letters, digits, `-` and `_`.
pub(crate) fn check_foreign_id(field: &str, id: &str) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if (1..=NAME_MAX).contains(&id.len()) && id.bytes().all(allowed) {
        return Ok(());
    }
    let fault = "is not 1 to 64 letters, digits, '-' and '_'";
    Err(StoreError::Field {
        field: field.to_owned(),
        fault,
    })
}

/// Checks that a secret reference refers, and is not the secret: `scheme://rest`.
pub(crate) fn check_reference(reference: &str) -> Result<()> {
    let well_formed = reference.split_once("://").is_some_and(|(scheme, rest)| {
        let mut bytes = scheme.bytes();
        bytes.next().is_some_and(|first| first.is_ascii_lowercase())
            && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && !rest.is_empty()
    });
    let fault = if reference.len() > REFERENCE_MAX {
        "is longer than 1024 characters"
    } else if holds_key(reference) {
        "holds a key itself; keep the key in a file and give file:///path/to/it"
    } else if !well_formed || reference.chars().any(|c| c.is_control() || c == ' ') {
        "is no reference; give something like file:///path/to/key or env://NAME"
    } else {
        return Ok(());
    };
    Err(StoreError::Field {
        field: "the secret reference".to_owned(),
        fault,
    })
}

fn is_own_id(name: &str) -> bool {
    let rest = ["ws_", "cl_", "uk_", "src_", "dst_"]
        .into_iter()
        .find_map(|prefix| name.strip_prefix(prefix));
    rest.is_some_and(|rest| rest.len() == 16 && rest.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// Whether an upstream key or a client key is somewhere in the text.
pub(crate) fn holds_key(text: &str) -> bool {
    let words = |inside: fn(char) -> bool| text.split(move |c: char| !inside(c));
    words(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '=')).any(UpstreamKeyFormat::matches)
        || words(|c| c.is_ascii_alphanumeric() || c == '_')
            .any(|word| ClientKey::parse(word).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(outcome: Result<()>) -> String {
        outcome.unwrap_err().to_string()
    }

    #[test]
    fn names_are_plain() {
        for good in ["a", "lead-import", "n8n.prod_2", "0", &"x".repeat(64)] {
            check_name("the client", good).unwrap();
        }
        for (bad, why) in [
            ("", "is empty"),
            (&*"x".repeat(65), "longer than 64"),
            ("Lead", "other characters"),
            ("a b", "other characters"),
            ("é", "other characters"),
            ("a/b", "other characters"),
            ("-f", "must start with"),
            ("..", "must start with"),
            ("ws_0123456789abcdef", "looks like an id"),
        ] {
            let fault = fault(check_name("the client", bad));
            assert!(fault.starts_with("the name of the client "), "{fault}");
            assert!(fault.contains(why), "{bad}: {fault}");
        }
    }

    #[test]
    fn a_reference_refers_and_is_not_the_secret() {
        for good in [
            "file:///etc/doorward/key",
            "env://INSTANTLY_KEY",
            "gcp-sm://p/s/versions/1",
        ] {
            check_reference(good).unwrap();
        }
        let key =
            UpstreamKeyFormat::compose("0195f3a2-1b2c-7d3e-8f40-5a6b7c8d9e0f", "aB3dE5gH7jK9");
        for bad in [
            "",
            "key",
            "://x",
            "FILE://x",
            "file://",
            "env://A B",
            "env://A\n",
        ] {
            assert!(
                fault(check_reference(bad)).contains("is no reference"),
                "{bad}"
            );
        }
        for bad in [
            key.clone(),
            format!("env://{key}"),
            format!("file:///{key}"),
        ] {
            let fault = fault(check_reference(&bad));
            assert!(
                fault.contains("holds a key") && !fault.contains(&key),
                "{fault}"
            );
        }
    }

    #[test]
    fn texts_are_one_bounded_line() {
        check_text("the owner", "").unwrap();
        check_text("the owner", &"é".repeat(200)).unwrap();
        assert!(check_text("the owner", &"é".repeat(201)).is_err());
        assert!(check_text("the owner", "a\u{1b}[2J").is_err());
        assert!(check_foreign_id("the id", "0195f3a2-1b2c").is_ok());
        assert!(check_foreign_id("the id", "a b").is_err());
        assert!(check_foreign_id("the id", "").is_err());
    }
}
