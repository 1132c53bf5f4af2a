//! The choice of the provider, and the one way to all secrets.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use secrecy::SecretString;

use crate::cache::{Cache, Held, Lent, Trouble, Worker};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Result};
use crate::provider::{Expect, Found, Overwrite, Provider, Seen, Version};
use crate::providers::{AgeProvider, AgeRecipient, ExecProvider, of_this_build};
use crate::reference::{Scheme, SecretRef};
use crate::settings::Settings;

/// Is told of each reading of a secret: which, and whether it was had.
type Told = Arc<dyn Fn(&SecretRef, bool) + Send + Sync>;
/// Is told what should be mended about a place.
type Warned = Arc<dyn Fn(&SecretRef, &str) + Send + Sync>;
/// Is told of trouble with secrets that are kept.
type Troubled = Arc<dyn Fn(Trouble) + Send + Sync>;

/// How secrets are read.
#[derive(Clone)]
pub(crate) struct Setup {
    providers: BTreeMap<Scheme, Arc<dyn Provider>>,
    told: Option<Told>,
    warned: Option<Warned>,
    pub(crate) troubled: Option<Troubled>,
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    /// Whether a thread reads ahead.
    pub(crate) ahead: bool,
}

impl Setup {
    fn provider(&self, reference: &SecretRef) -> Result<&dyn Provider> {
        self.provider_of(reference).map(Arc::as_ref)
    }

    fn provider_of(&self, reference: &SecretRef) -> Result<&Arc<dyn Provider>> {
        let scheme = reference.scheme();
        match self.providers.get(&scheme) {
            Some(provider) => Ok(provider),
            None => Err(Error::NotBuiltIn {
                scheme: scheme.as_str(),
                feature: scheme.feature().unwrap_or(scheme.as_str()),
            }),
        }
    }

    /// Asks the provider, and tells who wants to know.
    pub(crate) fn ask(&self, reference: &SecretRef) -> Result<Found> {
        let read = self
            .provider(reference)
            .and_then(|provider| provider.read(reference));
        if let Some(told) = &self.told {
            told(reference, read.is_ok());
        }
        if let (
            Some(warned),
            Ok(Found {
                warning: Some(warning),
                ..
            }),
        ) = (&self.warned, &read)
        {
            warned(reference, warning);
        }
        read
    }
}

/// Reads and writes secrets by whichever provider their scheme names.
///
/// Secrets of this machine are read when they are asked for. Those of other machines and programs
/// are kept for a while, as [`Settings`] say: one reading of each at a time, read again ahead of
/// its end while it is used, and the last good value for some hours while the provider is in
/// trouble.
pub struct Secrets {
    setup: Setup,
    running: OnceLock<Running>,
}

struct Running {
    cache: Arc<Cache>,
    worker: OnceLock<Worker>,
}

impl Secrets {
    /// The providers of this build, at the usual times. Programs are not run until
    /// [`Secrets::allow_exec`].
    pub fn new() -> Self {
        Self::timed(Settings::default())
    }

    /// The same at other times.
    pub fn timed(settings: Settings) -> Self {
        Self {
            setup: Setup {
                providers: of_this_build(settings.limit),
                told: None,
                warned: None,
                troubled: None,
                settings,
                clock: Arc::new(SystemClock::new()),
                ahead: true,
            },
            running: OnceLock::new(),
        }
    }

    /// The same with another provider for one scheme.
    #[must_use]
    pub fn with(self, scheme: Scheme, provider: impl Provider + 'static) -> Self {
        self.changed(|setup| {
            setup.providers.insert(scheme, Arc::new(provider));
        })
    }

    /// The same, with programs run for `exec://` references.
    #[must_use]
    pub fn allow_exec(self) -> Self {
        let limit = self.setup.settings.limit;
        self.with(Scheme::Exec, ExecProvider::allowed().within(limit))
    }

    /// The same, with the identity that opens files encrypted with age at a reference of another
    /// scheme, when it is not in `age.key` beside each, and with others that can decrypt what is
    /// written.
    ///
    /// # Errors
    /// When the reference is an `age://` one, or this build has no provider for it.
    pub fn age(self, identity: Option<SecretRef>, recipients: Vec<AgeRecipient>) -> Result<Self> {
        let age = AgeProvider::new().recipients(recipients);
        let Some(reference) = identity else {
            return Ok(self.with(Scheme::Age, age));
        };
        if reference.scheme() == Scheme::Age {
            let why = "the identity of age can't be encrypted with age";
            return Err(Error::refused(&reference, why));
        }
        let provider = Arc::clone(self.setup.provider_of(&reference)?);
        Ok(self.with(Scheme::Age, age.identity(reference, provider)))
    }

    /// The same, reaching Vault or OpenBao as the settings say, and not as the environment does.
    ///
    /// # Errors
    /// When what lets Doorward in is at a `vault://` reference, or this build has no provider for
    /// it.
    #[cfg(feature = "vault")]
    pub fn vault(self, settings: crate::providers::VaultSettings) -> Result<Self> {
        let credentials = match settings.login.credential() {
            Some(reference) if reference.scheme() == Scheme::Vault => {
                let why = "what opens Vault can't be in Vault";
                return Err(Error::refused(reference, why));
            }
            Some(reference) => Some(Arc::clone(self.setup.provider_of(reference)?)),
            None => None,
        };
        let limit = self.setup.settings.limit;
        let vault = crate::providers::VaultProvider::new(settings, credentials, limit);
        Ok(self.with(Scheme::Vault, vault))
    }

    /// The same, reaching Google Cloud's Secret Manager at another endpoint: see
    /// [`GcpProvider::new`](crate::GcpProvider::new).
    #[cfg(feature = "gcp")]
    #[must_use]
    pub fn gcp_at(self, endpoint: String) -> Self {
        let limit = self.setup.settings.limit;
        let gcp = crate::providers::GcpProvider::new(Some(endpoint), limit);
        self.with(Scheme::GcpSm, gcp)
    }

    /// The same, telling `told` of each reading: which secret, and whether it was had.
    #[must_use]
    pub fn telling(self, told: impl Fn(&SecretRef, bool) + Send + Sync + 'static) -> Self {
        self.changed(|setup| setup.told = Some(Arc::new(told)))
    }

    /// The same, telling `warned` what should be mended about the place of a secret that is
    /// taken nevertheless.
    #[must_use]
    pub fn warning(self, warned: impl Fn(&SecretRef, &str) + Send + Sync + 'static) -> Self {
        self.changed(|setup| setup.warned = Some(Arc::new(warned)))
    }

    /// The same, telling `troubled` when a secret that is kept can't be read, is lost, and can be
    /// read again. It is told once of each, by any thread.
    #[must_use]
    pub fn troubled(self, troubled: impl Fn(Trouble) + Send + Sync + 'static) -> Self {
        self.changed(|setup| setup.troubled = Some(Arc::new(troubled)))
    }

    /// The same by another clock.
    #[must_use]
    pub fn by(self, clock: Arc<dyn Clock>) -> Self {
        self.changed(|setup| setup.clock = clock)
    }

    /// What is kept was kept under the old setup, and is forgotten.
    pub(crate) fn changed(mut self, change: impl FnOnce(&mut Setup)) -> Self {
        self.running.take();
        change(&mut self.setup);
        self
    }

    /// Reads the secret. One of another machine or program may have been read before, at most
    /// the time to live of [`Settings`] ago, or while its provider is in trouble its age limit.
    ///
    /// # Errors
    /// See [`Provider::read`].
    pub fn read(&self, reference: &SecretRef) -> Result<SecretString> {
        if self.setup.settings.ttl(reference.scheme()).is_some() {
            return self.lend(reference).map(|lent| SecretString::clone(&lent));
        }
        self.cache().read_now(reference).map(|found| found.secret)
    }

    /// The same, without a copy of a secret that is kept.
    pub fn lend(&self, reference: &SecretRef) -> Result<Lent> {
        self.working().get(reference)
    }

    /// Reads the secret and its version from the provider itself, now.
    ///
    /// # Errors
    /// See [`Provider::read`].
    pub fn find(&self, reference: &SecretRef) -> Result<Found> {
        self.cache().find(reference)
    }

    /// Reads the secret, to be used often: what is given is kept up to date while it lives. A
    /// secret of this machine is read again by [`Secrets::refresh`], and after a failure of that.
    ///
    /// # Errors
    /// See [`Provider::read`].
    pub fn hold(&self, reference: &SecretRef) -> Result<Held> {
        self.working().hold(reference)
    }

    /// The same of many, in their order, all asked at once and waited for no longer than the limit
    /// for every 32 of them. One that can't be read is held nevertheless, and tried again behind
    /// its holders' backs: [`Held::get`] says why there is no value.
    ///
    /// # Errors
    /// Of those that can't be kept, since too many are.
    pub fn hold_on(&self, references: &[SecretRef]) -> Vec<Result<Held>> {
        self.working().hold_on(references)
    }

    /// Reads again, now, all that is held and kept. Gives what is held and could not be read.
    pub fn refresh(&self) -> Vec<Error> {
        self.cache().refresh()
    }

    /// Writes the secret. See [`Provider::write`].
    pub fn write(
        &self,
        reference: &SecretRef,
        secret: &SecretString,
        overwrite: Overwrite,
    ) -> Result<()> {
        self.put(reference, secret, &overwrite.into()).map(drop)
    }

    /// Writes the secret if what is there is what is expected. Gives its version. See
    /// [`Provider::write`].
    pub fn put(
        &self,
        reference: &SecretRef,
        secret: &SecretString,
        expect: &Expect,
    ) -> Result<Version> {
        let provider = self.setup.provider(reference)?;
        let version = provider.write(reference, secret, expect)?;
        let written = Found {
            version: Some(version.clone()),
            ..Found::only(secret.clone())
        };
        self.cache().note(reference, written);
        Ok(version)
    }

    /// Takes the secret away. See [`Provider::erase`].
    pub fn erase(&self, reference: &SecretRef) -> Result<()> {
        self.setup.provider(reference)?.erase(reference)?;
        self.cache().erased(reference);
        Ok(())
    }

    /// Looks at the secret's place. See [`Provider::inspect`].
    pub fn inspect(&self, reference: &SecretRef) -> Result<Seen> {
        self.setup.provider(reference)?.inspect(reference)
    }

    /// Every secret at the same place. See [`Provider::siblings`].
    pub fn siblings(&self, reference: &SecretRef) -> Result<Vec<SecretRef>> {
        self.setup.provider(reference)?.siblings(reference)
    }

    fn running(&self) -> &Running {
        self.running.get_or_init(|| Running {
            cache: Arc::new(Cache::new(self.setup.clone())),
            worker: OnceLock::new(),
        })
    }

    pub(crate) fn cache(&self) -> &Arc<Cache> {
        &self.running().cache
    }

    /// The cache, with a thread that reads ahead.
    fn working(&self) -> &Arc<Cache> {
        let running = self.running();
        if self.setup.ahead {
            running.worker.get_or_init(|| Worker::start(&running.cache));
        }
        &running.cache
    }
}

impl Default for Secrets {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::{EnvProvider, FileProvider};
    use secrecy::ExposeSecret;

    #[test]
    fn the_scheme_picks_the_provider() {
        let secrets = Secrets::new().with(
            Scheme::Env,
            EnvProvider::with_lookup(|_| Some("from the environment".into())),
        );
        let read = secrets.read(&SecretRef::env("ANY").unwrap()).unwrap();
        assert_eq!(read.expose_secret(), "from the environment");

        let dir = tempfile::tempdir().unwrap();
        let file = SecretRef::file(&dir.path().join("it")).unwrap();
        assert!(matches!(secrets.read(&file), Err(Error::Missing { .. })));
        secrets
            .write(&file, &"from the file".into(), Overwrite::Refuse)
            .unwrap();
        assert_eq!(
            secrets.read(&file).unwrap().expose_secret(),
            "from the file"
        );
    }

    #[test]
    fn the_environment_is_not_written() {
        let reference = SecretRef::env("ANY").unwrap();
        let error = Secrets::new()
            .write(&reference, &"canary".into(), Overwrite::Replace)
            .unwrap_err();
        assert!(matches!(error, Error::ReadOnly { .. }));
        assert_eq!(
            error.to_string(),
            "env://ANY cannot be written: the environment can only be read"
        );
    }

    #[test]
    fn programs_are_run_only_when_allowed() {
        let echo: SecretRef = "exec://echo?arg=value".parse().unwrap();
        let error = Secrets::new().read(&echo).unwrap_err();
        assert!(error.to_string().contains("allow_exec"), "{error}");
        let secrets = Secrets::new().allow_exec();
        assert_eq!(secrets.read(&echo).unwrap().expose_secret(), "value");
    }

    #[test]
    fn a_secret_of_this_machine_is_held_until_it_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let file = SecretRef::file(&dir.path().join("it")).unwrap();
        let secrets = Secrets::new();
        assert!(secrets.hold(&file).is_err());
        let path = dir.path().join("it");
        let by_hand = |value: &str| {
            FileProvider
                .write(&file, &value.into(), &Expect::Any)
                .unwrap()
        };
        by_hand("one");
        let held = secrets.hold(&file).unwrap();
        by_hand("two");
        assert_eq!(held.get().unwrap().expose_secret(), "one");
        assert_eq!(secrets.read(&file).unwrap().expose_secret(), "two");
        assert!(secrets.refresh().is_empty());
        assert_eq!(held.get().unwrap().expose_secret(), "two");
        secrets.put(&file, &"three".into(), &Expect::Any).unwrap();
        assert_eq!(held.get().unwrap().expose_secret(), "three");
        std::fs::remove_file(path).unwrap();
        assert_eq!(secrets.refresh().len(), 1);
        assert!(matches!(held.get(), Err(Error::Missing { .. })));
    }

    #[test]
    fn whoever_wants_to_know_is_told() {
        let (told, heard) = std::sync::mpsc::channel();
        let secrets = Secrets::new().telling(move |reference, had| {
            told.send((reference.to_string(), had)).unwrap();
        });
        let _ = secrets.read(&SecretRef::env("DOORWARD_NO_SUCH_VARIABLE").unwrap());
        let wanted = ("env://DOORWARD_NO_SUCH_VARIABLE".to_owned(), false);
        assert_eq!(heard.try_iter().collect::<Vec<_>>(), [wanted]);
    }
}
