//! What a scan returns.

use std::ops::Range;

use secrecy::SecretString;

use super::Cut;

/// What was found in one blob, and what of it was not looked at.
#[derive(Debug, Default)]
pub struct Scanned {
    /// In the order in which they stand; those in archives follow, member by member.
    pub hits: Vec<Hit>,
    /// What a limit cut, or could not be opened.
    pub skipped: Vec<Skipped>,
}

/// A credential found. `Debug` does not show it.
#[derive(Debug, Clone)]
pub struct Hit {
    /// Number of its detector, see [`crate::Detectors::get`].
    pub detector: u16,
    /// Where it stands, or the encoded text that hides it: bytes of the blob, or of the member that
    /// `inner` names.
    pub range: Range<usize>,
    /// The line it begins on, from 1.
    pub line: u64,
    /// The first column, in characters, from 1.
    pub column: u64,
    /// The column behind its last on that line, in characters.
    pub end_column: u64,
    /// Its value, with encodings undone.
    pub secret: SecretString,
    /// What was undone to see it, the outermost first.
    pub via: Vec<Via>,
    /// The path of the member that holds it; of archives within archives joined by `!/`.
    pub inner: Option<String>,
    /// The line, or what of it is near, with every secret that was found in it masked.
    pub excerpt: String,
    /// What a comment on the line, or on one of its own before it, says to allow.
    pub allowed: Option<InlineAllow>,
}

/// One thing undone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Via {
    /// Base64, standard or for URLs.
    Base64,
    /// `%41`.
    Percent,
    /// `\u0041`, `\x41`, `\n`, `\"`, `\/`.
    Escapes,
    /// `=3D`, and lines ended by `=`.
    QuotedPrintable,
    /// `&#65;`, `&quot;`.
    Html,
    /// `"one" + "other"`.
    Joined,
    /// UTF-16, of either byte order.
    Utf16,
    /// gzip.
    Gzip,
    /// zlib.
    Zlib,
    /// A member of a zip.
    Zip,
    /// A member of a tar.
    Tar,
}

impl Via {
    /// Its name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Percent => "percent",
            Self::Escapes => "escapes",
            Self::QuotedPrintable => "quoted-printable",
            Self::Html => "html",
            Self::Joined => "joined",
            Self::Utf16 => "utf-16",
            Self::Gzip => "gzip",
            Self::Zlib => "zlib",
            Self::Zip => "zip",
            Self::Tar => "tar",
        }
    }
}

/// A comment beside a hit: `doorward:allow REASON`, `doorward:allow[id,id] REASON until 2027-01-31`.
/// Whether it holds is for who reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InlineAllow {
    /// The detectors it is for; all if empty.
    pub detectors: Vec<String>,
    /// Why; may be empty.
    pub reason: String,
    /// The last day, as it is written behind `until`, `YYYY-MM-DD`.
    pub until: Option<String>,
}

/// Something that was not looked at, or not to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The member it is, of archives within archives joined by `!/`; `None` for the blob itself.
    pub inner: Option<String>,
    /// Why.
    pub cut: Cut,
}
