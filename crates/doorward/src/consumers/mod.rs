//! Those outside Doorward who hold an upstream key as well: each is given the new one.
//!
//! A consumer's key is written to its references, then its webhook is called and its program run.
//! Everything can be done again: what was written is written once more, and a webhook has the same
//! id each time. Nothing of the key's value is told but where it was asked for.

mod command;
mod fit;
mod outside;
mod webhook;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_policy::Timestamp;
use doorward_secrets::{Error as SecretError, Overwrite, SecretRef, Secrets};
use doorward_store::{RotationRecord, Workspace};
use secrecy::SecretString;
use tokio::task::spawn_blocking;

pub(crate) use outside::Outsiders;

use crate::config::{Acknowledge, ConsumerSettings};
use crate::context::Context;
use crate::secret_setup::SecretSetup;
use fit::Fit;

/// Longest that a webhook or a program may take.
const LIMIT: Duration = Duration::from_secs(60);

/// What a consumer is told: never the key itself.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    /// The rotation's id.
    pub(crate) rotation: String,
    /// Name of the workspace.
    pub(crate) workspace: String,
    /// Name of the upstream key, which stays.
    pub(crate) key: String,
    /// Whether the key that is in force from now on is the old one again.
    pub(crate) rolled_back: bool,
}

/// Why a consumer has not got the key. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missed {
    /// For people.
    pub(crate) why: String,
    /// Whether no other try will do it before a person changes something.
    pub(crate) permanent: bool,
}

impl Missed {
    fn later(why: impl std::fmt::Display) -> Self {
        Self {
            why: why.to_string(),
            permanent: false,
        }
    }

    fn for_good(why: impl std::fmt::Display) -> Self {
        Self {
            why: why.to_string(),
            permanent: true,
        }
    }
}

/// The consumers that are configured now.
#[derive(Clone)]
pub(crate) struct Consumers {
    secrets: Arc<Secrets>,
    in_force: Arc<Mutex<InForce>>,
}

struct InForce {
    all: Vec<ConsumerSettings>,
    setup: SecretSetup,
}

impl Consumers {
    /// Those of a configuration.
    pub(crate) fn new(context: &Context, secrets: Arc<Secrets>) -> Self {
        Self {
            secrets,
            in_force: Arc::new(Mutex::new(InForce::of(context))),
        }
    }

    /// Takes those of a configuration in the place of what was.
    pub(crate) fn set(&self, context: &Context) {
        *self.in_force.lock().unwrap_or_else(PoisonError::into_inner) = InForce::of(context);
    }

    /// The names of those that hold a key.
    pub(crate) fn of(&self, workspace: &str, key: &str) -> Vec<String> {
        self.look(|all| {
            let mine = all.iter().filter(|one| one.holds(workspace, key));
            mine.map(|one| one.name.clone()).collect()
        })
    }

    /// How long the old key must be unused before those who do not acknowledge are taken to have
    /// changed over, ms: the longest of theirs. `None` when each acknowledges by its hook.
    pub(crate) fn silence(&self, names: &[String]) -> Option<i64> {
        self.look(|all| {
            let silent = all
                .iter()
                .filter(|one| one.acknowledge == Acknowledge::Silence && names.contains(&one.name));
            let longest = silent.map(|one| one.wait).max()?;
            i64::try_from(longest.as_millis()).ok()
        })
    }

    /// The first of these consumers that does not acknowledge; with `sure`, only one that was not said
    /// to do with reads that can't be seen.
    pub(crate) fn silent(&self, names: &[String], sure: bool) -> Option<String> {
        self.look(|all| {
            let mut all = all.iter();
            let found = all.find(|one| {
                let silent = one.acknowledge == Acknowledge::Silence;
                silent && names.contains(&one.name) && !(sure && one.reads_unseen)
            });
            found.map(|one| one.name.clone())
        })
    }

    /// Whether these consumers can be given a key with no harm, by what there is.
    ///
    /// # Errors
    /// What to change in the configuration.
    pub(crate) fn check(
        &self,
        names: &[String],
        workspaces: &[Workspace],
        rotations: &[RotationRecord],
    ) -> Result<(), String> {
        let (mine, setup) = {
            let in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
            let mine = in_force.all.iter().filter(|one| names.contains(&one.name));
            (mine.cloned().collect::<Vec<_>>(), in_force.setup.clone())
        };
        let fit = Fit {
            setup: &setup,
            workspaces,
            rotations,
        };
        mine.iter().try_for_each(|consumer| fit.check(consumer))
    }

    /// How long a consumer's hook may fail before somebody is told.
    pub(crate) fn patience(&self, name: &str) -> Duration {
        self.look(|all| {
            let found = all.iter().find(|one| one.name == name);
            found.map_or(LIMIT, |one| one.wait)
        })
    }

    /// Gives a consumer the key, and notes in `written` which references it was written to. One that
    /// is not configured any more, or for another key, needs none: whoever changed the configuration
    /// said so.
    ///
    /// # Errors
    /// When something was not done; what was done before is done again by the next try.
    pub(crate) async fn tell(
        &self,
        name: &str,
        notice: &Notice,
        (value, written): (&SecretString, &mut Vec<String>),
        now: Timestamp,
    ) -> Result<(), Missed> {
        let (consumer, setup) = {
            let in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
            let mut all = in_force.all.iter();
            let found =
                all.find(|one| one.name == name && one.holds(&notice.workspace, &notice.key));
            let Some(consumer) = found else {
                tracing::warn!(consumer = name, "a consumer that is gone is told nothing");
                return Ok(());
            };
            (consumer.clone(), in_force.setup.clone())
        };
        let read = |text: &str| setup.reference(text).map_err(Missed::for_good);
        for text in &consumer.write {
            let reference = read(text)?;
            let place = reference.to_string();
            self.write(reference, value.clone()).await?;
            written.push(place);
        }
        if let Some(hook) = &consumer.webhook {
            let address = match webhook::is_plain(&hook.url) {
                true => SecretString::from(hook.url.clone()),
                false => self.read(read(&hook.url)?).await?,
            };
            let secret = self.read(read(&hook.secret)?).await?;
            let carried = hook.send_key.then_some(value);
            webhook::call(&address, &secret, (name, notice), carried, now).await?;
        }
        if let Some((program, arguments)) = consumer.command.split_first() {
            let given = consumer.command_stdin.then_some(value);
            command::run(program, arguments, (name, notice), given).await?;
        }
        Ok(())
    }

    async fn write(&self, reference: SecretRef, value: SecretString) -> Result<(), Missed> {
        let secrets = Arc::clone(&self.secrets);
        let written = spawn_blocking(move || secrets.write(&reference, &value, Overwrite::Replace));
        match written.await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error @ SecretError::ReadOnly { .. })) => Err(Missed::for_good(error)),
            Ok(Err(error)) => Err(Missed::later(error)),
            Err(_) => Err(Missed::later("writing the key failed")),
        }
    }

    async fn read(&self, reference: SecretRef) -> Result<SecretString, Missed> {
        let secrets = Arc::clone(&self.secrets);
        let read = spawn_blocking(move || secrets.read(&reference)).await;
        read.map_err(|_| Missed::later("reading a secret failed"))?
            .map_err(Missed::later)
    }

    fn look<T>(&self, look: impl FnOnce(&[ConsumerSettings]) -> T) -> T {
        let in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
        look(&in_force.all)
    }
}

impl InForce {
    fn of(context: &Context) -> Self {
        Self {
            all: context.config.rotation.consumers.clone(),
            setup: context.secrets.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cli::Global;
    use crate::output::Output;

    fn context(folder: &std::path::Path, text: &str) -> Context {
        let path = folder.join("d.toml");
        fs::write(&path, text).unwrap();
        let global = Global {
            data_dir: Some(folder.to_owned()),
            config: Some(path),
            json: false,
        };
        Context::new(&global, Output::new(false)).unwrap()
    }

    fn notice() -> Notice {
        Notice {
            rotation: "0123456789".to_owned(),
            workspace: "acme".to_owned(),
            key: "reader".to_owned(),
            rolled_back: false,
        }
    }

    const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);

    #[tokio::test]
    async fn keys_are_written_and_programs_run_as_often_as_asked() {
        let folder = tempfile::tempdir().unwrap();
        let seen = folder.path().join("seen");
        fs::create_dir(folder.path().join("copies")).unwrap();
        let text = format!(
            "[[rotation.consumer]]\nname = \"one\"\nkey = \"reader\"\nwrite = [\"file:copies/a\", \
             \"file:copies/b\"]\ncommand = [\"/bin/sh\", \"-c\", \"cat > '{0}'; echo \
             $DOORWARD_KEY/$DOORWARD_CONSUMER >> '{0}'; env >> '{0}'\"]\ncommand_stdin = true\nwait \
             = \"5m\"\n[[rotation.consumer]]\nname = \"two\"\nworkspace = \"other\"\nkey = \
             \"reader\"\nwrite = [\"file:copies/c\"]\n[[rotation.consumer]]\nname = \"three\"\nkey = \
             \"writer\"\ncommand = [\"/bin/false\"]\n",
            seen.display()
        );
        let context = context(folder.path(), &text);
        let consumers = Consumers::new(&context, Arc::new(context.secrets.open().unwrap()));
        assert_eq!(consumers.of("acme", "reader"), ["one"]);
        assert_eq!(consumers.of("other", "reader"), ["one", "two"]);
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|name| (*name).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(consumers.silence(&names(&["one"])), None);
        assert_eq!(consumers.silence(&names(&["one", "two"])), Some(1_800_000));

        let mine = notice();
        for value in ["value-one", "value-two"] {
            let value = SecretString::from(value);
            let mut written = Vec::new();
            let told = consumers.tell("one", &mine, (&value, &mut written), NOW);
            told.await.unwrap();
            assert!(written[0].ends_with("copies/a") && written.len() == 2);
        }
        for name in ["a", "b"] {
            let copy = folder.path().join("copies").join(name);
            assert_eq!(fs::read_to_string(copy).unwrap(), "value-two");
        }
        let seen = fs::read_to_string(seen).unwrap();
        // A consumer that holds another key now is not given this one.
        let other = Notice {
            key: "writer".to_owned(),
            ..notice()
        };
        let (value, mut written) = (SecretString::from("value-other"), Vec::new());
        let told = consumers.tell("one", &other, (&value, &mut written), NOW);
        told.await.unwrap();
        assert!(written.is_empty());
        assert!(seen.starts_with("value-tworeader/one\n"), "{seen}");
        assert!(!seen.contains("CARGO"), "nothing of this process: {seen}");

        let value = SecretString::from("value");
        let missed = consumers
            .tell("three", &other, (&value, &mut written), NOW)
            .await
            .unwrap_err();
        assert!(
            missed.why.contains("ended with 1") && !missed.permanent,
            "{missed:?}"
        );
        consumers
            .tell("gone", &notice(), (&value, &mut written), NOW)
            .await
            .unwrap();
    }
}
