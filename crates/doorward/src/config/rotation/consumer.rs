//! Settings of those who hold an upstream key outside Doorward.

use std::path::Path;
use std::time::Duration;

use doorward_secrets::SecretRef;

use super::read_key;
use crate::config::reader::TableReader;
use crate::config::{non_empty, reference};
use crate::duration::Lasting;

/// Most references that one consumer's key is written to.
const WRITE_MAX: usize = 16;
/// Most parts of a command.
const ARGV_MAX: usize = 64;

/// Somebody outside Doorward who holds an upstream key, and is given its successor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConsumerSettings {
    /// Its name.
    pub(crate) name: String,
    /// Name of the key's workspace; any when none is said.
    pub(crate) workspace: Option<String>,
    /// Name of the upstream key.
    pub(crate) key: String,
    /// References that the new key is written to.
    pub(crate) write: Vec<String>,
    /// What is called then.
    pub(crate) webhook: Option<HookSettings>,
    /// The program that is run then, and its arguments; none when empty.
    pub(crate) command: Vec<String>,
    /// Whether the program reads the key on its standard input.
    pub(crate) command_stdin: bool,
    /// How it is known to use the new key.
    pub(crate) acknowledge: Acknowledge,
    /// Whether silence is taken for enough though the key may read, and reads can't be seen.
    pub(crate) reads_unseen: bool,
    /// How long the old key is unused before that counts as silence; of a hook, how long it may fail
    /// before somebody is told.
    pub(crate) wait: Duration,
}

/// A webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HookSettings {
    /// Where it goes, or a reference to that.
    pub(crate) url: String,
    /// Reference of the secret that it is signed with.
    pub(crate) secret: String,
    /// Whether it carries the key.
    pub(crate) send_key: bool,
}

/// How a consumer is known to use the new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Acknowledge {
    /// Its hook succeeds.
    Hook,
    /// The old key is not used any more.
    Silence,
}

impl ConsumerSettings {
    pub(super) fn read(table: &mut TableReader<'_, '_>) -> Self {
        let (mut name, mut workspace, mut key) = (String::new(), None, String::new());
        let mut named = false;
        table.text("name", &mut name, |text| {
            named = true;
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if !text.is_empty() && text.len() <= 64 && text.chars().all(plain) {
                Ok(text.to_owned())
            } else {
                Err("write 1 to 64 lower-case letters, digits and dashes".to_owned())
            }
        });
        if !named {
            table.missing("name", "a rotation remembers by it whom it told");
        }
        read_key(table, &mut workspace, "key", &mut key);
        let mut write = Vec::new();
        table.texts("write", &mut write, writable);
        if write.len() > WRITE_MAX {
            table.missing("write", "a key is written to 16 places at the most");
        }
        let mut webhook = None;
        table.table("webhook", |table| webhook = Some(HookSettings::read(table)));
        let (mut command, mut command_stdin) = (Vec::new(), false);
        table.texts("command", &mut command, |text| Ok(text.to_owned()));
        if command.len() > ARGV_MAX || command.first().is_some_and(|first| !first.starts_with('/'))
        {
            let why = "name the program by its whole path, like [\"/usr/local/bin/deploy\", \"crm\"]; \
                       no shell reads it";
            table.wrong("command", why);
        }
        table.flag("command_stdin", &mut command_stdin);
        let hooks = webhook.is_some() || !command.is_empty();
        let mut acknowledge = if hooks {
            Acknowledge::Hook
        } else {
            Acknowledge::Silence
        };
        table.text("acknowledge", &mut acknowledge, |text| match text {
            "hook" => Ok(Acknowledge::Hook),
            "silence" => Ok(Acknowledge::Silence),
            _ => Err("choose \"hook\" or \"silence\"".to_owned()),
        });
        if acknowledge == Acknowledge::Hook && !hooks {
            table.missing(
                "acknowledge",
                "with \"hook\" there has to be a webhook or a command",
            );
        }
        let mut reads_unseen = false;
        table.flag("reads_unseen", &mut reads_unseen);
        let mut wait = Duration::from_secs(30 * 60);
        table.text("wait", &mut wait, |text| {
            let lasting: Lasting = text.parse()?;
            let wait = lasting.duration();
            if wait > Duration::from_secs(30 * 86_400) {
                return Err("choose at most 30d".to_owned());
            }
            Ok(wait)
        });
        if write.is_empty() && !hooks {
            table.missing("write", "say where its key is written, or what is called");
        }
        Self {
            name,
            workspace,
            key,
            write,
            webhook,
            command,
            command_stdin,
            acknowledge,
            reads_unseen,
            wait,
        }
    }

    /// Whether it holds a key, by the names of its workspace and its own.
    pub(crate) fn holds(&self, workspace: &str, key: &str) -> bool {
        let here = self.workspace.as_deref();
        here.is_none_or(|name| name == workspace) && self.key == key
    }
}

impl HookSettings {
    fn read(table: &mut TableReader<'_, '_>) -> Self {
        let (mut url, mut secret, mut send_key) = (String::new(), String::new(), false);
        table.flag("send_key", &mut send_key);
        table.text("url", &mut url, |text| {
            if text.starts_with("https://") || (text.starts_with("http://") && !send_key) {
                return Ok(text.to_owned());
            }
            reference(text).map_err(|_| {
                "an address like https://… (plain http carries no key) or, when it is a secret, a \
                 reference to it"
                    .to_owned()
            })
        });
        table.text("secret", &mut secret, reference);
        for (field, value) in [("url", &url), ("secret", &secret)] {
            if value.is_empty() {
                table.missing(
                    field,
                    "a webhook has an address, and a reference to what signs it",
                );
            }
        }
        Self {
            url,
            secret,
            send_key,
        }
    }
}

/// A reference that a key can be written to.
fn writable(text: &str) -> Result<String, String> {
    let text = non_empty(text).and_then(reference)?;
    let there = SecretRef::parse_in(&text, Path::new("/")).map_err(|error| error.to_string())?;
    if there.other_slot().is_none() {
        return Err(
            "nothing can be written there; choose file://, age://, or a secret store".into(),
        );
    }
    Ok(text)
}
