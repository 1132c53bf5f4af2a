//! Where alerts are raised, and the tasks that tell them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use doorward_audit::{Audit, Retry, system_time};
use doorward_policy::Timestamp;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::alert::{Alert, Told};
use crate::channel::{Channel, ChannelConfig};
use crate::dedupe::Dedupe;
use crate::error::{AlertError, Result};
use crate::kind::AlertKind;
use crate::post::Message;
use crate::rate::HourlyRate;
use crate::record::draft;
use crate::status::{AlertStatus, ChannelStatus, Tried};

/// Most alerts that wait to be told, and most messages that wait for a channel.
const QUEUE: usize = 256;
/// Most channels.
const CHANNELS_MAX: usize = 32;

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

struct Desk {
    queue: mpsc::Sender<Alert>,
    raised: AtomicU64,
    dropped: AtomicU64,
    posts: Vec<Arc<Post>>,
    stop: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// A channel and what became of its messages.
struct Post {
    channel: Channel,
    status: Mutex<ChannelStatus>,
}

impl Post {
    fn note(&self, change: impl FnOnce(&mut ChannelStatus)) {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn status(&self) -> ChannelStatus {
        let status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        status.clone()
    }
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
        let posts = posts(channels)?;
        let (queue, raised) = mpsc::channel(QUEUE);
        let (stop, stopped) = watch::channel(false);
        let mut tasks = Vec::new();
        let mut ways = Vec::new();
        for post in &posts {
            let (way, messages) = mpsc::channel(QUEUE);
            ways.push((Arc::clone(post), way));
            tasks.push(tokio::spawn(deliver(Arc::clone(post), messages, options)));
        }
        let teller = Teller { ways, audit };
        tasks.push(tokio::spawn(teller.run(raised, options.window, stopped)));
        Ok(Self(Arc::new(Desk {
            queue,
            raised: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            posts,
            stop,
            tasks: Mutex::new(tasks),
        })))
    }

    /// Raises an alert: it is told soon, unless the same one was lately. Never blocks.
    pub fn raise(&self, alert: Alert) {
        let desk = &self.0;
        desk.raised.fetch_add(1, Ordering::Relaxed);
        let (kind, severity) = (alert.kind, alert.severity);
        if let Err(TrySendError::Full(_) | TrySendError::Closed(_)) = desk.queue.try_send(alert) {
            desk.dropped.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(%kind, %severity, "an alert was dropped: too many wait");
        }
    }

    /// How telling is doing.
    pub fn status(&self) -> AlertStatus {
        AlertStatus {
            raised: self.0.raised.load(Ordering::Relaxed),
            dropped: self.0.dropped.load(Ordering::Relaxed),
            channels: self.0.posts.iter().map(|post| post.status()).collect(),
        }
    }

    /// Tries one channel, or all: once each, whatever their routes say.
    ///
    /// # Errors
    /// When there is no such channel.
    pub async fn test(&self, named: Option<&str>) -> Result<Vec<Tried>> {
        try_out(&self.0.posts, named).await
    }

    /// Tries channels without anything running.
    ///
    /// # Errors
    /// When a setting does not fit, or there is no such channel.
    pub async fn test_alone(
        channels: Vec<ChannelConfig>,
        named: Option<&str>,
    ) -> Result<Vec<Tried>> {
        try_out(&posts(channels)?, named).await
    }

    /// Tells one alert without anything running: to each channel it is routed to, once, and into
    /// the ledger.
    ///
    /// # Errors
    /// When a setting does not fit. That it did not arrive is in what is returned.
    pub async fn tell_alone(
        channels: Vec<ChannelConfig>,
        alert: Alert,
        audit: Option<&Audit>,
    ) -> Result<Vec<Tried>> {
        let posts = posts(channels)?;
        let told = Told::first(alert);
        let routed: Vec<&Arc<Post>> = posts.iter().filter(|post| routed(post, &told)).collect();
        if let Some(audit) = audit {
            let names: Vec<&str> = routed
                .iter()
                .map(|post| post.channel.name.as_str())
                .collect();
            audit.note(draft(&told, &names));
        }
        let mut all = Vec::new();
        for post in routed {
            all.push(try_once(post, told.clone()).await);
        }
        Ok(all)
    }

    /// Tells what is waiting, for as long as there is time, and ends.
    pub async fn end(&self, within: Duration) {
        self.0.stop.send_replace(true);
        let tasks = {
            let mut tasks = self.0.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *tasks)
        };
        let until = tokio::time::Instant::now() + within;
        for mut task in tasks {
            if tokio::time::timeout_at(until, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}

fn posts(channels: Vec<ChannelConfig>) -> Result<Vec<Arc<Post>>> {
    if channels.len() > CHANNELS_MAX {
        return Err(AlertError::Channel {
            channel: "all".to_owned(),
            why: format!("there may be {CHANNELS_MAX} of them"),
        });
    }
    let posts = channels.into_iter().map(|config| {
        let channel = Channel::new(config)?;
        let status = ChannelStatus {
            name: channel.name.clone(),
            kind: channel.kind().to_owned(),
            ..ChannelStatus::default()
        };
        Ok(Arc::new(Post {
            channel,
            status: Mutex::new(status),
        }))
    });
    posts.collect()
}

fn routed(post: &Post, told: &Told) -> bool {
    let route = &post.channel.route;
    route.takes(told.alert.kind, told.alert.severity)
}

async fn try_out(posts: &[Arc<Post>], named: Option<&str>) -> Result<Vec<Tried>> {
    if posts.is_empty() {
        return Err(AlertError::NoChannel);
    }
    let asked: Vec<&Arc<Post>> = posts
        .iter()
        .filter(|post| named.is_none_or(|name| post.channel.name == name))
        .collect();
    if let (Some(named), true) = (named, asked.is_empty()) {
        let there: Vec<&str> = posts
            .iter()
            .map(|post| post.channel.name.as_str())
            .collect();
        return Err(AlertError::UnknownChannel {
            named: named.chars().filter(|c| !c.is_control()).take(64).collect(),
            there: there.join(", "),
        });
    }
    let mut all = Vec::new();
    for post in asked {
        let alert = Alert::new(
            AlertKind::Test,
            "Doorward's alerts arrive here",
            system_time(),
        )
        .text("This is a test; nothing happened.")
        .fact("channel", &post.channel.name);
        all.push(try_once(post, Told::first(alert)).await);
    }
    Ok(all)
}

async fn try_once(post: &Post, told: Told) -> Tried {
    let message = Message { told, withheld: 0 };
    let answered = post.channel.send(&message, system_time()).await;
    let arrived = answered.is_ok();
    post.note(|status| match &answered {
        Ok(_) => {
            status.sent += 1;
            status.trouble = None;
        }
        Err(missed) => {
            status.failures += 1;
            status.trouble = Some(missed.why.clone());
        }
    });
    Tried {
        channel: post.channel.name.clone(),
        kind: post.channel.kind().to_owned(),
        arrived,
        answer: answered.unwrap_or_else(|missed| missed.why),
    }
}

/// Takes what is raised, and hands on what is to be told.
struct Teller {
    ways: Vec<(Arc<Post>, mpsc::Sender<Told>)>,
    audit: Option<Arc<Audit>>,
}

impl Teller {
    async fn run(
        self,
        mut raised: mpsc::Receiver<Alert>,
        window: Duration,
        mut stopped: watch::Receiver<bool>,
    ) {
        let mut dedupe = Dedupe::new(window);
        let mut ending = false;
        loop {
            let due = wait_for(dedupe.next());
            tokio::select! {
                alert = raised.recv() => {
                    let Some(alert) = alert else { break };
                    if let Some(told) = dedupe.offer(alert, system_time()) {
                        self.tell(told);
                    }
                }
                () = due => dedupe.due(system_time()).into_iter().for_each(|told| self.tell(told)),
                _ = stopped.wait_for(|stop| *stop), if !ending => {
                    // What was raised before is still told.
                    raised.close();
                    ending = true;
                }
            }
        }
    }

    fn tell(&self, told: Told) {
        let alert = &told.alert;
        let (kind, severity, title) = (alert.kind, alert.severity, &alert.title);
        tracing::warn!(%kind, %severity, title, count = told.count, "alert");
        let mut names = Vec::new();
        for (post, way) in self.ways.iter().filter(|(post, _)| routed(post, &told)) {
            if way.try_send(told.clone()).is_ok() {
                names.push(post.channel.name.as_str());
            } else {
                post.note(|status| status.dropped += 1);
                tracing::error!(channel = post.channel.name, "an alert found no room");
            }
        }
        if let Some(audit) = &self.audit {
            audit.note(draft(&told, &names));
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

/// Sends a channel's messages, one after another.
async fn deliver(post: Arc<Post>, mut messages: mpsc::Receiver<Told>, options: Options) {
    let mut rate = HourlyRate::new(post.channel.per_hour);
    while let Some(told) = messages.recv().await {
        let Some(withheld) = rate.take(told.alert.severity, system_time()) else {
            post.note(|status| status.withheld += 1);
            continue;
        };
        send(&post, &Message { told, withheld }, options).await;
    }
}

async fn send(post: &Post, message: &Message, options: Options) {
    let channel = post.channel.name.as_str();
    for attempt in 1..=options.attempts.max(1) {
        let missed = match post.channel.send(message, system_time()).await {
            Ok(_) => {
                post.note(|status| {
                    status.sent += 1;
                    status.trouble = None;
                });
                return;
            }
            Err(missed) => missed,
        };
        tracing::warn!(
            channel,
            attempt,
            why = missed.why,
            "an alert did not arrive"
        );
        post.note(|status| {
            status.failures += 1;
            status.trouble = Some(missed.why.clone());
        });
        match missed.again {
            Some(asked) if attempt < options.attempts => {
                let wait = options.retry.wait(attempt, fastrand::f64(), asked);
                tokio::time::sleep(wait).await;
            }
            _ => break,
        }
    }
    post.note(|status| status.given_up += 1);
    tracing::error!(channel, alert = message.told.id, "an alert was given up");
}
