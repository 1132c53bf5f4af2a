//! What was there before: a file of fingerprints.

use std::collections::BTreeMap;

use doorward_finding::{Finding, Place};
use serde::{Deserialize, Serialize};

/// The version that is written and read.
const VERSION: u32 = 1;
/// Most bytes of the file.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// What is wrong with a baseline.
#[derive(Debug, thiserror::Error)]
pub enum BaselineFault {
    /// It is none.
    #[error("it is no baseline of doorward scan: {0}")]
    Unreadable(String),
    /// It is of a version that is not known.
    #[error("it is of version {0}, and this program reads version {VERSION}; write it again")]
    Version(u32),
}

/// The findings of an earlier run. Holds no secret.
#[derive(Debug, Default)]
pub struct Baseline {
    known: BTreeMap<String, Known>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    findings: Vec<Known>,
}

/// A finding of an earlier run: by its fingerprint; the rest is for people.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    fingerprint: String,
    rule: String,
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    place: Option<String>,
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl Baseline {
    /// Reads the file's text.
    ///
    /// # Errors
    /// When it is none: a scan that took it for empty would say too much, one that guessed too little.
    pub fn read(text: &str) -> Result<Self, BaselineFault> {
        if text.len() > BYTES_MAX {
            let why = format!("it has more than {BYTES_MAX} bytes");
            return Err(BaselineFault::Unreadable(why));
        }
        let unreadable = |error: serde_json::Error| BaselineFault::Unreadable(error.to_string());
        let Versioned { version } = serde_json::from_str(text).map_err(unreadable)?;
        if version != VERSION {
            return Err(BaselineFault::Version(version));
        }
        let file: File = serde_json::from_str(text).map_err(unreadable)?;
        let known = file.findings.into_iter();
        Ok(Self {
            known: known.map(|one| (one.fingerprint.clone(), one)).collect(),
        })
    }

    /// The findings that count, as a baseline; the same findings give the same text.
    pub fn written<'f>(findings: impl Iterator<Item = &'f Finding>) -> String {
        let known: BTreeMap<&str, Known> = findings
            .map(|finding| {
                let known = Known {
                    fingerprint: finding.fingerprint.clone(),
                    rule: finding.rule.clone(),
                    place: finding.places.first().map(Place::shown),
                };
                (finding.fingerprint.as_str(), known)
            })
            .collect();
        let file = File {
            version: VERSION,
            findings: known.into_values().collect(),
        };
        let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Whether a finding was there.
    pub fn has(&self, fingerprint: &str) -> bool {
        self.known.contains_key(fingerprint)
    }

    /// How many findings it has.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_finding::{Remedy, Severity, Standing};

    fn finding(fingerprint: &str) -> Finding {
        Finding {
            rule: "a.b".to_owned(),
            severity: Severity::High,
            message: String::new(),
            places: Vec::new(),
            evidence: Vec::new(),
            remedy: Remedy::default(),
            fingerprint: fingerprint.to_owned(),
            standing: Standing::Open,
        }
    }

    #[test]
    fn what_was_written_is_known() {
        let all = [finding("bb"), finding("aa"), finding("bb")];
        let text = Baseline::written(all.iter());
        let back = [finding("aa"), finding("bb")];
        assert_eq!(text, Baseline::written(back.iter()));
        let baseline = Baseline::read(&text).unwrap();
        assert_eq!(baseline.len(), 2);
        assert!(baseline.has("aa") && baseline.has("bb") && !baseline.has("cc"));
    }

    #[test]
    fn what_is_no_baseline_is_refused() {
        for text in [
            "",
            "{}",
            "[]",
            "{\"version\": 1}",
            "{\"version\": 1, \"findings\": [{}]}",
        ] {
            assert!(
                matches!(Baseline::read(text), Err(BaselineFault::Unreadable(_))),
                "{text}"
            );
        }
        let newer = "{\"version\": 2, \"findings\": {}}";
        assert!(matches!(
            Baseline::read(newer),
            Err(BaselineFault::Version(2))
        ));
    }
}
