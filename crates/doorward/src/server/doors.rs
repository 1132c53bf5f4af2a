//! The gateway's doors beside the plain one: with a certificate of one's own, and as the Instantly
//! host.

use std::fs;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use doorward_gateway::{Listener, Tls};
use doorward_relay::receive::DoorListener;
use doorward_store::Store;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{MissedTickBehavior, interval};
use zeroize::Zeroizing;

use super::alive::Alive;
use super::{listen, relaying};
use crate::admin::{AdminError, now};
use crate::alerts::{AlertDesk, unusable};
use crate::ca::{Authority, INSTANTLY_HOST, Leaves};
use crate::config::TlsConfig;
use crate::context::Context;
use crate::exit::Failure;
use crate::signals::hang_ups;
use crate::through::spoken_for;

/// How often the certificate's files are looked at.
const EVERY: Duration = Duration::from_secs(5);
/// Most bytes of each.
const SIZE_MAX: u64 = 1024 * 1024;

/// Listeners, and who renews their certificates. Made by [`Doors::open`] on a runtime.
#[derive(Default)]
pub(crate) struct Doors {
    pub(super) listeners: Vec<Listener>,
    /// The relay's.
    pub(crate) relay: Option<DoorListener>,
    pub(super) renewing: Vec<Renewing>,
    /// Where it is told that a new certificate is of no use, once the server has it.
    pub(super) desk: Arc<OnceLock<AlertDesk>>,
}

/// Looks after a certificate until it is dropped.
pub(super) struct Renewing {
    abort: AbortHandle,
    task: Option<JoinHandle<()>>,
}

impl Renewing {
    fn new(task: JoinHandle<()>) -> Self {
        Self {
            abort: task.abort_handle(),
            task: Some(task),
        }
    }

    /// The same, its end told of.
    pub(super) fn watched(mut self, alive: &Alive) -> Self {
        if let Some(task) = self.task.take() {
            self.abort = alive.adopt("certificates", task);
        }
        self
    }
}

impl Drop for Renewing {
    fn drop(&mut self) {
        self.abort.abort();
    }
}

impl Doors {
    /// The doors that are configured.
    ///
    /// # Errors
    /// When an address is not to be had, or a certificate is of no use.
    pub(crate) async fn open(context: &Context, store: &dyn Store) -> Result<Self, Failure> {
        let mut doors = Self {
            relay: relaying::listener(context).await?,
            ..Self::default()
        };
        if let Some(config) = &context.config.gateway.tls {
            let tls = Tls::new(load(config)?);
            let listener = open(config.listen).await?;
            doors.listeners.push(Listener::tls(listener, tls.clone()));
            let (paths, config) = (
                vec![config.cert.clone(), config.key.clone()],
                config.clone(),
            );
            doors.renew(paths, tls, move || load(&config))?;
        }
        doors.renew_relay(context)?;
        if let Some(address) = context.config.gateway.instantly_host {
            let workspaces = store.workspaces().map_err(AdminError::from)?;
            let hosts = spoken_for(
                workspaces
                    .iter()
                    .map(|workspace| workspace.base_url.as_str()),
            );
            let authority = Arc::new(Authority::open(&context.data_dir, &hosts, now())?);
            let leaves = Leaves::new(authority, hosts, INSTANTLY_HOST);
            let config = Tls::of_resolver(Arc::new(leaves)).map_err(Failure::failed)?;
            let listener = open(address).await?;
            doors
                .listeners
                .push(Listener::tls(listener, Tls::new(config)));
        }
        Ok(doors)
    }
}

impl Doors {
    /// Looks after the files of a certificate.
    fn renew(
        &mut self,
        paths: Vec<PathBuf>,
        tls: Tls,
        load: impl Fn() -> Result<Arc<ServerConfig>, Failure> + Send + 'static,
    ) -> Result<(), Failure> {
        let renewing = renew(paths, load, tls, hang_ups()?, Arc::clone(&self.desk));
        self.renewing.push(Renewing::new(tokio::spawn(renewing)));
        Ok(())
    }

    /// Looks after the files of the relay's, where it has any.
    ///
    /// # Errors
    /// When signals can't be listened to.
    pub(crate) fn renew_relay(&mut self, context: &Context) -> Result<(), Failure> {
        let tls = self
            .relay
            .as_ref()
            .and_then(|listener| listener.tls.clone());
        let config = context.config.relay.tls.clone();
        let (Some(tls), Some(config)) = (tls, config) else {
            return Ok(());
        };
        let paths = [
            Some(&config.cert),
            Some(&config.key),
            config.client_ca.as_ref(),
        ];
        let paths = paths.into_iter().flatten().cloned().collect();
        self.renew(paths, tls, move || relaying::certificate(&config))
    }
}

async fn open(address: SocketAddr) -> Result<TcpListener, Failure> {
    let listener = listen(address).await?;
    if let Ok(address) = listener.local_addr() {
        tracing::info!(%address, "TLS");
    }
    Ok(listener)
}

fn load(config: &TlsConfig) -> Result<Arc<ServerConfig>, Failure> {
    let fail = |path: &Path, error: &dyn std::fmt::Display| {
        Failure::usage(format_args!("gateway.tls: {}: {error}", path.display()))
    };
    let chain = read(&config.cert, false).map_err(|error| fail(&config.cert, &error))?;
    let key = read(&config.key, true).map_err(|error| fail(&config.key, &error))?;
    Tls::of_pem(&chain, &key).map_err(|error| fail(&config.key, &error))
}

pub(super) fn read(path: &Path, secret: bool) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = fs::File::open(path)?;
    let mode = file.metadata()?.mode();
    // The group may read it: that is how a server gets to read what another program renews.
    if secret && mode & 0o027 != 0 {
        let mode = mode & 0o7777;
        return Err(io::Error::other(format!(
            "others may read the private key, or change it (mode {mode:04o}); run `chmod 600` on it"
        )));
    }
    let mut bytes = Zeroizing::new(Vec::new());
    file.take(SIZE_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What tells one state of the files from another.
fn state(paths: &[PathBuf]) -> Vec<Option<(u64, u64, i64, i64)>> {
    let state = |path: &PathBuf| {
        let known = fs::metadata(path).ok()?;
        Some((known.ino(), known.size(), known.mtime(), known.mtime_nsec()))
    };
    paths.iter().map(state).collect()
}

/// Takes up the files when they have changed, or when it is told to. What is of no use leaves the
/// certificate as it is.
async fn renew(
    paths: Vec<PathBuf>,
    load: impl Fn() -> Result<Arc<ServerConfig>, Failure>,
    tls: Tls,
    mut hang_ups: tokio::signal::unix::Signal,
    desk: Arc<OnceLock<AlertDesk>>,
) {
    let mut seen = state(&paths);
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let told = tokio::select! {
            _ = ticks.tick() => false,
            Some(()) = hang_ups.recv() => true,
        };
        let found = state(&paths);
        if !told && found == seen {
            continue;
        }
        seen = found;
        match load() {
            Ok(new) => {
                tls.swap(new);
                tracing::info!("the certificate was read again");
            }
            Err(error) => {
                tracing::error!(
                    %error,
                    "the certificate stays as it was, since the new one is of no use"
                );
                if let (Some(desk), Some(cert)) = (desk.get(), paths.first()) {
                    desk.tell(unusable(cert, &error));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["door".to_owned()]).unwrap();
        let config = TlsConfig {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            cert: folder.path().join("cert.pem"),
            key: folder.path().join("key.pem"),
        };
        fs::write(&config.cert, made.cert.pem()).unwrap();
        fs::write(&config.key, made.signing_key.serialize_pem()).unwrap();
        for (mode, fits) in [(0o600, true), (0o640, true), (0o644, false), (0o660, false)] {
            fs::set_permissions(&config.key, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(load(&config).is_ok(), fits, "{mode:o}");
        }
        fs::write(&config.cert, "").unwrap();
        let told = load(&config).unwrap_err().to_string();
        assert!(told.contains("key.pem"), "{told}");
    }
}
