//! What rotations work with.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use doorward_audit::Audit;
use doorward_catalog::ScopeSet;
use doorward_gateway::{KeyFigures, PaceId, Pacing};
use doorward_keys::rotation::Failure;
use doorward_policy::{Timestamp, WorkspaceKind};
use doorward_secrets::{SecretRef, Secrets};
use doorward_store::{Store, Workspace};
use doorward_upstream::Client;
use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret, SecretString};

use crate::admin::AdminError;
use crate::alerts::AlertDesk;
use crate::config::RotationSeconds;
use crate::server::OwnPace;

/// Opens the record where it is not open yet.
pub(crate) type OpenAudit = Box<dyn Fn() -> Result<Arc<Audit>, AdminError> + Send + Sync>;

/// What rotations work with.
pub(crate) struct Parts {
    /// Durable state.
    pub(crate) store: Arc<dyn Store>,
    /// Where keys' values are read, written and erased: the same that the gateway reads by, so that
    /// it has no older value than what was written.
    pub(crate) secrets: Arc<Secrets>,
    /// Where what is done is recorded.
    pub(crate) audit: OpenAudit,
    /// Where trouble is told.
    pub(crate) alerts: AlertDesk,
    /// Gives calls their turn, when a server runs in this process.
    pub(crate) pacing: Option<Pacing>,
    /// Whether workspaces may be called in plain text on other machines.
    pub(crate) plain_http: bool,
    /// How long the steps take, and calls in them.
    pub(crate) seconds: RotationSeconds,
    /// How long both keys are in force at least, ms, unless it is asked for at once.
    pub(crate) overlap: AtomicI64,
    /// What is in force.
    pub(crate) gate: Arc<dyn Gate>,
    /// Those outside who hold keys as well.
    pub(crate) outside: Arc<dyn Outside>,
}

/// The gateway, as far as rotations go.
pub(crate) trait Gate: Send + Sync {
    /// Puts in force what the store has. Blocks.
    ///
    /// # Errors
    /// When it can't be read; what was in force stays.
    fn swap(&self) -> Result<(), AdminError>;

    /// Whether the key with that id of Doorward's is in force with the value that has this print.
    fn has(&self, key_id: &str, print: [u8; 8]) -> bool;

    /// How calls under a key went since this process began.
    fn figures(&self, key_id: &str) -> KeyFigures;
}

/// Stands for a gateway where none runs: nothing is under way.
pub(crate) struct NoGate;

impl Gate for NoGate {
    fn swap(&self) -> Result<(), AdminError> {
        Ok(())
    }

    fn has(&self, _: &str, _: [u8; 8]) -> bool {
        true
    }

    fn figures(&self, _: &str) -> KeyFigures {
        KeyFigures::default()
    }
}

/// A key as those outside are given it.
pub(crate) struct Handed<'a> {
    /// The workspace.
    pub(crate) workspace: &'a Workspace,
    /// Name of the key.
    pub(crate) key: &'a str,
    /// The rotation.
    pub(crate) rotation: &'a str,
    /// The value that is to be held from now on.
    pub(crate) value: &'a SecretString,
    /// Whether it is the new one: at a way back it is the old one again.
    pub(crate) is_new: bool,
}

/// What is known of a key's use outside Doorward.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watched {
    /// Up to when it is known.
    pub(crate) to: Timestamp,
    /// When it was used last; `None` when it was not.
    pub(crate) last: Option<Timestamp>,
}

/// What was written of a consumer's references, and whether it has all that it is to have.
pub(crate) type Given = (Vec<String>, Result<(), (Failure, String)>);

/// Those who hold upstream keys outside Doorward.
pub(crate) trait Outside: Send + Sync {
    /// The names of those that hold a key, by the names of its workspace and its own.
    fn holders(&self, workspace: &str, key: &str) -> Vec<String>;

    /// How long the old key must be unused before those of them that do not acknowledge are taken to
    /// have changed over, ms; `None` when each acknowledges.
    fn silence(&self, names: &[String]) -> Option<i64>;

    /// Whether it is certain which key each of them holds, and nothing of Doorward's is where theirs
    /// is written.
    ///
    /// # Errors
    /// What to change in the configuration.
    fn check(&self, names: &[String]) -> Result<(), String>;

    /// Whether it can be seen that those of them that do not acknowledge use a key of these scopes
    /// (none when they are not known) no more.
    ///
    /// # Errors
    /// Why it can't, and what to change.
    fn check_silence(
        &self,
        workspace: &Workspace,
        scopes: Option<ScopeSet>,
        names: &[String],
    ) -> Result<(), String>;

    /// Gives a consumer a key. Done again it does no harm.
    fn tell<'a>(&'a self, consumer: &'a str, key: Handed<'a>) -> BoxFuture<'a, Given>;

    /// Whether each consumer that was told in a rotation has acknowledged the new key.
    fn acknowledged<'a>(&'a self, rotation: &'a str, told: &'a [String]) -> BoxFuture<'a, bool>;

    /// What is known of the use of a key, by Instantly's id, outside Doorward since then; `None` when
    /// nobody can say.
    fn watched<'a>(
        &'a self,
        workspace: &'a Workspace,
        api_key_id: &'a str,
        since: Timestamp,
    ) -> BoxFuture<'a, Option<Watched>>;
}

impl Parts {
    /// A client of Instantly's under a key's value, that calls itself by this name, at the pace of
    /// the workspace.
    ///
    /// # Errors
    /// When the value can be no key, or the workspace's address is none.
    pub(super) fn client(
        &self,
        workspace: &Workspace,
        value: SecretString,
        name: &str,
    ) -> Result<Client, String> {
        let client = Client::builder()
            .base_url(&workspace.base_url)
            .allow_plain_http(self.plain_http)
            .public_only(workspace.kind == WorkspaceKind::Live && !self.plain_http)
            .timeout(self.seconds.call)
            .user_agent(name)
            .key(value);
        let client = match &self.pacing {
            Some(pacing) => client.pace(OwnPace {
                pacing: pacing.clone(),
                workspace: PaceId::of(workspace),
            }),
            None => client,
        };
        client.build().map_err(|error| error.to_string())
    }

    /// Reads a value now, past what was read before.
    pub(super) async fn find(
        self: &Arc<Self>,
        reference: &SecretRef,
    ) -> doorward_secrets::Result<doorward_secrets::Found> {
        let (parts, reference) = (Arc::clone(self), reference.clone());
        blocking(move || parts.secrets.find(&reference)).await
    }
}

/// Runs what blocks where that does no harm.
pub(super) async fn blocking<T: Send + 'static>(act: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(act).await {
        Ok(done) => done,
        Err(panicked) => match panicked.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime ends: nothing goes on from here.
            Err(_) => std::future::pending().await,
        },
    }
}

/// The start of a value's SHA-256.
pub(super) fn print(value: &SecretString) -> [u8; 8] {
    let digest = ring::digest::digest(&ring::digest::SHA256, value.expose_secret().as_bytes());
    let mut print = [0; 8];
    for (to, from) in print.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    print
}
