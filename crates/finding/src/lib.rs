//! What a check or a scan reports, and the forms that machines and people read it in.
//!
//! A [`Report`] is the outcome of one run: the [`Rule`]s that were asked, each with its
//! [`Outcome`], and the [`Finding`]s. It is written as SARIF 2.1.0 ([`sarif`]), JUnit XML
//! ([`junit`]), CSV ([`csv`]) or Markdown ([`markdown`]); as JSON it is what serde makes of it.
//!
//! A finding holds no secret: who makes one masks what it shows.

mod csv;
mod finding;
mod junit;
mod markdown;
mod place;
mod report;
mod rule;
mod sarif;
mod severity;

pub use csv::csv;
pub use finding::{Finding, Mute, Remedy, Standing};
pub use junit::junit;
pub use markdown::markdown;
pub use place::{FilePlace, Introduced, Place, Thing};
pub use report::{Outcome, Report, Ruled, Tool};
pub use rule::Rule;
pub use sarif::sarif;
pub use severity::{Severity, UnknownSeverity};
