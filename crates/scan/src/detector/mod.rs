//! Detectors: what is looked for, as data that carries its own proof.

mod builtin;
mod checks;
mod examples;
mod file;
mod glob;
mod load;
mod pattern;
mod placeholder;
mod shape;

pub(crate) use pattern::{Pattern, Runner};
pub(crate) use shape::{Shape, UPSTREAM_KEY, upstream_key_at};

use doorward_finding::{Rule, Severity};

use checks::Check;
pub(crate) use checks::base62_of;
pub use load::RuleFault;

/// One thing to look for.
#[derive(Debug)]
pub struct Detector {
    rule: Rule,
    pub(crate) keywords: Vec<String>,
    pub(crate) finder: Finder,
    /// Greater wins where two hits overlap.
    pub(crate) priority: u8,
    checks: Vec<Check>,
    entropy: f32,
    placeholders: bool,
    /// One of these words, lower case, must stand within so many bytes of the match.
    near: Vec<String>,
    within: usize,
    stop: Vec<String>,
    extend: Extend,
    paths: Vec<String>,
    not_paths: Vec<String>,
    examples: Vec<String>,
    negatives: Vec<String>,
}

/// How a detector finds its candidates.
#[derive(Debug)]
pub(crate) enum Finder {
    /// By a regular expression around a keyword.
    Pattern(Pattern),
    /// By code, in long runs of base64 characters.
    Shape(Shape),
}

/// How far a value goes beyond what the pattern, which is bounded, has seen of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Extend {
    /// No further.
    #[default]
    No,
    /// Over the characters of tokens.
    Token,
    /// To the end of its last line, `-----END …-----`.
    Pem,
}

/// A set of detectors.
#[derive(Debug, Default)]
pub struct Detectors {
    all: Vec<Detector>,
    /// SHA-256 over the files they were read from.
    pub(crate) digest: [u8; 32],
}

impl Detector {
    /// Its id: `instantly.upstream-key`.
    pub fn id(&self) -> &str {
        &self.rule.id
    }

    /// How bad a hit is.
    pub fn severity(&self) -> Severity {
        self.rule.severity
    }

    /// As a report names it: title, severity, why it matters, how to mend it.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// The texts it must find something in; templates of [`crate::generate`].
    pub fn examples(&self) -> impl Iterator<Item = &str> {
        self.examples.iter().map(String::as_str)
    }

    /// The texts in which it must find nothing; templates too.
    pub fn negatives(&self) -> impl Iterator<Item = &str> {
        self.negatives.iter().map(String::as_str)
    }

    /// Whether a hit may stand in a file of this path (with `/`).
    pub(crate) fn stands_at(&self, path: &str) -> bool {
        let any = |globs: &[String]| globs.iter().any(|glob| glob::matches(glob, path));
        (self.paths.is_empty() || any(&self.paths)) && !any(&self.not_paths)
    }

    /// Whether a value that fits the pattern is one by everything else that can be told of it alone.
    pub(crate) fn accepts(&self, secret: &[u8]) -> bool {
        self.checks.iter().all(|check| check(secret))
            && (self.entropy <= 0.0 || checks::entropy(secret) >= self.entropy)
            && (self.placeholders || !placeholder::is_placeholder(secret))
            && !self
                .stop
                .iter()
                .any(|word| has_word(secret, word.as_bytes()))
    }

    /// Whether a match at `start..end` stands in the context that is asked for.
    pub(crate) fn in_context(&self, text: &[u8], start: usize, end: usize) -> bool {
        if self.near.is_empty() {
            return true;
        }
        let from = start.saturating_sub(self.within);
        let to = end.saturating_add(self.within).min(text.len());
        let around = text.get(from..to).unwrap_or_default();
        self.near
            .iter()
            .any(|word| has_word(around, word.as_bytes()))
    }

    /// Where a value that the pattern saw to `end` really ends.
    pub(crate) fn end_of(&self, text: &[u8], end: usize) -> usize {
        const MOST: usize = 32 << 10;
        let rest = text.get(end..).unwrap_or_default();
        let rest = rest.get(..MOST).unwrap_or(rest);
        end + match self.extend {
            Extend::No => 0,
            Extend::Token => rest
                .iter()
                .take_while(|byte| byte.is_ascii_alphanumeric() || b"._~+/=-".contains(byte))
                .count(),
            Extend::Pem => memchr::memmem::find(rest, b"-----END").map_or(0, |at| {
                let tail = rest.get(at + 8..).unwrap_or_default();
                let tail = tail.get(..64).unwrap_or(tail);
                at + 8 + memchr::memmem::find(tail, b"-----").map_or(0, |dashes| dashes + 5)
            }),
        }
    }

    /// The most bytes from a match's first byte to anything that decides on it.
    fn reach(&self) -> usize {
        let near = if self.near.is_empty() { 0 } else { self.within };
        near + match &self.finder {
            Finder::Pattern(pattern) => pattern.longest() + pattern.before(),
            Finder::Shape(shape) => shape.longest(),
        }
    }
}

impl Detectors {
    /// Those that are asked for: an id, or the area before an id's first dot (`instantly`). What
    /// names none of them is returned.
    pub fn only<S: AsRef<str>>(mut self, ids: &[S]) -> Result<Self, Vec<String>> {
        let names =
            |detector: &Detector, id: &str| detector.id() == id || detector.rule.area() == id;
        let unknown: Vec<String> = ids
            .iter()
            .map(AsRef::as_ref)
            .filter(|id| !self.all.iter().any(|detector| names(detector, id)))
            .map(str::to_owned)
            .collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }
        self.all
            .retain(|detector| ids.iter().any(|id| names(detector, id.as_ref())));
        let mut kept = ring::digest::Context::new(&ring::digest::SHA256);
        kept.update(&self.digest);
        for detector in &self.all {
            kept.update(detector.id().as_bytes());
            kept.update(b"\n");
        }
        self.digest = load::digest_of(kept);
        Ok(self)
    }

    /// All, in the order in which [`crate::Hit::detector`] counts them.
    pub fn rules(&self) -> impl Iterator<Item = &Detector> {
        self.all.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The detector of this number.
    pub fn get(&self, number: u16) -> Option<&Detector> {
        self.all.get(usize::from(number))
    }

    pub(crate) fn reach(&self) -> usize {
        self.all.iter().map(Detector::reach).max().unwrap_or(0)
    }
}

/// Whether `word` (lower case) stands anywhere in the text, in whatever case.
pub(crate) fn has_word(text: &[u8], word: &[u8]) -> bool {
    let Some((first, rest)) = word.split_first() else {
        return true;
    };
    let upper = first.to_ascii_uppercase();
    memchr::memchr2_iter(*first, upper, text).any(|at| {
        text.get(at + 1..at + 1 + rest.len())
            .is_some_and(|found| found.eq_ignore_ascii_case(rest))
    })
}
