//! The checks as data: what each looks for, why, and how what it finds is mended.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use doorward_finding::{Rule, Severity};
use serde::Deserialize;

use crate::live::Part;

const FILES: [&str; 8] = [
    include_str!("data/keys.toml"),
    include_str!("data/secrets.toml"),
    include_str!("data/webhooks.toml"),
    include_str!("data/audit.toml"),
    include_str!("data/people.toml"),
    include_str!("data/group.toml"),
    include_str!("data/block_list.toml"),
    include_str!("data/environment.toml"),
];

/// A check, as the report names it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Its id: `keys.wildcard`.
    pub id: String,
    /// What it finds, in a few words.
    pub title: String,
    /// How bad that is, unless a finding says otherwise.
    pub severity: Severity,
    /// Why it matters.
    pub why: String,
    /// How it is mended, in general.
    pub remedy: String,
    /// The commands that mend it, by what they do; `{name}` is filled in with what was found.
    #[serde(default)]
    pub commands: BTreeMap<String, String>,
    /// Those of the commands that can be run without harm: what they do is meant, and can be undone.
    #[serde(default)]
    pub safe: Vec<String>,
    /// Where to read on.
    #[serde(default)]
    pub references: Vec<String>,
    /// OWASP API Security Top 10 (2023): `API2`.
    pub owasp: Vec<String>,
    /// CIS Controls v8, safeguards: `5.3`.
    pub cis: Vec<String>,
    /// SOC 2, trust services criteria: `CC6.1`.
    pub soc2: Vec<String>,
    /// The parts of a workspace that it looks at.
    #[serde(default)]
    looks_at: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    check: Vec<Check>,
}

static ALL: LazyLock<Vec<Check>> = LazyLock::new(|| {
    // A test holds that each can be read.
    let read = |text: &&str| toml::from_str::<File>(text).ok();
    let files = FILES.iter().filter_map(read);
    files.flat_map(|file| file.check).collect()
});

/// Every check, by area.
pub fn all() -> &'static [Check] {
    &ALL
}

impl Check {
    /// The area it belongs to: what stands before the id's dot.
    pub fn area(&self) -> &str {
        self.id.split('.').next().unwrap_or(&self.id)
    }

    /// The parts of a workspace that it looks at.
    pub fn parts(&self) -> impl Iterator<Item = Part> {
        Part::ALL
            .into_iter()
            .filter(|part| self.looks_at.iter().any(|name| name == part.name()))
    }

    /// As a report names it.
    pub fn rule(&self) -> Rule {
        let tags = [
            ("owasp-api", &self.owasp),
            ("cis", &self.cis),
            ("soc2", &self.soc2),
        ];
        let tags = tags.into_iter().flat_map(|(standard, controls)| {
            controls
                .iter()
                .map(move |control| format!("{standard}:{control}"))
        });
        Rule {
            id: self.id.clone(),
            title: self.title.clone(),
            severity: self.severity,
            why: self.why.clone(),
            help: self.remedy.clone(),
            references: self.references.clone(),
            tags: std::iter::once(self.area().to_owned())
                .chain(tags)
                .collect(),
        }
    }

    /// A command that mends it, filled in; none when it has no such command, or one that wants more.
    pub(super) fn command(&self, which: &str, with: &[(&'static str, String)]) -> Option<String> {
        let mut rest = self.commands.get(which)?.as_str();
        let mut command = String::new();
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}')?;
            let (_, value) = with.iter().find(|(known, _)| *known == name)?;
            command.push_str(before);
            command.push_str(&match name {
                // Several words.
                "values" | "names" => value.split(' ').map(quoted).collect::<Vec<_>>().join(" "),
                _ => quoted(value),
            });
            rest = after;
        }
        command.push_str(rest);
        Some(command)
    }
}

/// A word as a POSIX shell takes it for itself.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@=,+%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_check_can_be_read_and_says_all_that_is_asked_of_it() {
        for text in FILES {
            if let Err(error) = toml::from_str::<File>(text) {
                panic!("{error}");
            }
        }
        let ids: BTreeSet<&str> = all().iter().map(|check| check.id.as_str()).collect();
        assert_eq!(ids.len(), all().len(), "ids are unique");
        for check in all() {
            let id = &check.id;
            for text in [&check.title, &check.why, &check.remedy] {
                assert!(!text.is_empty(), "{id}");
            }
            assert!(
                check.why.ends_with('.') && check.remedy.ends_with('.'),
                "{id}"
            );
            let mapped = [&check.owasp, &check.cis, &check.soc2];
            assert!(mapped.iter().all(|controls| !controls.is_empty()), "{id}");
            for soc2 in &check.soc2 {
                let (series, point) = soc2.split_once('.').unwrap();
                let known = ["A1", "C1"].contains(&series)
                    || ["CC", "P"].iter().any(|it| series.starts_with(it));
                assert!(known && point.parse::<u8>().is_ok(), "{id}: {soc2}");
            }
            for owasp in &check.owasp {
                let number: u8 = owasp.trim_start_matches("API").parse().unwrap();
                assert!((1..=10).contains(&number), "{id}");
            }
            for cis in &check.cis {
                let (control, safeguard) = cis.split_once('.').unwrap();
                let control: u8 = control.parse().unwrap();
                assert!((1..=18).contains(&control) && safeguard.parse::<u8>().is_ok());
            }
            let safe = |name: &String| check.commands.contains_key(name);
            assert!(check.safe.iter().all(safe), "{id}");
            assert_eq!(
                check.parts().count(),
                check.looks_at.len(),
                "{id}: {:?}",
                check.looks_at
            );
        }
    }

    #[test]
    fn the_guide_has_every_check_as_it_is() {
        let guide = include_str!("../../../../docs/guide/checks.md");
        let rows: Vec<&str> = guide.lines().filter(|it| it.starts_with("| `")).collect();
        let wanted = all().iter().map(|check| {
            format!(
                "| `{}` | {} | {} | {} | {} | {} |",
                check.id,
                check.severity,
                check.title,
                check.owasp.join(", "),
                check.cis.join(", "),
                check.soc2.join(", ")
            )
        });
        assert_eq!(rows, wanted.collect::<Vec<_>>());
    }

    #[test]
    fn commands_are_filled_in_as_a_shell_takes_them() {
        let mut check = all()[0].clone();
        check.commands = [("x".to_owned(), "a {name} b".to_owned())].into();
        let filled = |value: &str| check.command("x", &[("name", value.to_owned())]).unwrap();
        assert_eq!(filled("plain-1"), "a plain-1 b");
        assert_eq!(filled("it's; rm -rf"), "a 'it'\\''s; rm -rf' b");
        assert_eq!(filled(""), "a '' b");
        assert_eq!(filled("{name}"), "a '{name}' b");
        assert_eq!(check.command("x", &[]), None);
        assert_eq!(check.command("y", &[]), None);
    }
}
