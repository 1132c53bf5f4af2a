//! All sinks together.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    running: Mutex<Running>,
}

/// Sinks whose settings were checked, to be started.
pub struct ReadySinks(Vec<(SinkConfig, Box<dyn Deliver>)>);

struct Running {
    stop: Arc<Stop>,
    meters: Vec<Arc<Meter>>,
    threads: Vec<(String, JoinHandle<()>)>,
    /// Told to end for good.
    ended: bool,
}

impl Sinks {
    /// Starts all sinks, each where it came to before. Blocks for a moment.
    ///
    /// # Errors
    /// When a setting does not fit (none is started then), or a sink's place can't be read.
    pub fn start(audit: &Arc<Audit>, configs: Vec<SinkConfig>) -> Result<Self> {
        let mut followers = Vec::new();
        let mut running = Running::new();
        for (config, target) in Self::check(configs)?.0 {
            followers.push(running.follow(audit, config, target)?);
        }
        for (name, follower) in followers {
            running.run(name, follower)?;
        }
        Ok(Self {
            audit: Arc::clone(audit),
            running: Mutex::new(running),
        })
    }

    /// Checks settings, and reads the files that they name.
    ///
    /// # Errors
    /// When a setting does not fit.
    pub fn check(configs: Vec<SinkConfig>) -> Result<ReadySinks> {
        let mut names = BTreeSet::new();
        if configs.len() > MOST {
            return Err(fault("sinks", "there are more than 32"));
        }
        let checked = configs.into_iter().map(|config| {
            let name = &config.name;
            if !names.insert(name.clone()) {
                return Err(fault(name, "another sink has the same name"));
            }
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
                let why = "a sink's name is of lower-case letters, digits and dashes, at most 64";
                return Err(fault(name, why));
            }
            let target = target(&config)?;
            Ok((config, target))
        });
        checked.collect::<Result<_>>().map(ReadySinks)
    }

    /// Ends the sinks that run at once, and starts these in their place: one of the same name goes
    /// on where the other came to. One that can't be started is told in the metrics, and the log.
    /// After [`stop`](Self::stop) it does nothing. Blocks for a moment.
    pub fn take(&self, ready: ReadySinks) {
        let mut running = self.running();
        if running.ended {
            // Those that are ending would be followed by others to the same places.
            return;
        }
        let left = running.end(Duration::ZERO);
        let mut next = Running::new();
        for (config, target) in ready.0 {
            let name = config.name.clone();
            let kind = kind(&config.kind);
            let before = next.meters.len();
            let started = if left.contains(&name) {
                // Two would write down how far they came in one place.
                Err(fault(
                    &name,
                    "the one before it did not end; restart Doorward",
                ))
            } else {
                next.follow(&self.audit, config, target)
                    .and_then(|(name, follower)| next.run(name, follower))
            };
            if let Err(error) = started {
                tracing::error!(sink = name, %error, "the sink could not be started anew");
                next.meters.truncate(before);
                next.failed(&name, kind, &error);
            }
        }
        *running = next;
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How each sink is doing, in the order of the configuration.
    pub fn metrics(&self) -> Vec<SinkMetrics> {
        let size = self.audit.reader().size();
        let now = self.audit.now();
        let running = self.running();
        let meters = running.meters.iter();
        meters.map(|meter| meter.read(now, size)).collect()
    }

    /// Lets each sink deliver what is in the ledger now, for no longer than `within`, then ends it.
    /// Whether all ended in time; one that did not holds on to what can't be interrupted, such as a
    /// console that takes nothing. Blocks.
    pub fn stop(&self, within: Duration) -> bool {
        // Whoever looks at the metrics meanwhile does not wait.
        let (stop, threads) = {
            let mut running = self.running();
            running.ended = true;
            (
                Arc::clone(&running.stop),
                std::mem::take(&mut running.threads),
            )
        };
        end(&stop, threads, within).is_empty()
    }
}

impl Running {
    fn new() -> Self {
        Self {
            stop: Arc::new(Stop::new()),
            meters: Vec::new(),
            threads: Vec::new(),
            ended: false,
        }
    }

    /// Makes a sink ready to run, from where it came to.
    fn follow(
        &mut self,
        audit: &Arc<Audit>,
        config: SinkConfig,
        target: Box<dyn Deliver>,
    ) -> Result<(String, Follower)> {
        let name = config.name;
        let remembered = CursorFile::beside(audit.log(), &format!("sink-{name}"))?;
        let meter = Arc::new(Meter::new(&name, kind(&config.kind)));
        let follower = Follower::new(Parts {
            audit: Arc::clone(audit),
            remembered,
            start: config.start,
            show: config.show,
            retry: config.retry,
            target,
            stop: Arc::clone(&self.stop),
            meter: Arc::clone(&meter),
            name: name.clone(),
        })?;
        self.meters.push(meter);
        Ok((name, follower))
    }

    fn run(&mut self, name: String, follower: Follower) -> Result<()> {
        let thread = std::thread::Builder::new()
            .name("audit-sink".to_owned())
            .spawn(move || follower.run())
            .map_err(|_| AuditError::NotRecorded("no thread could be started"))?;
        self.threads.push((name, thread));
        Ok(())
    }

    /// Notes one that does not run.
    fn failed(&mut self, name: &str, kind: &'static str, error: &AuditError) {
        let meter = Arc::new(Meter::new(name, kind));
        meter.change(|metrics| {
            metrics.running = false;
            metrics.last_error = Some(error.to_string());
        });
        self.meters.push(meter);
    }

    fn end(&mut self, within: Duration) -> BTreeSet<String> {
        end(&self.stop, std::mem::take(&mut self.threads), within)
    }
}

/// Ends threads. Those that did not in time, by the names of their sinks.
fn end(stop: &Stop, threads: Vec<(String, JoinHandle<()>)>, within: Duration) -> BTreeSet<String> {
    let until = Instant::now() + within;
    stop.end(until);
    let late = until + GRACE;
    let mut left = BTreeSet::new();
    for (name, thread) in threads {
        while !thread.is_finished() && Instant::now() < late {
            std::thread::sleep(Duration::from_millis(2));
        }
        if !thread.is_finished() {
            tracing::warn!(
                sink = name,
                "the sink did not end in time; it is left behind"
            );
            left.insert(name);
        } else if thread.join().is_err() {
            tracing::error!(sink = name, "the sink's thread panicked");
        }
    }
    left
}

impl Drop for Sinks {
    fn drop(&mut self) {
        // Whoever wants what is left to be delivered calls `stop`.
        let unended = !self.running().threads.is_empty();
        if unended {
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
