//! All sinks together.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use doorward_ledger::log::CursorFile;

use super::config::{SinkConfig, SinkKind};
use super::file::Appender;
use super::follow::{Follower, Parts};
use super::https::Poster;
use super::line::Deliver;
use super::metrics::{Meter, SinkMetrics};
use super::stop::Stop;
use super::stream::Stream;
use super::syslog::Syslog;
use crate::audit::Audit;
use crate::error::{AuditError, Result};

/// Most sinks at once.
const MOST: usize = 32;
/// Longest file of certificate authorities.
const CA_MAX: u64 = 4 * 1024 * 1024;
/// Beyond the time to end by, for threads that are about to.
const GRACE: Duration = Duration::from_millis(300);

/// The sinks that run. Dropped, they end at once, and go on from there when they are started again.
pub struct Sinks {
    audit: Arc<Audit>,
    stop: Arc<Stop>,
    meters: Vec<Arc<Meter>>,
    threads: Mutex<Vec<(String, JoinHandle<()>)>>,
}

impl Sinks {
    /// Starts all sinks, each where it came to before. Blocks for a moment.
    ///
    /// # Errors
    /// When a setting does not fit (none is started then), or a sink's place can't be read.
    pub fn start(audit: &Arc<Audit>, configs: Vec<SinkConfig>) -> Result<Self> {
        let stop = Arc::new(Stop::new());
        let mut followers = Vec::new();
        let mut meters = Vec::new();
        let mut names = BTreeSet::new();
        if configs.len() > MOST {
            return Err(fault("sinks", "there are more than 32"));
        }
        for config in configs {
            let name = config.name.clone();
            if !names.insert(name.clone()) {
                return Err(fault(&name, "another sink has the same name"));
            }
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
                let why = "a sink's name is of lower-case letters, digits and dashes, at most 64";
                return Err(fault(&name, why));
            }
            let target = target(&config)?;
            let remembered = CursorFile::beside(audit.log(), &format!("sink-{name}"))?;
            let meter = Arc::new(Meter::new(&name, kind(&config.kind)));
            meters.push(Arc::clone(&meter));
            let follower = Follower::new(Parts {
                audit: Arc::clone(audit),
                remembered,
                start: config.start,
                show: config.show,
                retry: config.retry,
                target,
                stop: Arc::clone(&stop),
                meter,
                name: name.clone(),
            })?;
            followers.push((name, follower));
        }
        let sinks = Self {
            audit: Arc::clone(audit),
            stop,
            meters,
            threads: Mutex::default(),
        };
        for (name, follower) in followers {
            let thread = std::thread::Builder::new()
                .name("audit-sink".to_owned())
                .spawn(move || follower.run())
                .map_err(|_| AuditError::NotRecorded("no thread could be started"))?;
            sinks.threads().push((name, thread));
        }
        Ok(sinks)
    }

    fn threads(&self) -> std::sync::MutexGuard<'_, Vec<(String, JoinHandle<()>)>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How each sink is doing, in the order of the configuration.
    pub fn metrics(&self) -> Vec<SinkMetrics> {
        let size = self.audit.reader().size();
        let now = self.audit.now();
        let meters = self.meters.iter();
        meters.map(|meter| meter.read(now, size)).collect()
    }

    /// Lets each sink deliver what is in the ledger now, for no longer than `within`, then ends it.
    /// Whether all ended in time; one that did not holds on to what can't be interrupted, such as a
    /// console that takes nothing. Blocks.
    pub fn stop(&self, within: Duration) -> bool {
        let until = Instant::now() + within;
        self.stop.end(until);
        let threads = std::mem::take(&mut *self.threads());
        let late = until + GRACE;
        let mut all = true;
        for (name, thread) in threads {
            while !thread.is_finished() && Instant::now() < late {
                std::thread::sleep(Duration::from_millis(2));
            }
            if !thread.is_finished() {
                all = false;
                tracing::warn!(
                    sink = name,
                    "the sink did not end in time; it is left behind"
                );
            } else if thread.join().is_err() {
                tracing::error!(sink = name, "the sink's thread panicked");
            }
        }
        all
    }
}

impl Drop for Sinks {
    fn drop(&mut self) {
        // Whoever wants what is left to be delivered calls `stop`.
        if !self.threads().is_empty() {
            self.stop(Duration::ZERO);
        }
    }
}

const fn kind(kind: &SinkKind) -> &'static str {
    match kind {
        SinkKind::Stdout => "stdout",
        SinkKind::Stderr => "stderr",
        SinkKind::File(_) => "file",
        SinkKind::Https(_) => "https",
        SinkKind::Syslog(_) => "syslog",
    }
}

fn target(config: &SinkConfig) -> Result<Box<dyn Deliver>> {
    let SinkConfig { name, format, .. } = config;
    let fits = |why| fault(name, why);
    let ca = |path: &Option<PathBuf>| match path {
        Some(path) => certificates(path).map(Some).map_err(fits),
        None => Ok(None),
    };
    Ok(match &config.kind {
        SinkKind::Stdout => Box::new(Stream::new(io::stdout, *format)),
        SinkKind::Stderr => Box::new(Stream::new(io::stderr, *format)),
        SinkKind::File(file) => Box::new(Appender::new(file.clone(), *format)),
        SinkKind::Https(https) => {
            let ca = ca(&https.ca)?;
            Box::new(Poster::new(https.clone(), *format, ca.as_deref()).map_err(fits)?)
        }
        SinkKind::Syslog(syslog) => {
            let ca = ca(&syslog.ca)?;
            Box::new(Syslog::new(syslog, *format, ca.as_deref()).map_err(fits)?)
        }
    })
}

fn certificates(path: &Path) -> std::result::Result<Vec<u8>, &'static str> {
    let small = std::fs::metadata(path).is_ok_and(|file| file.len() <= CA_MAX);
    let read = small.then(|| std::fs::read(path).ok()).flatten();
    read.ok_or("its file of certificate authorities can't be read")
}

fn fault(sink: &str, why: &'static str) -> AuditError {
    AuditError::Sink {
        sink: sink.chars().take(80).collect(),
        why,
    }
}
