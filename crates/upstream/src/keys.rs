//! The keys a client holds, and the cleaning of texts from them.

use std::fmt;

use doorward_catalog::{Op, ScopeSet};
use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use crate::error::Error;
use crate::pair::ReaderWriter;

/// Most characters of a key.
const KEY_MAX: usize = 4_096;
/// Most characters of the API's own words in an error.
const MESSAGE_MAX: usize = 300;

/// One upstream key, ready to be sent.
#[derive(Clone)]
pub(crate) struct Key {
    secret: SecretString,
    header: HeaderValue,
}

impl Key {
    pub(crate) fn new(secret: SecretString) -> Result<Key, Error> {
        let no = |why: &str| Error::Config {
            what: "key",
            why: why.to_owned(),
        };
        let text = secret.expose_secret();
        if text.is_empty() {
            return Err(no("it is empty"));
        }
        if text.len() > KEY_MAX {
            return Err(no("it is too long"));
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(no("it has white space or characters that no key has"));
        }
        let mut header = HeaderValue::try_from(format!("Bearer {text}"))
            .map_err(|_| no("it can't stand in a header"))?;
        header.set_sensitive(true);
        Ok(Key { secret, header })
    }

    pub(crate) fn header(&self) -> &HeaderValue {
        &self.header
    }

    pub(crate) fn expose(&self) -> &str {
        self.secret.expose_secret()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// What a client calls with: one key for all, or a reader and a writer.
#[derive(Debug)]
pub(crate) enum Keys {
    One(Key),
    Pair {
        reader: Key,
        writer: Key,
        reader_scopes: ScopeSet,
        writer_scopes: ScopeSet,
    },
}

impl Keys {
    pub(crate) fn pair(pair: ReaderWriter) -> Result<Keys, Error> {
        Ok(Keys::Pair {
            reader: Key::new(pair.reader.key)?,
            writer: Key::new(pair.writer.key)?,
            reader_scopes: pair.reader.scopes,
            writer_scopes: pair.writer.scopes,
        })
    }

    /// The key to call an operation with: of those that cover it the one that allows least.
    pub(crate) fn for_op(&self, op: Op) -> Result<&Key, Error> {
        let (reader, writer, read, write) = match self {
            Keys::One(key) => return Ok(key),
            Keys::Pair {
                reader,
                writer,
                reader_scopes,
                writer_scopes,
            } => (reader, writer, *reader_scopes, *writer_scopes),
        };
        match (read.covers(op), write.covers(op)) {
            (true, true) if write.allows().len() < read.allows().len() => Ok(writer),
            (true, _) => Ok(reader),
            (false, true) => Ok(writer),
            (false, false) => Err(Error::NoKeyCovers {
                op,
                reader: read,
                writer: write,
            }),
        }
    }

    /// A text of the API's, fit for an error: without the keys, control characters or excess length.
    pub(crate) fn clean(&self, text: &str) -> String {
        let mut text: String = text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        for key in self.all().into_iter().flatten() {
            if text.contains(key.expose()) {
                text = text.replace(key.expose(), "[key]");
            }
        }
        let text = text.trim();
        match text.char_indices().nth(MESSAGE_MAX) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text.to_owned(),
        }
    }

    fn all(&self) -> [Option<&Key>; 2] {
        match self {
            Keys::One(key) => [Some(key), None],
            Keys::Pair { reader, writer, .. } => [Some(reader), Some(writer)],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_would_break_the_header_is_refused() {
        for bad in ["", "two words", "line\nbreak", "naïve", "tab\t"] {
            assert!(Key::new(SecretString::from(bad)).is_err(), "{bad:?}");
        }
        assert!(Key::new(SecretString::from("a".repeat(KEY_MAX + 1))).is_err());
    }

    #[test]
    fn texts_are_cleaned_of_the_key_before_they_are_cut() {
        let secret = "c2VjcmV0LWtleS1jYW5hcnk=";
        let keys = Keys::One(Key::new(SecretString::from(secret)).unwrap());
        let text = format!(
            "{}{secret} and\u{1b}[31m{secret}",
            "x".repeat(MESSAGE_MAX - 5)
        );
        let cleaned = keys.clean(&text);
        assert!(!cleaned.contains(&secret[..6]), "{cleaned}");
        assert!(cleaned.chars().count() <= MESSAGE_MAX + 1);
        assert_eq!(keys.clean(&format!("a {secret}\u{7} b")), "a [key]  b");
        assert!(!format!("{keys:?}").contains(secret));
    }
}
