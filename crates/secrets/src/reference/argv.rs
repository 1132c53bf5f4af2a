//! The program and arguments of an `exec://` reference.

use std::fmt::{self, Write};

use super::names::malformed;
use super::place::Place;
use super::scheme::Scheme;
use crate::error::Result;

/// Longest program and arguments accepted, as they are written, in bytes: three times that, which
/// is the most they print to, is still a reference.
const MAX_WRITTEN: usize = 2048;
/// Most arguments accepted.
const MAX_ARGS: usize = 64;

/// Parses `program?arg=…&arg=…`.
pub(super) fn parse(rest: &str) -> Result<Place> {
    if rest.len() > MAX_WRITTEN {
        return Err(malformed(Scheme::Exec, "it is longer than 2048 bytes"));
    }
    let (program, query) = match rest.split_once('?') {
        Some((program, query)) => (program, Some(query)),
        None => (rest, None),
    };
    let program = decode(program)?;
    let named = !program.is_empty() && !program.ends_with('/') && !program.starts_with('-');
    if !named || (program.contains('/') && !program.starts_with('/')) {
        return Err(malformed(
            Scheme::Exec,
            "a program is a name that is looked up in PATH, or an absolute path",
        ));
    }
    let mut args = Vec::new();
    for pair in query.into_iter().flat_map(|query| query.split('&')) {
        let arg = pair
            .strip_prefix("arg=")
            .ok_or(malformed(Scheme::Exec, Scheme::Exec.form()))?;
        if args.len() == MAX_ARGS {
            return Err(malformed(Scheme::Exec, "there are more than 64 arguments"));
        }
        args.push(decode(arg)?);
    }
    Ok(Place::Exec { program, args })
}

/// Prints what [`parse`] reads, in the one form that stands for it.
pub(super) fn print(f: &mut fmt::Formatter<'_>, program: &str, args: &[String]) -> fmt::Result {
    encode(f, program, |byte| byte == b'/')?;
    for (at, arg) in args.iter().enumerate() {
        f.write_str(if at == 0 { "?arg=" } else { "&arg=" })?;
        encode(f, arg, |_| false)?;
    }
    Ok(())
}

fn unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn encode(f: &mut fmt::Formatter<'_>, text: &str, also: fn(u8) -> bool) -> fmt::Result {
    for byte in text.bytes() {
        if unreserved(byte) || also(byte) {
            f.write_char(char::from(byte))?;
        } else {
            write!(f, "%{byte:02X}")?;
        }
    }
    Ok(())
}

fn decode(text: &str) -> Result<String> {
    let faulty = || malformed(Scheme::Exec, Scheme::Exec.form());
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let mut digit = || {
                    let digit = char::from(bytes.next()?).to_digit(16)?;
                    u8::try_from(digit).ok()
                };
                let (high, low) = (digit(), digit());
                let (Some(high), Some(low)) = (high, low) else {
                    return Err(faulty());
                };
                decoded.push(high << 4 | low);
            }
            // A plus is a space in forms and a plus in addresses: neither is guessed.
            b'+' => {
                return Err(malformed(
                    Scheme::Exec,
                    "write %20 for a space, %2B for a +",
                ));
            }
            b'/' | b':' | b'@' | b',' | b'=' => decoded.push(byte),
            byte if unreserved(byte) => decoded.push(byte),
            _ => return Err(faulty()),
        }
    }
    let decoded = String::from_utf8(decoded).map_err(|_| faulty())?;
    if decoded.chars().any(char::is_control) {
        return Err(malformed(Scheme::Exec, "it holds control characters"));
    }
    Ok(decoded)
}
