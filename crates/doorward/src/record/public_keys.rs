//! The public keys that a ledger is believed by, as they stand in a file.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use doorward_ledger::VerifierKey;

use crate::exit::Failure;

/// Most bytes of a file of public keys.
const KEYS_MAX: u64 = 64 * 1024;
/// Most public keys.
const KEYS: usize = 256;

/// Public keys of a file, a line each.
///
/// # Errors
/// When there are none.
pub(crate) fn read_public_keys(path: &Path) -> Result<Vec<VerifierKey>, Failure> {
    let text = read(path).map_err(|error| {
        Failure::usage(format_args!(
            "can't read the public keys in {}: {error}; give them with --key, or print them where \
             the ledger is with `doorward audit checkpoint --key`",
            path.display()
        ))
    })?;
    parse_keys(&text)
        .map_err(|why| Failure::usage(format_args!("the public keys in {}: {why}", path.display())))
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let file = fs::File::open(path)?;
    file.take(KEYS_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > KEYS_MAX {
        return Err(io::Error::other("it is too large"));
    }
    Ok(text)
}

fn parse_keys(text: &str) -> Result<Vec<VerifierKey>, String> {
    let lines = text.lines().map(str::trim).zip(1..);
    let lines = lines.filter(|(line, _)| !line.is_empty()).take(KEYS);
    let keys = lines.map(|(line, number)| {
        line.parse::<VerifierKey>()
            .map_err(|error| format!("line {number}: {error}"))
    });
    let keys = keys.collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() {
        return Err("there is none".to_owned());
    }
    Ok(keys)
}
