//! tar: ustar, GNU and pax, of hostile make. Written for one pass over a stream in bounded memory,
//! whatever sizes it claims.

use std::io::Read;

use crate::engine::{Cut, Session, Via};

const BLOCK: usize = 512;

/// The longest name, and extended header, that is read.
const LONGEST_NAME: u64 = 64 << 10;

/// Whether a blob begins with a header of a tar.
pub(super) fn is_header(head: &[u8]) -> bool {
    head.first_chunk::<BLOCK>().is_some_and(|block| {
        block.first() != Some(&0) && checksum_fits(block) && number(field(block, 124, 12)).is_some()
    })
}

fn field(block: &[u8; BLOCK], from: usize, length: usize) -> &[u8] {
    block.get(from..from + length).unwrap_or_default()
}

/// The sum of all bytes, that of the checksum's own counted as blanks.
fn checksum_fits(block: &[u8; BLOCK]) -> bool {
    let Some(said) = number(field(block, 148, 8)) else {
        return false;
    };
    let sum: u64 = block
        .iter()
        .enumerate()
        .map(|(at, byte)| {
            if (148..156).contains(&at) {
                32
            } else {
                u64::from(*byte)
            }
        })
        .sum();
    sum == said
}

/// Octal digits, or GNU's form for large numbers.
fn number(field: &[u8]) -> Option<u64> {
    if let Some((first, rest)) = field.split_first()
        && *first == 0x80
    {
        let (high, low) = rest.split_at_checked(rest.len().checked_sub(8)?)?;
        let low: [u8; 8] = low.try_into().ok()?;
        return high
            .iter()
            .all(|byte| *byte == 0)
            .then_some(u64::from_be_bytes(low));
    }
    let text = std::str::from_utf8(field).ok()?;
    let text = text.trim_matches(|c| c == ' ' || c == '\0');
    if text.is_empty() {
        return Some(0);
    }
    u64::from_str_radix(text, 8).ok()
}

/// Looks at each member.
pub(super) fn open(session: &mut Session<'_, '_>, reader: &mut dyn Read) {
    let mut long_name: Option<String> = None;
    let mut block = [0; BLOCK];
    loop {
        if session.stopped() {
            return;
        }
        match whole(reader, &mut block) {
            Ok(true) => {}
            Ok(false) => return,
            Err(_) => return broken(session),
        }
        if block.iter().all(|byte| *byte == 0) {
            // The end, though some go on behind it.
            continue;
        }
        if !checksum_fits(&block) {
            return broken(session);
        }
        let Some(size) = number(field(&block, 124, 12)) else {
            return broken(session);
        };
        let mut data = (&mut *reader).take(size);
        match block.get(156) {
            Some(b'L') => long_name = name_of(&mut data).map(|text| c_string(&text)),
            Some(b'x') => long_name = name_of(&mut data).and_then(|text| pax_path(&text)),
            Some(b'0' | 0 | b'7' | b'S') if size > 0 => {
                if !session.budget().member() {
                    return session.cut(Cut::Members);
                }
                let name = long_name.take().unwrap_or_else(|| plain_name(&block));
                session.member(Via::Tar, Some(name.clone()), |session| {
                    session.read(Some(&name), &mut data);
                });
            }
            Some(b'g' | b'K') => {}
            _ => long_name = None,
        }
        // What was not read of it, and what fills its last block.
        let padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
        let rest = data.limit();
        let Some(skip) = rest.checked_add(padding) else {
            return broken(session);
        };
        match std::io::copy(&mut (&mut *reader).take(skip), &mut std::io::sink()) {
            Ok(skipped) if skipped == skip => {}
            _ => return broken(session),
        }
    }
}

fn broken(session: &mut Session<'_, '_>) {
    if !session.budget().exceeded() {
        session.cut(Cut::Broken);
    }
}

/// Reads a block; `false` at the end.
fn whole(reader: &mut dyn Read, block: &mut [u8; BLOCK]) -> std::io::Result<bool> {
    let mut read = Vec::with_capacity(BLOCK);
    reader.take(BLOCK as u64).read_to_end(&mut read)?;
    let Ok(read) = <[u8; BLOCK]>::try_from(read) else {
        return Ok(false);
    };
    *block = read;
    Ok(true)
}

fn name_of(data: &mut impl Read) -> Option<Vec<u8>> {
    let mut text = Vec::new();
    data.take(LONGEST_NAME).read_to_end(&mut text).ok()?;
    Some(text)
}

fn c_string(text: &[u8]) -> String {
    let end = memchr::memchr(0, text).unwrap_or(text.len());
    String::from_utf8_lossy(text.get(..end).unwrap_or_default()).into_owned()
}

/// The value of `path` in a pax header: lines `LENGTH KEY=VALUE`.
fn pax_path(text: &[u8]) -> Option<String> {
    text.split(|byte| *byte == b'\n').find_map(|line| {
        let space = memchr::memchr(b' ', line)?;
        let value = line.get(space + 1..)?.strip_prefix(b"path=")?;
        Some(String::from_utf8_lossy(value).into_owned())
    })
}

fn plain_name(block: &[u8; BLOCK]) -> String {
    let name = c_string(field(block, 0, 100));
    let prefix = c_string(field(block, 345, 155));
    // GNU's headers have times where ustar has the prefix.
    if field(block, 257, 6) == b"ustar\0" && !prefix.is_empty() {
        format!("{prefix}/{name}")
    } else {
        name
    }
}
