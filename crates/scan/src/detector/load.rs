//! Detector files read: all faults at once.

use doorward_finding::{Rule, Severity};
use ring::digest::{Context, SHA256};

use super::file::{At, File};
use super::pattern::{Anchor, LONGEST, Pattern};
use super::{Detector, Detectors, Extend, Finder, Shape, checks};

/// What is wrong with a detector's file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {what}")]
pub struct RuleFault {
    /// The file's name, as it was given; of a check of examples, the detector's id.
    pub file: String,
    /// What is wrong, and what would be right.
    pub what: String,
}

impl Detectors {
    /// Reads detectors of these files, each a name for messages and its text. All faults are told at
    /// once. Patterns are compiled, examples are not run: [`Detectors::self_check`] does so.
    pub fn load<N: AsRef<str>, T: AsRef<str>>(files: &[(N, T)]) -> Result<Self, Vec<RuleFault>> {
        let loaded = Self::read(
            files
                .iter()
                .map(|(name, text)| (name.as_ref(), text.as_ref())),
        )?;
        let mut faults = Vec::new();
        for (detector, (name, _)) in loaded.all.iter().zip(files) {
            if let Finder::Pattern(pattern) = &detector.finder
                && let Err(what) = pattern.compile()
            {
                let file = name.as_ref().to_owned();
                faults.push(RuleFault { file, what });
            }
        }
        if faults.is_empty() {
            Ok(loaded)
        } else {
            Err(faults)
        }
    }

    /// The same, with patterns parsed and not yet compiled.
    pub(super) fn read<'a>(
        files: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Vec<RuleFault>> {
        let mut all: Vec<Detector> = Vec::new();
        let mut faults = Vec::new();
        let mut digest = Context::new(&SHA256);
        for (name, text) in files {
            digest.update(text.as_bytes());
            digest.update(&[0]);
            let mut said = Vec::new();
            match toml::from_str::<File>(text) {
                Err(error) => said.push(error.to_string().trim_end().to_owned()),
                Ok(file) => {
                    if all.iter().any(|other| other.id() == file.id) {
                        said.push(format!("another detector has the id {}", file.id));
                    }
                    if let Some(detector) = detector(file, &mut said)
                        && said.is_empty()
                    {
                        all.push(detector);
                    }
                }
            }
            faults.extend(said.into_iter().map(|what| RuleFault {
                file: name.to_owned(),
                what,
            }));
        }
        if all.len() > usize::from(u16::MAX) {
            faults.push(RuleFault {
                file: "all".into(),
                what: "there are more than 65,535 detectors".into(),
            });
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            all,
            digest: digest_of(digest),
        })
    }

    /// These and others together.
    ///
    /// An id that both have is a fault.
    pub fn and(mut self, others: Self) -> Result<Self, Vec<RuleFault>> {
        let twice: Vec<RuleFault> = others
            .rules()
            .filter(|other| self.rules().any(|detector| detector.id() == other.id()))
            .map(|other| RuleFault {
                file: other.id().to_owned(),
                what: format!("another detector has the id {}", other.id()),
            })
            .collect();
        if !twice.is_empty() {
            return Err(twice);
        }
        let mut digest = Context::new(&SHA256);
        digest.update(&self.digest);
        digest.update(&others.digest);
        self.digest = digest_of(digest);
        self.all.extend(others.all);
        Ok(self)
    }
}

pub(super) fn digest_of(context: Context) -> [u8; 32] {
    let mut digest = [0; 32];
    for (to, from) in digest.iter_mut().zip(context.finish().as_ref()) {
        *to = *from;
    }
    digest
}

/// The detector of a file, or what is wrong with it.
fn detector(file: File, faults: &mut Vec<String>) -> Option<Detector> {
    let well_formed = file.id.contains('.')
        && file.id.split('.').all(|part| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        });
    if !well_formed {
        faults.push(format!(
            "the id {:?} is not of the form area.name, in lower case, digits and hyphens",
            file.id
        ));
    }
    let severity: Option<Severity> = file
        .severity
        .parse()
        .map_err(|error: doorward_finding::UnknownSeverity| faults.push(error.to_string()))
        .ok();
    if file.examples.is_empty() || file.negatives.is_empty() {
        faults.push("a detector has at least one of examples and of negatives".into());
    }
    if file.within > LONGEST {
        faults.push(format!("within is at most {LONGEST}"));
    }
    if file
        .stop
        .iter()
        .chain(&file.near)
        .any(|word| *word != word.to_ascii_lowercase())
    {
        faults.push("words of near and stop are in lower case".into());
    }
    let mut checks = Vec::new();
    for name in &file.checks {
        match checks::check(name) {
            Some(check) => checks.push(check),
            None => {
                let known: Vec<&str> = checks::CHECKS.iter().map(|(name, _)| *name).collect();
                faults.push(format!(
                    "there is no check {name:?}; there are {}",
                    known.join(", ")
                ));
            }
        }
    }
    let finder = finder(&file, faults);
    let extend = match file.extend.as_deref() {
        None => Extend::No,
        Some("token") => Extend::Token,
        Some("pem") => Extend::Pem,
        Some(other) => {
            faults.push(format!("extend is \"token\" or \"pem\", not {other:?}"));
            Extend::No
        }
    };
    let keywords = file
        .keywords
        .iter()
        .map(|keyword| keyword.to_ascii_lowercase())
        .collect();
    Some(Detector {
        rule: Rule {
            id: file.id,
            title: file.title,
            severity: severity?,
            why: file.why,
            help: file.remedy,
            references: file.references,
            tags: file.tags,
        },
        keywords,
        finder: finder?,
        priority: file.priority,
        checks,
        entropy: file.entropy,
        placeholders: file.placeholders,
        near: file.near,
        within: file.within,
        stop: file.stop,
        extend,
        paths: file.paths,
        not_paths: file.not_paths,
        examples: file.examples,
        negatives: file.negatives,
    })
}

fn finder(file: &File, faults: &mut Vec<String>) -> Option<Finder> {
    match (&file.pattern, &file.shape) {
        (Some(pattern), None) => {
            if file.keywords.is_empty() {
                faults.push("a pattern needs keywords, of which each match holds one".into());
            }
            if file
                .keywords
                .iter()
                .any(|keyword| keyword.len() < 3 || !keyword.is_ascii())
            {
                faults.push("a keyword has at least 3 characters, all of ASCII".into());
            }
            let anchor = match &file.at {
                At::Unsaid => Anchor::Keyword,
                At::Named(name) if name == "keyword" => Anchor::Keyword,
                At::Named(name) if name == "word" => Anchor::Word,
                At::Before(bytes) if *bytes <= LONGEST => Anchor::Before(*bytes),
                At::Named(_) | At::Before(_) => {
                    faults.push(format!(
                        "at is \"keyword\", \"word\" or a number of bytes up to {LONGEST}"
                    ));
                    return None;
                }
            };
            match Pattern::new(pattern, anchor) {
                Ok(pattern) => Some(Finder::Pattern(pattern)),
                Err(what) => {
                    faults.push(what);
                    None
                }
            }
        }
        (None, Some(shape)) => match Shape::named(shape) {
            Some(shape) => Some(Finder::Shape(shape)),
            None => {
                faults.push(format!(
                    "there is no shape {shape:?}; there is upstream_key"
                ));
                None
            }
        },
        _ => {
            faults.push("a detector has either a pattern or a shape".into());
            None
        }
    }
}
