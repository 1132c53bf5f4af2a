//! Standard output and standard error.

use std::io::{self, Write};

use doorward_policy::Timestamp;

use super::config::SinkFormat;
use super::line::{Deliver, Failure, Limits, Line};
use super::stop::Stop;
use crate::entry::Entry;

/// What a line begins with, so that it is found among others.
const MARK: &[u8] = b"[AUDIT] ";

/// Lines of `[AUDIT] ` and JSON.
pub(super) struct Stream<W> {
    open: fn() -> W,
    format: SinkFormat,
}

impl<W: Write> Stream<W> {
    pub(super) fn new(open: fn() -> W, format: SinkFormat) -> Self {
        Self { open, format }
    }
}

impl<W: Write> Deliver for Stream<W> {
    fn limits(&self) -> Limits {
        Limits {
            entries: 256,
            bytes: 256 * 1024,
            linger: std::time::Duration::ZERO,
        }
    }

    fn text(&self, entry: &Entry) -> Vec<u8> {
        [MARK, &self.format.json(entry), b"\n"].concat()
    }

    fn deliver(&mut self, lines: &[Line], _: Timestamp, _: &Stop) -> Result<(), Failure> {
        let text: Vec<u8> = lines.iter().flat_map(|line| &line.text).copied().collect();
        let write = || -> io::Result<()> {
            let mut out = (self.open)();
            out.write_all(&text)?;
            out.flush()
        };
        write().map_err(|error| Failure::later(error.kind()))
    }
}
