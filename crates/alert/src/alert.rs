//! One alert, kept within bounds whoever raises it.

use doorward_catalog::UpstreamKeyFormat;
use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::kind::{AlertKind, Severity};

/// Most characters of a title.
const TITLE_MAX: usize = 120;
/// Most characters of a text.
const TEXT_MAX: usize = 2_000;
/// Most facts.
const FACTS_MAX: usize = 16;
/// Most characters of a fact's name.
const NAME_MAX: usize = 40;
/// Most characters of a fact's value, and of the key that alerts are held to be the same by.
const VALUE_MAX: usize = 200;
/// Stands for what looks like a key.
const MASKED: &str = "(not shown)";
/// What Doorward's own secrets begin with.
const SECRETS_BEGIN: [&str; 3] = ["dwk_", "dwa_", "whsec_"];

/// What somebody should know now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// What it is about.
    pub kind: AlertKind,
    /// How bad it is.
    pub severity: Severity,
    /// One line.
    pub title: String,
    /// What happened, and what to do next; may be empty.
    pub text: String,
    /// Names, ids and counts; no secrets, no data of people.
    pub facts: Vec<(String, String)>,
    /// Alerts of one kind with the same key are the same: they are told once in a while.
    pub key: String,
    /// When it happened.
    pub at: Timestamp,
}

impl Alert {
    /// An alert as bad as its kind usually is, the same as any other of its kind.
    pub fn new(kind: AlertKind, title: impl AsRef<str>, at: Timestamp) -> Self {
        Self {
            kind,
            severity: kind.severity(),
            title: line(title.as_ref(), TITLE_MAX),
            text: String::new(),
            facts: Vec::new(),
            key: String::new(),
            at,
        }
    }

    /// Worse or less bad than usual.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// What happened and what to do next.
    #[must_use]
    pub fn text(mut self, text: impl AsRef<str>) -> Self {
        let lines = text.as_ref().lines().map(|text| line(text, TEXT_MAX));
        let text = lines.collect::<Vec<_>>().join("\n");
        self.text = text.chars().take(TEXT_MAX).collect();
        self
    }

    /// A name, an id or a count. Beyond sixteen they are left out.
    #[must_use]
    pub fn fact(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        if self.facts.len() < FACTS_MAX {
            let value = line(&value.to_string(), VALUE_MAX);
            self.facts.push((line(name, NAME_MAX), value));
        }
        self
    }

    /// What makes it the same as another of its kind: a client's or a key's id, say.
    #[must_use]
    pub fn key(mut self, key: impl std::fmt::Display) -> Self {
        self.key = line(&key.to_string(), VALUE_MAX);
        self
    }
}

/// An alert as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Its id: `al_` and 16 hexadecimal digits, the same however often it is tried.
    pub id: String,
    /// The alert, the last of them if there were several.
    #[serde(flatten)]
    pub alert: Alert,
    /// How often it came since it was last told: 1 for a new one.
    pub count: u64,
    /// When the first of them came, if there were several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

impl Told {
    /// A new alert.
    pub fn first(alert: Alert) -> Self {
        Self::again(alert, 1, None)
    }

    /// One that came several times.
    pub(crate) fn again(alert: Alert, count: u64, since: Option<Timestamp>) -> Self {
        Self {
            id: format!("al_{:016x}", fastrand::u64(..)),
            alert,
            count,
            since,
        }
    }

    /// The title, with how often it came.
    pub(crate) fn headline(&self) -> String {
        match (self.count, self.since) {
            (count, Some(since)) if count > 1 => {
                format!("{} ({count} more times since {since})", self.alert.title)
            }
            _ => self.alert.title.clone(),
        }
    }
}

/// One line of bounded length, without control characters and without what looks like a key.
fn line(text: &str, most: usize) -> String {
    let plain: String = text
        .chars()
        .map(|c| if is_odd(c) { ' ' } else { c })
        .take(most)
        .collect();
    if !may_hold_secret(&plain) {
        return plain;
    }
    let words = plain
        .split(' ')
        .map(|word| if may_hold_secret(word) { MASKED } else { word });
    let masked = words.collect::<Vec<_>>().join(" ");
    masked.chars().take(most).collect()
}

/// Control characters, and those that turn the direction of what is read.
fn is_odd(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn may_hold_secret(text: &str) -> bool {
    SECRETS_BEGIN.iter().any(|begin| {
        // The beginning alone, as in a sentence about keys, is none.
        text.match_indices(begin).any(|(at, _)| {
            let rest = text.get(at + begin.len()..).unwrap_or_default();
            rest.bytes().take_while(|byte| is_of_key(*byte)).count() >= 8
        })
    }) || UpstreamKeyFormat::matches(text)
}

const fn is_of_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AT: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[test]
    fn what_looks_like_a_key_is_masked() {
        let alert = Alert::new(AlertKind::Test, "key dwk_p_abcdefghijkl_xyz was seen", AT)
            .text("first whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\nsecond dwk_ keys are fine")
            .fact("key", "dwa_abcdefghijklmnop");
        assert_eq!(alert.title, "key (not shown) was seen");
        assert_eq!(alert.text, "first (not shown)\nsecond dwk_ keys are fine");
        assert_eq!(alert.facts, [("key".to_owned(), MASKED.to_owned())]);
    }

    proptest! {
        #[test]
        fn stays_within_bounds_on_one_line(text in "\\PC{0,300}|[\\x00-\\x7f]{0,300}", n in 0_usize..40) {
            let mut alert = Alert::new(AlertKind::Test, &text, AT).text(text.repeat(20)).key(&text);
            for _ in 0..n {
                alert = alert.fact(&text, &text);
            }
            prop_assert!(alert.title.chars().count() <= TITLE_MAX);
            prop_assert!(alert.text.chars().count() <= TEXT_MAX);
            prop_assert!(alert.facts.len() <= FACTS_MAX);
            prop_assert!(!alert.title.chars().any(char::is_control));
            prop_assert!(!alert.text.chars().any(|c| c.is_control() && c != '\n'));
        }
    }
}
