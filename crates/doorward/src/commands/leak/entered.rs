//! A leaked key that is typed or piped in.

use std::io::{self, IsTerminal, Read};

use doorward_catalog::wire::SecretText;
use zeroize::Zeroizing;

use crate::exit::Failure;

/// Most bytes of a key.
const KEY_MAX: u64 = 4_096;

/// Asks for the key without showing it, or reads it from a pipe.
///
/// # Errors
/// When there is none.
pub(super) fn take() -> Result<SecretText, Failure> {
    let failed = |error: io::Error| {
        Failure::usage(format_args!("the key can't be read: {error}; pipe it in"))
    };
    let mut text = Zeroizing::new(String::new());
    if io::stdin().is_terminal() {
        *text = rpassword::prompt_password("leaked key (not shown): ").map_err(failed)?;
    } else {
        io::stdin()
            .take(KEY_MAX + 1)
            .read_to_string(&mut text)
            .map_err(failed)?;
    }
    // It may come as it was found: with quotes, or behind `Bearer`.
    let key = text.trim().trim_matches(['"', '\'', '`', ',', ';']);
    let key = key.strip_prefix("Bearer ").unwrap_or(key).trim();
    if key.is_empty() || key.len() as u64 > KEY_MAX || !key.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(Failure::usage(
            "that is no key: pipe in the leaked value alone, on one line, or give its id with --key",
        ));
    }
    Ok(SecretText::new(key.to_owned()))
}
