//! What the names and paths within references may be.

use std::path::{Component, Path, PathBuf};

use super::scheme::Scheme;
use crate::error::{Error, Result};

/// Longest path accepted, in bytes.
const MAX_PATH: usize = 4096;

/// The error for what does not fit its scheme.
pub(super) fn malformed(scheme: Scheme, why: &'static str) -> Error {
    Error::Malformed {
        scheme: scheme.as_str(),
        why,
    }
}

/// What is between the slashes of a name.
#[derive(Clone, Copy)]
pub(super) enum Slashes {
    /// The name has none.
    None,
    /// Parts that are not empty and not dots.
    Parts,
}

/// A name of 1 to `max` letters, digits and signs out of `signs`.
pub(super) fn name(
    scheme: Scheme,
    text: &str,
    max: usize,
    signs: &str,
    slashes: Slashes,
) -> Result<String> {
    if text.is_empty() || text.len() > max {
        return Err(malformed(scheme, "a name in it is empty or too long"));
    }
    let plain = |part: &str| {
        let known = |sign: char| sign.is_ascii_alphanumeric() || signs.contains(sign);
        part.chars().all(known) && !matches!(part, "" | "." | "..")
    };
    let fits = match slashes {
        Slashes::None => plain(text),
        Slashes::Parts => text.split('/').all(plain),
    };
    if !fits {
        return Err(malformed(
            scheme,
            "a name in it has a character that such names do not have",
        ));
    }
    Ok(text.to_owned())
}

/// The name of an environment variable: letters, digits and `_`, with no digit first.
pub(super) fn variable(scheme: Scheme, text: &str) -> Result<String> {
    if text.is_empty() || text.len() > 256 {
        return Err(malformed(
            scheme,
            "a variable's name has 1 to 256 characters",
        ));
    }
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if !plain || text.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(malformed(
            scheme,
            "a variable's name is letters, digits and _, with no digit first",
        ));
    }
    Ok(text.to_owned())
}

/// A path that is absolute, printable, free of `..`, and names a file.
pub(super) fn absolute(scheme: Scheme, path: &Path) -> Result<PathBuf> {
    let text = path
        .to_str()
        .ok_or(malformed(scheme, "the path is not UTF-8"))?;
    if text.len() > MAX_PATH {
        return Err(malformed(scheme, "the path is longer than 4096 bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err(malformed(scheme, "the path holds control characters"));
    }
    if !path.is_absolute() {
        return Err(malformed(scheme, "the path is not absolute"));
    }
    if path.components().any(|part| part == Component::ParentDir) {
        return Err(malformed(scheme, "the path holds '..'"));
    }
    if !matches!(path.components().next_back(), Some(Component::Normal(_))) {
        return Err(malformed(scheme, "the path names no file"));
    }
    Ok(path.to_path_buf())
}

/// A path below `base`, which is absolute.
pub(super) fn below(scheme: Scheme, text: &str, base: Option<&Path>) -> Result<PathBuf> {
    let base = base.ok_or(malformed(
        scheme,
        "a relative file needs a folder to be relative to",
    ))?;
    let relative = Path::new(text);
    if relative.file_name().is_none() || relative.is_absolute() {
        return Err(malformed(scheme, scheme.form()));
    }
    absolute(scheme, &base.join(relative))
}
