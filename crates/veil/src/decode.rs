//! Undoes the coding of a body as it passes, within limits.

use std::fmt;
use std::io::{self, Write};

use brotli_decompressor::DecompressorWriter;
use flate2::write::MultiGzDecoder;
use zstd::stream::raw::{Decoder as ZstdFrames, InBuffer, Operation, OutBuffer};

use crate::VeilError;

/// What a body may become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// The most bytes that come out.
    pub bytes: u64,
    /// The most bytes that come out for each that goes in, once [`DecodeLimits::GRACE`] are out.
    pub ratio: u64,
}

impl DecodeLimits {
    /// Bytes that may come out whatever went in.
    pub const GRACE: u64 = 64 * 1024;
}

impl Default for DecodeLimits {
    /// 64 MiB, and 200 to one: JSON of like records compresses to a fiftieth or so.
    fn default() -> DecodeLimits {
        DecodeLimits {
            bytes: 64 * 1024 * 1024,
            ratio: 200,
        }
    }
}

/// A window larger than 2^23 bytes (8 MiB, RFC 8878's advice) is refused.
const ZSTD_WINDOW_LOG: u32 = 23;
const PIECE: usize = 16 * 1024;

/// Decodes a body by its `Content-Encoding`; what comes out is to be passed on without that header.
pub struct Decoding {
    coder: Coder,
    name: &'static str,
    limits: DecodeLimits,
    read: u64,
    written: u64,
}

enum Coder {
    Identity,
    Gzip(Box<MultiGzDecoder<Sink>>),
    Brotli(Box<DecompressorWriter<Sink>>),
    Zstd {
        frames: ZstdFrames<'static>,
        is_whole: bool,
    },
}

/// Takes what a decoder writes until it is too much.
#[derive(Default)]
struct Sink {
    bytes: Vec<u8>,
    room: usize,
    is_full: bool,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.room {
            self.is_full = true;
            return Err(io::Error::other("full"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Decoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decoding({}, {} bytes in)", self.name, self.read)
    }
}

impl Decoding {
    /// A body with this `Content-Encoding`: none, `identity`, `gzip`, `br` or `zstd`.
    ///
    /// # Errors
    /// Any other, and more than one.
    pub fn new(
        content_encoding: Option<&str>,
        limits: DecodeLimits,
    ) -> Result<Decoding, VeilError> {
        let name = content_encoding.unwrap_or("").trim().to_ascii_lowercase();
        let (name, coder) = match name.as_str() {
            "" | "identity" => ("identity", Coder::Identity),
            "gzip" | "x-gzip" => {
                let decoder = MultiGzDecoder::new(Sink::default());
                ("gzip", Coder::Gzip(Box::new(decoder)))
            }
            "br" => {
                let decoder = DecompressorWriter::new(Sink::default(), PIECE);
                ("br", Coder::Brotli(Box::new(decoder)))
            }
            "zstd" => {
                let mut frames = ZstdFrames::new().map_err(|_| VeilError::Coding("zstd"))?;
                frames
                    .set_parameter(zstd::zstd_safe::DParameter::WindowLogMax(ZSTD_WINDOW_LOG))
                    .map_err(|_| VeilError::Coding("zstd"))?;
                let is_whole = true;
                ("zstd", Coder::Zstd { frames, is_whole })
            }
            _ => return Err(VeilError::UnknownCoding),
        };
        Ok(Decoding {
            coder,
            name,
            limits,
            read: 0,
            written: 0,
        })
    }

    /// Takes a chunk, and adds to `out` what it stands for. Memory is bounded by the limits: what
    /// one call adds is counted as it is made.
    ///
    /// # Errors
    /// The body does not decode, or expands beyond its limit. The body must not go on then.
    pub fn feed(&mut self, chunk: &[u8], out: &mut Vec<u8>) -> Result<(), VeilError> {
        for piece in chunk.chunks(PIECE) {
            self.read += piece.len() as u64;
            let room = self.room();
            let before = out.len();
            let name = self.name;
            match &mut self.coder {
                Coder::Identity => {
                    if piece.len() > room {
                        return Err(VeilError::Expands);
                    }
                    out.extend_from_slice(piece);
                }
                Coder::Gzip(decoder) => {
                    decoder.get_mut().room = room;
                    let outcome = decoder.write_all(piece).and_then(|()| decoder.flush());
                    drain(outcome, decoder.get_mut(), name, out)?;
                }
                Coder::Brotli(decoder) => {
                    decoder.get_mut().room = room;
                    let outcome = decoder.write_all(piece).and_then(|()| decoder.flush());
                    drain(outcome, decoder.get_mut(), name, out)?;
                }
                Coder::Zstd { frames, is_whole } => {
                    *is_whole = unframe(frames, piece, room, out, *is_whole)?;
                }
            }
            self.written += (out.len() - before) as u64;
        }
        Ok(())
    }

    /// Ends the body.
    ///
    /// # Errors
    /// It is not whole: cut off, or its checksum is wrong.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), VeilError> {
        let room = self.room();
        let (read, name) = (self.read, self.name);
        match &mut self.coder {
            Coder::Identity => Ok(()),
            // An answer with no body (to HEAD, or 304) may still name a coding.
            _ if read == 0 => Ok(()),
            Coder::Gzip(decoder) => {
                decoder.get_mut().room = room;
                let outcome = decoder.try_finish();
                drain(outcome, decoder.get_mut(), name, out)
            }
            Coder::Brotli(decoder) => {
                decoder.get_mut().room = room;
                let outcome = decoder.close();
                drain(outcome, decoder.get_mut(), name, out)
            }
            Coder::Zstd { is_whole: true, .. } => Ok(()),
            Coder::Zstd { .. } => Err(VeilError::Coding(name)),
        }
    }

    /// The bytes that may still come out.
    fn room(&self) -> usize {
        let by_ratio = self.read.saturating_mul(self.limits.ratio);
        let most = self.limits.bytes.min(by_ratio.max(DecodeLimits::GRACE));
        usize::try_from(most.saturating_sub(self.written)).unwrap_or(usize::MAX)
    }
}

fn drain(
    outcome: io::Result<()>,
    sink: &mut Sink,
    name: &'static str,
    out: &mut Vec<u8>,
) -> Result<(), VeilError> {
    match outcome {
        _ if sink.is_full => Err(VeilError::Expands),
        Err(_) => Err(VeilError::Coding(name)),
        Ok(()) => {
            out.append(&mut sink.bytes);
            Ok(())
        }
    }
}

/// Decodes a piece of zstd frames; tells whether it ended with a frame's end.
fn unframe(
    frames: &mut ZstdFrames<'_>,
    piece: &[u8],
    mut room: usize,
    out: &mut Vec<u8>,
    mut is_whole: bool,
) -> Result<bool, VeilError> {
    let mut buffer = vec![0; PIECE];
    let mut input = InBuffer::around(piece);
    loop {
        let (before, written, is_full, hint);
        {
            let mut output = OutBuffer::around(buffer.as_mut_slice());
            before = input.pos();
            hint = frames
                .run(&mut input, &mut output)
                .map_err(|_| VeilError::Coding("zstd"))?;
            written = output.pos();
            is_full = written == PIECE;
        }
        room = room.checked_sub(written).ok_or(VeilError::Expands)?;
        out.extend_from_slice(buffer.get(..written).unwrap_or(&[]));
        if input.pos() > before || written > 0 {
            is_whole = hint == 0;
        }
        let is_read = input.pos() == piece.len();
        if is_read && !is_full {
            return Ok(is_whole);
        }
        if input.pos() == before && written == 0 {
            return if is_read {
                Ok(is_whole)
            } else {
                Err(VeilError::Coding("zstd"))
            };
        }
    }
}
