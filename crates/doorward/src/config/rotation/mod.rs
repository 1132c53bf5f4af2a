//! Settings of rotations: when keys are due, and who outside Doorward holds them as well.

mod consumer;
mod seconds;
mod targets;

use doorward_keys::rotation::Timing;
use doorward_keys::rotation::schedule::{Every, Schedule, Window, Windows};

use super::non_empty;
use super::reader::TableReader;
use crate::duration::{Lasting, LastingOrNever, LastingOrNone};

pub(crate) use consumer::{Acknowledge, ConsumerSettings, HookSettings};
pub(crate) use seconds::RotationSeconds;
pub(super) use targets::overwritten;

/// Most keys that have an age of their own here.
const KEYS_MAX: usize = 256;
/// Longest overlap, ms.
const OVERLAP_MAX: i64 = 24 * 3_600_000;
/// Most consumers.
const CONSUMERS_MAX: usize = 256;

/// When upstream keys are rotated, and who is given the new ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RotationConfig {
    /// How old a key may get; none for no schedule.
    pub(crate) every: Option<Every>,
    /// Up to how much earlier it is replaced, of a thousand.
    pub(crate) jitter: u16,
    /// When a rotation may begin by the schedule.
    pub(crate) windows: Windows,
    /// How long both keys are in force at least, ms.
    pub(crate) overlap: i64,
    /// How long the steps take.
    pub(crate) seconds: RotationSeconds,
    /// From which age on somebody is told, ms; none for never.
    pub(crate) age_alert: Option<i64>,
    /// Keys with an age of their own.
    pub(crate) keys: Vec<KeySettings>,
    /// Who holds keys outside Doorward.
    pub(crate) consumers: Vec<ConsumerSettings>,
}

/// One key's schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeySettings {
    /// Name of its workspace; any when none is said.
    pub(crate) workspace: Option<String>,
    /// Its name.
    pub(crate) name: String,
    /// How old it may get; the inner none for no schedule, the outer where nothing is said here.
    pub(crate) every: Option<Option<Every>>,
    /// Whether Doorward alone holds it, so that the schedule may revoke it.
    pub(crate) alone: bool,
}

impl Default for RotationConfig {
    fn default() -> Self {
        Self {
            every: Some(Every::ninety_days()),
            jitter: 100,
            windows: Windows::default(),
            overlap: Timing::default().overlap,
            seconds: RotationSeconds::default(),
            age_alert: Some(100 * 86_400_000),
            keys: Vec::new(),
            consumers: Vec::new(),
        }
    }
}

impl RotationConfig {
    /// Reads the table.
    pub(super) fn read(&mut self, table: &mut TableReader<'_, '_>) {
        table.text("rotate_every", &mut self.every, every);
        table.text("jitter", &mut self.jitter, percent);
        let mut windows: Vec<Window> = Vec::new();
        table.texts("windows", &mut windows, |text| {
            text.parse::<Window>().map_err(|fault| fault.to_string())
        });
        match Windows::new(windows) {
            Ok(windows) => self.windows = windows,
            Err(fault) => table.missing("windows", &fault.to_string()),
        }
        table.text("overlap", &mut self.overlap, |text| {
            let overlap: LastingOrNone = text.parse()?;
            let millis = overlap.0.map_or(0, Lasting::millis);
            let fits = (0..=OVERLAP_MAX).contains(&millis);
            fits.then_some(millis)
                .ok_or_else(|| "choose at most 24h".to_owned())
        });
        table.table("seconds", |table| self.seconds.read(table));
        table.text("age_alert", &mut self.age_alert, |text| {
            let age: LastingOrNever = text.parse()?;
            Ok(match age {
                LastingOrNever::Never => None,
                LastingOrNever::Lasting(lasting) => Some(lasting.millis()),
            })
        });
        let keys = &mut self.keys;
        table.tables("key", KEYS_MAX, |table| keys.push(KeySettings::read(table)));
        let consumers = &mut self.consumers;
        table.tables("consumer", CONSUMERS_MAX, |table| {
            let consumer = ConsumerSettings::read(table);
            if consumers.iter().any(|other| other.name == consumer.name) {
                table.missing(
                    "name",
                    "two consumers have the same name; give each its own",
                );
            }
            consumers.push(consumer);
        });
    }

    /// When keys are due, but for those with an age of their own.
    pub(crate) fn schedule(&self) -> Schedule {
        let windows = self.windows.clone();
        Schedule::new(self.every, self.jitter, windows).unwrap_or_else(|_| Schedule::default())
    }

    /// How old a key may get: as said here for it, else as noted with it (ms), else as every other.
    pub(crate) fn every(&self, workspace: &str, key: &str, noted: Option<i64>) -> Option<Every> {
        let mine = self.key(workspace, key).and_then(|mine| mine.every);
        match (mine, noted.and_then(Every::millis)) {
            (Some(mine), _) => mine,
            (None, Some(noted)) => Some(noted),
            (None, None) => self.every,
        }
    }

    /// Whether a key is said to be held by Doorward alone.
    pub(crate) fn is_alone(&self, workspace: &str, key: &str) -> bool {
        self.key(workspace, key).is_some_and(|key| key.alone)
    }

    /// Whether somebody outside is configured to be given a key's successor.
    pub(crate) fn is_served(&self, workspace: &str, key: &str) -> bool {
        let mut all = self.consumers.iter();
        all.any(|consumer| consumer.holds(workspace, key))
    }

    fn key(&self, workspace: &str, key: &str) -> Option<&KeySettings> {
        let here = |name: &Option<String>| name.as_deref().is_none_or(|name| name == workspace);
        let mut all = self.keys.iter();
        all.find(|one| one.name == key && here(&one.workspace))
    }
}

impl KeySettings {
    fn read(table: &mut TableReader<'_, '_>) -> Self {
        let (mut workspace, mut name) = (None, String::new());
        let (mut age, mut alone) = (None, false);
        read_key(table, &mut workspace, "name", &mut name);
        table.text("rotate_every", &mut age, |text| every(text).map(Some));
        table.flag("alone", &mut alone);
        if age.is_none() && !alone {
            table.missing(
                "rotate_every",
                "say how old it may get, like \"30d\", or \"never\"",
            );
        }
        Self {
            workspace,
            name,
            every: age,
            alone,
        }
    }
}

/// Which key is meant: its workspace, if that is said, and its name.
fn read_key(
    table: &mut TableReader<'_, '_>,
    workspace: &mut Option<String>,
    field: &'static str,
    name: &mut String,
) {
    table.text("workspace", workspace, |text| {
        non_empty(text).map(|text| Some(text.to_owned()))
    });
    let mut said = false;
    table.text(field, name, |text| {
        said = true;
        non_empty(text).map(str::to_owned)
    });
    if !said {
        table.missing(field, "say which upstream key, by its name");
    }
}

fn every(text: &str) -> Result<Option<Every>, String> {
    let lasting: Lasting = match text.parse::<LastingOrNever>()? {
        LastingOrNever::Never => return Ok(None),
        LastingOrNever::Lasting(lasting) => lasting,
    };
    let every = Every::millis(lasting.millis());
    every
        .map(Some)
        .ok_or_else(|| "choose a time from an hour to ten years, or \"never\"".to_owned())
}

fn percent(text: &str) -> Result<u16, String> {
    let number = text
        .strip_suffix('%')
        .and_then(|text| text.parse::<u16>().ok());
    let number = number.filter(|percent| *percent <= 50);
    number
        .map(|percent| percent * 10)
        .ok_or_else(|| "write a percentage from \"0%\" to \"50%\"".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn faults_are_told_with_what_would_be_right() {
        let text = "\
[rotation]
rotate_every = \"90\"
jitter = \"60%\"
windows = [\"Mon-Fri 09:00-17:00 Europe/Nowhere\"]
age_alert = \"old\"
[[rotation.key]]
rotate_every = \"10m\"
[[rotation.consumer]]
key = \"reader\"
write = [\"env://KEY\"]
[[rotation.consumer]]
name = \"crm\"
key = \"reader\"
acknowledge = \"hook\"
[[rotation.consumer]]
name = \"crm\"
key = \"reader\"
write = [\"file:///run/crm/key\"]
webhook = { url = \"http://crm.example/rotated\", secret = \"file:s\", send_key = true }
command = [\"deploy\", \"crm\"]
";
        let told = Config::parse(text).unwrap_err().told("doorward.toml");
        for part in [
            ":2:16: rotation.rotate_every: write a time like 90d",
            ":3:10: rotation.jitter: write a percentage",
            ":4:12: rotation.windows: there is no such time zone",
            ":5:13: rotation.age_alert: write a time",
            "rotation.key.name is missing: say which upstream key",
            "rotation.key.rotate_every: choose a time from an hour",
            "rotation.consumer.name is missing",
            "rotation.consumer.write: nothing can be written there",
            "rotation.consumer.acknowledge is missing: with \"hook\" there has to be",
            "two consumers have the same name",
            "rotation.consumer.webhook.url: an address like https://",
            "rotation.consumer.command: name the program by its whole path",
        ] {
            assert!(told.contains(part), "{part}\n{told}");
        }
    }

    #[test]
    fn a_key_has_its_own_age_or_that_of_all() {
        let text = "\
[rotation]
rotate_every = \"90d\"
[[rotation.key]]
name = \"reader\"
workspace = \"acme\"
rotate_every = \"30d\"
[[rotation.key]]
name = \"writer\"
rotate_every = \"never\"
[[rotation.key]]
name = \"own\"
alone = true
";
        let rotation = Config::parse(text).unwrap().rotation;
        let days = |days: i64| Every::millis(days * 86_400_000);
        let noted = Some(7 * 86_400_000);
        assert_eq!(rotation.every("acme", "reader", noted), days(30));
        assert_eq!(rotation.every("other", "reader", noted), days(7));
        assert_eq!(rotation.every("other", "reader", None), days(90));
        assert_eq!(rotation.every("other", "writer", noted), None);
        assert_eq!(rotation.every("other", "own", noted), days(7));
        assert!(rotation.is_alone("other", "own") && !rotation.is_alone("acme", "reader"));
    }
}
