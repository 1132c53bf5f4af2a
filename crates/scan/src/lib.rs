//! Leak detectors, and the engine that looks for leaked credentials in bytes, trees and histories.
//! No async, no runtime.
//!
//! [`Detectors`] are data: one TOML file each, with its own positive and negative examples. An
//! [`Engine`] is made of them once and shared by threads; each thread has a [`Scratch`].
//! [`Engine::scan`] looks through one blob, opens archives and undoes encodings on the way, and
//! returns [`Hit`]s; [`tree::scan`] does so for the files of a folder; [`report`] makes findings of
//! hits.
//!
//! ```
//! use doorward_scan::{Detectors, Engine, Limits};
//!
//! let engine = Engine::new(Detectors::builtin(), Limits::default());
//! let mut scratch = engine.scratch();
//! let scanned = engine.scan(&mut scratch, Some("notes.txt"), b"nothing secret here");
//! assert!(scanned.hits.is_empty());
//! ```

mod decode;
mod detector;
mod engine;
pub mod generate;
pub mod git;
mod hold;
pub mod report;
pub mod tree;

pub use detector::{Detector, Detectors, RuleFault};
pub use engine::{Cut, Engine, Hit, InlineAllow, Limits, Scanned, Scratch, Skipped, Via, masked};
