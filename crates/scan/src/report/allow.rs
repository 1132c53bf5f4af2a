//! Rules that say which places are all right, why, who answers for it, and until when.
//!
//! ```toml
//! [[allow]]
//! paths = ["tests/fixtures/"]            # as in .gitignore
//! detectors = ["generic.password"]       # or an area: "generic"; all when left out
//! reason = "made-up values of the tests"
//! owner = "payments@example.com"
//! until = "2027-01-01"
//!
//! [[allow]]
//! fingerprints = ["5c0f…"]
//! reason = "revoked in 2024, stays in the history"
//! owner = "ada@example.com"
//! until = "2027-06-30"
//! ```

use doorward_finding::Mute;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use serde::Deserialize;

use super::day::Day;

/// The file's name, in the folder that is scanned.
pub const ALLOW_FILE: &str = ".doorward-scan.toml";

/// Most bytes of the file, most rules, and most entries of one.
const BYTES_MAX: usize = 1024 * 1024;
const RULES_MAX: usize = 10_000;
/// Fewest digits of a fingerprint's beginning that names it.
const DIGITS_MIN: usize = 12;

/// What is wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct AllowFault(String);

/// Rules that allow places.
#[derive(Debug, Default)]
pub struct AllowRules {
    rules: Vec<Allow>,
    /// What stands before a reported path, seen from the folder of the file: `` or `src/`.
    prefix: String,
}

#[derive(Debug)]
struct Allow {
    paths: Option<Gitignore>,
    detectors: Vec<String>,
    fingerprints: Vec<String>,
    mute: Mute,
    until: Day,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    allow: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    detectors: Vec<String>,
    #[serde(default)]
    fingerprints: Vec<String>,
    reason: String,
    owner: String,
    until: Day,
}

/// What the rules say of a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// It is all right.
    Allowed(Mute),
    /// It was, until then: it counts again.
    Expired(Mute),
}

impl AllowRules {
    /// Reads the file's text.
    ///
    /// # Errors
    /// What is wrong with it: nothing of a faulty file is taken.
    pub fn read(text: &str) -> Result<Self, AllowFault> {
        if text.len() > BYTES_MAX {
            return Err(AllowFault(format!("it has more than {BYTES_MAX} bytes")));
        }
        let file: File = toml::from_str(text).map_err(|error| AllowFault(error.to_string()))?;
        if file.allow.len() > RULES_MAX {
            return Err(AllowFault(format!("it has more than {RULES_MAX} rules")));
        }
        let rules = file.allow.into_iter().enumerate().map(|(number, written)| {
            read_rule(written).map_err(|why| AllowFault(format!("rule {}: {why}", number + 1)))
        });
        Ok(Self {
            rules: rules.collect::<Result<_, _>>()?,
            prefix: String::new(),
        })
    }

    /// The same, where paths are reported relative to this folder below the file's own.
    pub fn below(mut self, folder: &str) -> Self {
        self.prefix = match folder.trim_matches('/') {
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        self
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What they say of a hit: an allowance in force goes before one that has expired.
    pub(super) fn of(
        &self,
        (path, detector, fingerprint): (&str, &str, &str),
        today: Day,
    ) -> Option<Said> {
        let path = format!("{}{}", self.prefix, plain(path));
        let mut fitting = self
            .rules
            .iter()
            .filter(|rule| rule.is_for(&path, detector, fingerprint));
        let mut expired = None;
        let found = fitting.find(|rule| {
            let holds = today <= rule.until;
            if !holds {
                expired.get_or_insert(*rule);
            }
            holds
        });
        match (found, expired) {
            (Some(rule), _) => Some(Said::Allowed(rule.mute.clone())),
            (None, Some(rule)) => Some(Said::Expired(rule.mute.clone())),
            (None, None) => None,
        }
    }
}

impl Allow {
    fn is_for(&self, path: &str, detector: &str, fingerprint: &str) -> bool {
        let area = detector.split('.').next().unwrap_or(detector);
        // The file that an archive's member is in is named as well.
        let outer = path.split("!/").next().unwrap_or(path);
        let fits = |paths: &Gitignore| {
            [path, outer]
                .iter()
                .any(|path| paths.matched_path_or_any_parents(path, false).is_ignore())
        };
        self.paths.as_ref().is_none_or(fits)
            && (self.detectors.is_empty()
                || self.detectors.iter().any(|id| id == detector || id == area))
            && (self.fingerprints.is_empty()
                || self
                    .fingerprints
                    .iter()
                    .any(|begin| fingerprint.starts_with(begin)))
    }
}

/// A path as patterns see it: from the root, without what says nothing.
fn plain(path: &str) -> &str {
    let mut path = path;
    while let Some(rest) = path.strip_prefix('/').or_else(|| path.strip_prefix("./")) {
        path = rest;
    }
    path
}

fn read_rule(written: Written) -> Result<Allow, String> {
    let blank = |text: &str| text.trim().is_empty();
    if blank(&written.reason) || blank(&written.owner) {
        return Err("say the reason and the owner".to_owned());
    }
    if written.paths.is_empty() && written.fingerprints.is_empty() {
        return Err(
            "say for which paths or which fingerprints; `paths = [\"*\"]` is for all".to_owned(),
        );
    }
    for begin in &written.fingerprints {
        let digits = begin
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !digits || begin.len() < DIGITS_MIN {
            return Err(format!(
                "a fingerprint is named by at least its first {DIGITS_MIN} hexadecimal digits"
            ));
        }
    }
    let paths = match written.paths.is_empty() {
        true => None,
        false => Some(globs(&written.paths)?),
    };
    Ok(Allow {
        paths,
        detectors: written.detectors,
        fingerprints: written.fingerprints,
        mute: Mute {
            reason: written.reason,
            owner: Some(written.owner),
            until: Some(written.until.to_string()),
        },
        until: written.until,
    })
}

fn globs(lines: &[String]) -> Result<Gitignore, String> {
    let mut builder = GitignoreBuilder::new("");
    for line in lines {
        if line.trim().is_empty() || line.trim_start().starts_with('#') {
            return Err("a path is empty".to_owned());
        }
        // Paths are matched without it.
        let line = match line.strip_prefix("./") {
            Some(rest) => format!("/{rest}"),
            None => line.clone(),
        };
        builder
            .add_line(None, &line)
            .map_err(|error| format!("'{line}' is no pattern: {error}"))?;
    }
    builder.build().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = r#"
        [[allow]]
        paths = ["tests/fixtures/", "*.sample", ".env.example"]
        detectors = ["generic"]
        reason = "made up"
        owner = "ada@example.com"
        until = "2027-01-01"

        [[allow]]
        fingerprints = ["0123456789ab"]
        reason = "revoked"
        owner = "bob@example.com"
        until = "2026-01-01"
    "#;

    fn said(path: &str, detector: &str, print: &str, today: &str) -> Option<(bool, String)> {
        let rules = AllowRules::read(RULES).unwrap();
        let said = rules.of((path, detector, print), today.parse().unwrap());
        said.map(|said| match said {
            Said::Allowed(mute) => (true, mute.reason),
            Said::Expired(mute) => (false, mute.reason),
        })
    }

    #[test]
    fn a_rule_is_for_its_paths_and_detectors_until_its_day() {
        let made_up = |holds| Some((holds, "made up".to_owned()));
        for path in [
            "tests/fixtures/a.js",
            "./tests/fixtures/x.zip!/in/it",
            "deep/x.sample",
            ".env.example",
        ] {
            let here = |today| said(path, "generic.password", "ff", today);
            assert_eq!(here("2027-01-01"), made_up(true), "{path}");
            assert_eq!(here("2027-01-02"), made_up(false), "{path}");
        }
        for (path, detector) in [
            ("src/a.js", "generic.password"),
            ("tests/fixtures/a.js", "instantly.upstream-key"),
            ("tests/fixtures.js", "generic.password"),
            // `tests/fixtures/` has a slash inside: it stands at the root.
            ("app/tests/fixtures/a/b.js", "generic.password"),
        ] {
            assert_eq!(said(path, detector, "ff", "2026-06-01"), None, "{path}");
        }
    }

    #[test]
    fn a_file_above_what_is_scanned_holds_there() {
        let rules = AllowRules::read(RULES).unwrap().below("tests");
        let today = "2026-06-15".parse().unwrap();
        let said = |path| rules.of((path, "generic.password", "ff"), today);
        assert!(matches!(said("fixtures/a.js"), Some(Said::Allowed(_))));
        assert_eq!(said("other/a.js"), None);
    }

    #[test]
    fn a_secret_is_named_by_the_beginning_of_its_fingerprint() {
        let print = "0123456789abcdef0123456789abcdef";
        let revoked = |holds| Some((holds, "revoked".to_owned()));
        assert_eq!(said("any", "x.y", print, "2025-12-31"), revoked(true));
        assert_eq!(said("any", "x.y", print, "2026-01-02"), revoked(false));
        assert_eq!(said("any", "x.y", "ff", "2025-12-31"), None);
    }

    #[test]
    fn a_rule_without_an_end_or_an_owner_is_refused_and_so_is_one_for_nothing() {
        let whole = "reason = \"r\"\nowner = \"o\"\nuntil = \"2027-01-01\"\npaths = [\"a\"]\n";
        assert!(AllowRules::read(&format!("[[allow]]\n{whole}")).is_ok());
        for line in whole.lines() {
            let text = format!("[[allow]]\n{}", whole.replace(&format!("{line}\n"), ""));
            assert!(AllowRules::read(&text).is_err(), "{line}");
        }
        for wrong in [
            "owner = \" \"",
            "paths = [\"\"]",
            "fingerprints = [\"0123\"]",
            "fingerprints = [\"0123456789AB\"]",
            "until = \"2027-02-30\"",
            "path = \"a\"",
            "paths = [\"a[z-a]\"]",
        ] {
            let name = wrong.split(' ').next().unwrap();
            let others: String = whole
                .lines()
                .filter(|line| !line.starts_with(name))
                .map(|line| format!("{line}\n"))
                .collect();
            let text = format!("[[allow]]\n{others}{wrong}\n");
            assert!(AllowRules::read(&text).is_err(), "{wrong}");
        }
    }
}
