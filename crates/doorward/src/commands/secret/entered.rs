//! A secret that is typed or piped in.

use std::io::{self, IsTerminal, Read};

use doorward_catalog::wire::SecretText;
use doorward_secrets::MAX_SECRET_BYTES;
use zeroize::Zeroizing;

use crate::exit::Failure;

/// Asks for a secret without showing it, or reads it from a pipe.
///
/// # Errors
/// When there is none, or it is too long.
pub(super) fn take() -> Result<SecretText, Failure> {
    let failed = |error: io::Error| {
        Failure::usage(format_args!(
            "the secret can't be read: {error}; pipe it in"
        ))
    };
    let mut text = Zeroizing::new(String::new());
    if io::stdin().is_terminal() {
        *text = rpassword::prompt_password("secret (not shown): ").map_err(failed)?;
    } else {
        let most = MAX_SECRET_BYTES as u64 + 3;
        io::stdin()
            .take(most)
            .read_to_string(&mut text)
            .map_err(failed)?;
    }
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let secret = line.strip_suffix('\r').unwrap_or(line);
    if secret.is_empty() {
        return Err(Failure::usage(
            "there was no secret; type it, or pipe it in",
        ));
    }
    if secret.len() > MAX_SECRET_BYTES {
        return Err(Failure::usage(
            "that is longer than the 65536 bytes of a secret",
        ));
    }
    Ok(SecretText::new(secret.to_owned()))
}
