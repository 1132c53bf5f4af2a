//! Client keys, which are known by their form: only hashes of them are kept.

use aho_corasick::packed::Searcher;
use aho_corasick::{AhoCorasick, Match};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use doorward_keys::{CLIENT_KEY_LEN, ClientKey};
use zeroize::Zeroizing;

use super::index::Span;
use crate::VeilError;

/// The longest form: base64 with two bytes before the key.
pub(super) const FORM_MAX: usize = 94;

/// A form: what it begins with, and how it is read.
struct Form {
    begins: &'static str,
    /// Characters of base64 that are put before it to complete its first group. What they decode
    /// to is not of the key, but for bits of its first character, which is known.
    before: &'static str,
    /// Its characters, and how many bytes before the key they decode to; for a plain key none.
    base64: Option<(usize, usize)>,
}

/// `dwk_` and, in base64, `dwk_` and a letter with an underscore, after none, one and two bytes.
const FORMS: [Form; 4] = [
    Form {
        begins: "dwk_",
        before: "",
        base64: None,
    },
    Form {
        begins: "ZHdrX",
        before: "",
        base64: Some((91, 0)),
    },
    Form {
        begins: "R3a19",
        before: "AG",
        base64: Some((90, 1)),
    },
    Form {
        begins: "kd2tf",
        before: "AAB",
        base64: Some((91, 2)),
    },
];

/// The last group may be cut short, and hold bits of what follows the key.
const LOOSE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// Finds client keys, whoever's they are and whether they are still in force.
pub(super) struct ClientKeys {
    /// Looks at many bytes at once, where the processor can.
    fast: Option<Searcher>,
    slow: AhoCorasick,
}

impl ClientKeys {
    pub(super) fn new() -> Result<ClientKeys, VeilError> {
        let begins = FORMS.map(|form| form.begins);
        Ok(ClientKeys {
            fast: Searcher::new(begins),
            slow: AhoCorasick::new(begins).map_err(|_| VeilError::TooManySecrets)?,
        })
    }

    /// Adds where client keys lie in the text: those whose checksum is right.
    pub(super) fn find(&self, text: &[u8], found: &mut Vec<Span>) {
        // No form begins within another's beginning, so none is passed over.
        match &self.fast {
            Some(fast) => fast
                .find_iter(text)
                .for_each(|begin| check(text, &begin, found)),
            None => self
                .slow
                .find_iter(text)
                .for_each(|begin| check(text, &begin, found)),
        }
    }
}

fn check(text: &[u8], begin: &Match, found: &mut Vec<Span>) {
    let Some(form) = FORMS.get(begin.pattern().as_usize()) else {
        return;
    };
    let len = form.base64.map_or(CLIENT_KEY_LEN, |(len, _)| len);
    let at = begin.start();
    if text.get(at..at + len).is_some_and(|text| form.is_key(text)) {
        found.push((at, at + len));
    }
}

impl Form {
    fn is_key(&self, text: &[u8]) -> bool {
        let Some((_, skipped)) = self.base64 else {
            return is_client_key(text);
        };
        let mut whole = Zeroizing::new(Vec::with_capacity(FORM_MAX));
        whole.extend_from_slice(self.before.as_bytes());
        whole.extend(text.iter().map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            byte => *byte,
        }));
        let Ok(bytes) = LOOSE.decode(&*whole).map(Zeroizing::new) else {
            return false;
        };
        bytes
            .get(skipped..skipped + CLIENT_KEY_LEN)
            .is_some_and(is_client_key)
    }
}

/// Whether a text may be the beginning of a client key, and no more.
pub(super) fn is_beginning(text: &[u8]) -> bool {
    let is_base64 =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    FORMS.iter().any(|form| {
        let len = form.base64.map_or(CLIENT_KEY_LEN, |(len, _)| len);
        text.starts_with(form.begins.as_bytes()) && text.len() < len && text.iter().all(is_base64)
    })
}

fn is_client_key(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| ClientKey::parse(text).is_ok())
}
