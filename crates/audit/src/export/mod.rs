//! Entries on their way out of the house, in formats that others read.

mod cef;
mod csv;
mod ocsf;

use std::fmt;
use std::io::Write;
use std::str::FromStr;

use doorward_ledger::log::{Reader, Record};

use crate::audit::Audit;
use crate::entry::{Entry, Show};
use crate::error::{AuditError, Result};
use crate::find::Filter;
use crate::in_time::{End, first_fit};

pub use ocsf::OCSF_VERSION;

/// How entries are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One [`Entry`] a line, as JSON.
    Jsonl,
    /// One OCSF event a line, as JSON; the version is [`OCSF_VERSION`].
    Ocsf,
    /// RFC 4180, with a header; what a spreadsheet would take for a formula is defused.
    Csv,
    /// ArcSight's Common Event Format, version 0, one event a line.
    Cef,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::Jsonl, Self::Ocsf, Self::Csv, Self::Cef];

    /// Its name: `jsonl`, `ocsf`, `csv`, `cef`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Ocsf => "ocsf",
            Self::Csv => "csv",
            Self::Cef => "cef",
        }
    }

    /// The entry's line, with its end.
    pub(crate) fn line(self, entry: &Entry) -> Vec<u8> {
        match self {
            Self::Jsonl => json_line(entry),
            Self::Ocsf => json_line(&ocsf::event(entry)),
            Self::Csv => csv::line(entry),
            Self::Cef => cef::line(entry),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = AuditError;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == name)
            .ok_or_else(|| AuditError::Format(name.chars().take(40).collect()))
    }
}

/// The entry as one line of JSON, with its end: an [`Entry`], or an OCSF event.
fn json_line(value: &impl serde::Serialize) -> Vec<u8> {
    // Text, numbers and maps with text as keys: this can't fail.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}

/// Writes entries in one format. Holds nothing back; whoever wants a buffer brings one.
pub struct Exporter<W> {
    writer: W,
    format: Format,
    entries: u64,
}

impl<W: Write> Exporter<W> {
    /// Begins: a format with a header gets it now.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn new(mut writer: W, format: Format) -> Result<Self> {
        if format == Format::Csv {
            writer.write_all(&csv::header())?;
        }
        Ok(Self {
            writer,
            format,
            entries: 0,
        })
    }

    /// Writes an entry.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn write(&mut self, entry: &Entry) -> Result<()> {
        self.writer.write_all(&self.format.line(entry))?;
        self.entries += 1;
        Ok(())
    }

    /// Entries written so far.
    pub const fn entries(&self) -> u64 {
        self.entries
    }

    /// Flushes, and gives the writer back.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn finish(mut self) -> Result<W> {
        self.writer.flush()?;
        Ok(self.writer)
    }
}

/// Writes all entries that fit and are in the ledger now, in order, one at a time. `entry` makes an
/// entry of a record; `progress` is told how many leaves were looked at, of how many.
///
/// # Errors
/// When the ledger can't be read, `entry` fails, or it can't be written.
pub fn export<W: Write>(
    reader: &Reader,
    filter: &Filter,
    mut entry: impl FnMut(&Record) -> Result<Entry>,
    exporter: &mut Exporter<W>,
    mut progress: impl FnMut(u64, u64),
) -> Result<()> {
    const STEP: u64 = 1024;
    let end = reader.size();
    let start = first_fit(reader, filter)?.min(end);
    let mut cursor = reader.from(start)?;
    let mut past = End::new(reader, filter);
    while cursor.position() < end {
        let Some(record) = cursor.next()? else { break };
        if past.is_before(&record)? {
            break;
        }
        if filter.fits(&record) {
            exporter.write(&entry(&record)?)?;
        }
        let looked_at = cursor.position() - start;
        if looked_at % STEP == 0 {
            progress(looked_at, end - start);
        }
    }
    progress(end - start, end - start);
    Ok(())
}

impl Audit {
    /// Writes all entries that fit and are in the ledger now; see [`export()`]. Blocks.
    ///
    /// # Errors
    /// When the ledger or the store can't be read, or it can't be written.
    pub fn export<W: Write>(
        &self,
        filter: &Filter,
        show: Show,
        exporter: &mut Exporter<W>,
        progress: impl FnMut(u64, u64),
    ) -> Result<()> {
        let entry = |record: &Record| self.entry(record, show);
        export(&self.reader(), filter, entry, exporter, progress)
    }
}
