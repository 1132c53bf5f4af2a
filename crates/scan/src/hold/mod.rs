//! What holds other things: archives and compressed streams, opened within limits.

mod budget;
mod gzip;
mod tarball;
mod zipped;

use std::io::{Read, Seek};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

pub(crate) use budget::Budget;

use crate::engine::{Cut, Session};

/// What a blob is, if it holds others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Gzip,
    Zlib,
    Zip,
    Tar,
    /// Compressed in a way that is not known here.
    Other,
}

/// Tells by its first bytes what a blob is.
pub(crate) fn kind(_name: Option<&str>, head: &[u8]) -> Option<Kind> {
    match head {
        [0x1f, 0x8b, 8, flags, ..] if flags & 0xe0 == 0 => Some(Kind::Gzip),
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Kind::Zip),
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, third, ..] if third & 7 != 7 && third & 6 != 6 => {
            // A text that begins with `x^` is no stream.
            (head.get(1) != Some(&0x5e) || !third.is_ascii_graphic()).then_some(Kind::Zlib)
        }
        [b'B', b'Z', b'h', b'1'..=b'9', b'1', b'A', b'Y', ..]
        | [0xfd, b'7', b'z', b'X', b'Z', 0, ..]
        | [0x28, 0xb5, 0x2f, 0xfd, ..]
        | [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..]
        | [b'R', b'a', b'r', b'!', 0x1a, 7, ..] => Some(Kind::Other),
        _ => tarball::is_header(head).then_some(Kind::Tar),
    }
}

/// A reader that can be gone about in.
pub(crate) trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// Opens what is held as a whole. `false` if it could not be, and is to be looked at as it stands.
pub(crate) fn open(
    session: &mut Session<'_, '_>,
    kind: Kind,
    name: Option<&str>,
    bytes: &mut dyn ReadSeek,
) -> bool {
    match kind {
        Kind::Zip if may_open(session) => zipped::open(session, bytes),
        Kind::Zip => false,
        _ => open_stream(session, kind, name, bytes),
    }
}

/// Opens what comes from a reader; not what must be gone about in. If it says `false` nothing was
/// taken from the reader.
pub(crate) fn open_stream(
    session: &mut Session<'_, '_>,
    kind: Kind,
    name: Option<&str>,
    reader: &mut dyn Read,
) -> bool {
    match kind {
        Kind::Zip => return false,
        Kind::Other => {
            session.cut(Cut::Unknown);
            return false;
        }
        Kind::Gzip | Kind::Zlib | Kind::Tar => {}
    }
    if !may_open(session) {
        return false;
    }
    match kind {
        Kind::Gzip => gzip::open(session, name, reader),
        Kind::Zlib => gzip::open_zlib(session, reader),
        Kind::Tar => tarball::open(session, reader),
        Kind::Zip | Kind::Other => {}
    }
    true
}

fn may_open(session: &mut Session<'_, '_>) -> bool {
    let deep = session.depth() >= usize::from(session.limits().depth);
    if deep {
        session.cut(Cut::Depth);
    }
    !deep && !session.stopped()
}

/// The bytes of a run of base64 of either alphabet; what is over at its end is left out.
pub(crate) fn unpacked(run: &[u8]) -> Option<Vec<u8>> {
    const LOOSE: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let standard: Vec<u8> = run
        .iter()
        .map(|byte| match byte {
            b'-' => b'+',
            b'_' => b'/',
            other => *other,
        })
        .collect();
    let whole = if standard.len() % 4 == 1 {
        standard.len() - 1
    } else {
        standard.len()
    };
    LOOSE.decode(standard.get(..whole)?).ok()
}
