//! Where alerts are raised, and who hands them to the channels.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward_audit::{Audit, Retry, system_time};
use doorward_policy::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::alert::{Alert, Told};
use crate::channel::{Channel, ChannelConfig};
use crate::dedupe::Dedupe;
use crate::deliver::Post;
use crate::error::Result;
use crate::kind::Severity;
use crate::record::{draft, draft_lost};
use crate::status::{AlertStatus, Tried};
use crate::trial;

/// Most alerts that wait to be handed on; critical ones have as much room of their own.
const QUEUE: usize = 256;

/// How alerts are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// The same alert within this time is told once.
    pub window: Duration,
    /// Waits between attempts.
    pub retry: Retry,
    /// Attempts before a message is given up.
    pub attempts: u32,
}

impl Default for Options {
    /// A quarter of an hour; six attempts within a minute or so.
    fn default() -> Self {
        Self {
            window: Duration::from_secs(15 * 60),
            retry: Retry::default(),
            attempts: 6,
        }
    }
}

/// Tells alerts. Cheap to clone; raising never blocks.
#[derive(Clone)]
pub struct Alerts(Arc<Desk>);

/// Channels that were checked, to be put in force.
pub struct Prepared {
    channels: Vec<Channel>,
    window: Duration,
}

struct Desk {
    critical: mpsc::Sender<Alert>,
    others: mpsc::Sender<Alert>,
    raised: AtomicU64,
    dropped: AtomicU64,
    shared: Arc<Shared>,
    options: Options,
    runtime: Handle,
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// What the teller works by.
struct Shared {
    posts: Mutex<Vec<Arc<Post>>>,
    window: Mutex<Duration>,
    /// Alerts that found no room, and that nobody was told of yet.
    lost: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Alerts {
    /// Starts telling: to these channels, and into the ledger if there is one. Must be called on a
    /// runtime.
    ///
    /// # Errors
    /// When a channel's setting does not fit.
    pub fn start(
        channels: Vec<ChannelConfig>,
        options: Options,
        audit: Option<Arc<Audit>>,
    ) -> Result<Self> {
        let prepared = Self::prepare(channels, options.window)?;
        let (critical, raised) = mpsc::channel(QUEUE);
        let (others, raised_others) = mpsc::channel(QUEUE);
        let (stop, stopped) = watch::channel(false);
        let shared = Arc::new(Shared {
            posts: Mutex::default(),
            window: Mutex::new(options.window),
            lost: AtomicU64::new(0),
        });
        let teller = Teller {
            shared: Arc::clone(&shared),
            audit,
        };
        let teller = tokio::spawn(teller.run(raised, raised_others, stopped));
        let alerts = Self(Arc::new(Desk {
            critical,
            others,
            raised: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            shared,
            options,
            runtime: Handle::current(),
            stop,
            tasks: Mutex::new(vec![teller]),
        }));
        alerts.take(prepared);
        Ok(alerts)
    }

    /// Checks channels, and the window within which the same alert is told once.
    ///
    /// # Errors
    /// When a channel's setting does not fit.
    pub fn prepare(channels: Vec<ChannelConfig>, window: Duration) -> Result<Prepared> {
        Ok(Prepared {
            channels: trial::channels(channels)?,
            window,
        })
    }

    /// Tells these channels from now on. One of the same name as before goes on with what waits;
    /// one that is gone sends what waits, and ends.
    pub fn take(&self, prepared: Prepared) {
        let desk = &self.0;
        *lock(&desk.shared.window) = prepared.window;
        let mut posts = lock(&desk.shared.posts);
        let mut before = std::mem::take(&mut *posts);
        for channel in prepared.channels {
            let same = before
                .iter()
                .position(|post| post.channel().name == channel.name);
            posts.push(if let Some(at) = same {
                let post = before.swap_remove(at);
                post.set(channel);
                post
            } else {
                let post = Arc::new(Post::new(channel));
                let work = Arc::clone(&post).deliver(desk.options);
                let mut tasks = lock(&desk.tasks);
                tasks.retain(|task| !task.is_finished());
                tasks.push(desk.runtime.spawn(work));
                post
            });
        }
        drop(posts);
        before.iter().for_each(|post| post.close());
    }

    /// Raises an alert: it is told soon, unless the same one was lately. Never blocks. Whether
    /// there was room for it; that there was none is counted, and told with the next.
    pub fn raise(&self, alert: Alert) -> bool {
        let desk = &self.0;
        desk.raised.fetch_add(1, Ordering::Relaxed);
        let (kind, severity) = (alert.kind, alert.severity);
        let queue = match severity {
            Severity::Critical => &desk.critical,
            _ => &desk.others,
        };
        if let Err(TrySendError::Full(_) | TrySendError::Closed(_)) = queue.try_send(alert) {
            desk.dropped.fetch_add(1, Ordering::Relaxed);
            desk.shared.lost.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%kind, %severity, "an alert was dropped: too many wait");
            return false;
        }
        true
    }

    /// How telling is doing.
    pub fn status(&self) -> AlertStatus {
        let posts = self.0.shared.posts();
        AlertStatus {
            raised: self.0.raised.load(Ordering::Relaxed),
            dropped: self.0.dropped.load(Ordering::Relaxed),
            channels: posts.iter().map(|post| post.status()).collect(),
        }
    }

    /// Tries one channel, or all: once each, whatever their routes say.
    ///
    /// # Errors
    /// When there is no such channel.
    pub async fn test(&self, named: Option<&str>) -> Result<Vec<Tried>> {
        let posts = self.0.shared.posts();
        trial::try_out(posts.iter().map(AsRef::as_ref).collect(), named).await
    }

    /// Tries channels without anything running.
    ///
    /// # Errors
    /// When a setting does not fit, or there is no such channel.
    pub async fn test_alone(
        channels: Vec<ChannelConfig>,
        named: Option<&str>,
    ) -> Result<Vec<Tried>> {
        trial::test_alone(channels, named).await
    }

    /// Tells one alert without anything running: to each channel it is routed to, once. The ledger
    /// is the caller's to write, before.
    ///
    /// # Errors
    /// When a setting does not fit. That it did not arrive is in what is returned.
    pub async fn tell_alone(channels: Vec<ChannelConfig>, told: &Told) -> Result<Vec<Tried>> {
        trial::tell_alone(channels, told).await
    }

    /// Tells what is waiting, for as long as there is time, and ends.
    pub async fn end(&self, within: Duration) {
        self.0.stop.send_replace(true);
        let tasks = std::mem::take(&mut *lock(&self.0.tasks));
        let until = tokio::time::Instant::now() + within;
        for mut task in tasks {
            if tokio::time::timeout_at(until, &mut task).await.is_err() {
                task.abort();
            }
        }
        for post in self.0.shared.posts() {
            post.give_up_rest();
        }
    }
}

impl Shared {
    fn posts(&self) -> Vec<Arc<Post>> {
        lock(&self.posts).clone()
    }
}

/// Takes what is raised, and hands on what is to be told.
struct Teller {
    shared: Arc<Shared>,
    audit: Option<Arc<Audit>>,
}

impl Teller {
    async fn run(
        self,
        mut critical: mpsc::Receiver<Alert>,
        mut others: mpsc::Receiver<Alert>,
        mut stopped: watch::Receiver<bool>,
    ) {
        let mut dedupe = Dedupe::new(Duration::ZERO);
        let mut ending = false;
        loop {
            dedupe.set_window(*lock(&self.shared.window));
            let due = wait_for(dedupe.next());
            let told = tokio::select! {
                biased;
                _ = stopped.wait_for(|stop| *stop), if !ending => {
                    // What was raised before is still told.
                    critical.close();
                    others.close();
                    ending = true;
                    Vec::new()
                }
                Some(alert) = critical.recv() => dedupe.offer(alert, system_time()),
                () = due => dedupe.due(system_time()),
                Some(alert) = others.recv() => dedupe.offer(alert, system_time()),
                else => break,
            };
            self.tell_lost();
            told.into_iter().for_each(|told| self.tell(told));
            if ending && critical.is_empty() && others.is_empty() {
                break;
            }
        }
        // What came again within its window, and was to be told at the window's end.
        dedupe.rest().into_iter().for_each(|told| self.tell(told));
        self.shared.posts().iter().for_each(|post| post.close());
    }

    fn tell(&self, told: Told) {
        let alert = &told.alert;
        let (kind, severity, title) = (alert.kind, alert.severity, &alert.title);
        tracing::warn!(%kind, %severity, title, count = told.count, "alert");
        let mut names = Vec::new();
        for post in self.shared.posts() {
            if post.takes(&told) && post.push(told.clone()) {
                names.push(post.channel().name.clone());
            }
        }
        if let Some(audit) = &self.audit {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            audit.note(draft(&told, &names));
        }
    }

    /// Tells of those that found no room, with the next message to each channel.
    fn tell_lost(&self) {
        let lost = self.shared.lost.swap(0, Ordering::Relaxed);
        if lost == 0 {
            return;
        }
        for post in self.shared.posts() {
            post.leave_out(lost);
        }
        if let Some(audit) = &self.audit {
            audit.note(draft_lost(lost, system_time()));
        }
    }
}

/// Until then by the clock on the wall; for ever when there is no such time.
async fn wait_for(at: Option<Timestamp>) {
    match at {
        None => std::future::pending().await,
        Some(at) => {
            let wait = u64::try_from(at.millis_since(system_time())).unwrap_or(0);
            // The clock on the wall may be set while this waits.
            tokio::time::sleep(Duration::from_millis(wait.clamp(10, 60_000))).await;
        }
    }
}
