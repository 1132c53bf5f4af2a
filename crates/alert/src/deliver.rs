//! A channel at work: what waits for it, and what becomes of that.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use doorward_audit::system_time;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use crate::alert::Told;
use crate::channel::Channel;
use crate::desk::Options;
use crate::lanes::{Lanes, Next, Waiting};
use crate::post::Message;
use crate::rate::HourlyRate;
use crate::status::{ChannelStatus, Tried};

/// Longest wait before a message is tried again, whatever the receiver asks for: an alert that
/// comes ten minutes late is none.
const WAIT_MOST: Duration = Duration::from_secs(30);

/// A channel, what waits for it, and what became of the rest.
pub(crate) struct Post {
    channel: Mutex<Arc<Channel>>,
    lanes: Mutex<Lanes>,
    wake: Notify,
    rate: Mutex<HourlyRate>,
    status: Mutex<ChannelStatus>,
    /// Alerts that did not get here since the last that did: told with the next.
    left_out: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Post {
    pub(crate) fn new(channel: Channel) -> Self {
        let status = ChannelStatus {
            name: channel.name.clone(),
            kind: channel.kind().to_owned(),
            ..ChannelStatus::default()
        };
        Self {
            rate: Mutex::new(HourlyRate::new(channel.per_hour)),
            channel: Mutex::new(Arc::new(channel)),
            lanes: Mutex::default(),
            wake: Notify::new(),
            status: Mutex::new(status),
            left_out: AtomicU64::new(0),
        }
    }

    /// Goes on with other settings of the same channel. What waits is sent by them.
    pub(crate) fn set(&self, channel: Channel) {
        lock(&self.rate).set_most(channel.per_hour);
        channel.kind().clone_into(&mut lock(&self.status).kind);
        *lock(&self.channel) = Arc::new(channel);
    }

    /// The channel as it is set now.
    pub(crate) fn channel(&self) -> Arc<Channel> {
        Arc::clone(&lock(&self.channel))
    }

    pub(crate) fn status(&self) -> ChannelStatus {
        lock(&self.status).clone()
    }

    /// Whether an alert is to go here.
    pub(crate) fn takes(&self, told: &Told) -> bool {
        let channel = self.channel();
        channel.route.takes(told.alert.kind, told.alert.severity)
    }

    /// Has a message wait for its turn; `false` when there is no room.
    pub(crate) fn push(&self, told: Told) -> bool {
        let fits = lock(&self.lanes).push(told, Instant::now());
        if fits {
            self.wake.notify_one();
        } else {
            lock(&self.status).dropped += 1;
            self.leave_out(1);
            let channel = self.channel();
            tracing::error!(channel = channel.name, "an alert found no room");
        }
        fits
    }

    /// Tells with the next message that so many did not get here.
    pub(crate) fn leave_out(&self, count: u64) {
        self.left_out.fetch_add(count, Ordering::Relaxed);
    }

    /// Takes nothing in any more.
    pub(crate) fn close(&self) {
        lock(&self.lanes).close();
        self.wake.notify_one();
    }

    /// Notes what still waits as given up.
    pub(crate) fn give_up_rest(&self) {
        let rest = lock(&self.lanes).len() as u64;
        if rest > 0 {
            lock(&self.status).given_up += rest;
            let channel = self.channel();
            tracing::error!(
                channel = channel.name,
                rest,
                "alerts were not sent before the end"
            );
        }
    }

    /// Sends what waits, until it is closed and all is sent.
    pub(crate) async fn deliver(self: Arc<Self>, options: Options) {
        loop {
            let next = lock(&self.lanes).next(Instant::now());
            match next {
                Next::Over => break,
                Next::Send(waiting) => self.attempt(waiting, options).await,
                Next::Wait(None) => self.wake.notified().await,
                Next::Wait(Some(until)) => tokio::select! {
                    () = self.wake.notified() => {}
                    () = sleep_until(until) => {}
                },
            }
        }
    }

    async fn attempt(&self, mut waiting: Waiting, options: Options) {
        let channel = self.channel();
        let (alert, now) = (&waiting.told.alert, system_time());
        if waiting.failures == 0 && !lock(&self.rate).take(alert.kind, alert.severity, now) {
            lock(&self.status).withheld += 1;
            self.leave_out(1);
            return;
        }
        let withheld = self.left_out.load(Ordering::Relaxed);
        let message = Message {
            told: waiting.told.clone(),
            withheld,
        };
        let missed = match channel.send(&message, now).await {
            Ok(_) => {
                self.left_out.fetch_sub(withheld, Ordering::Relaxed);
                let mut status = lock(&self.status);
                status.sent += 1;
                status.trouble = None;
                return;
            }
            Err(missed) => missed,
        };
        waiting.failures = waiting.failures.saturating_add(1);
        let (name, why) = (&channel.name, &missed.why);
        let attempt = waiting.failures;
        tracing::warn!(channel = name, attempt, why, "an alert did not arrive");
        {
            let mut status = lock(&self.status);
            status.failures += 1;
            status.trouble = Some(missed.why.clone());
        }
        match missed.again {
            Some(asked) if waiting.failures < options.attempts => {
                let due = Instant::now() + pause(options, waiting.failures, asked);
                let mut lanes = lock(&self.lanes);
                if asked.is_some() {
                    lanes.quiet_until(due);
                }
                lanes.again(Waiting { due, ..waiting });
            }
            _ => {
                lock(&self.status).given_up += 1;
                self.leave_out(1);
                tracing::error!(
                    channel = name,
                    alert = waiting.told.id,
                    "an alert was given up"
                );
            }
        }
    }

    /// Sends a message at once, ahead of what waits and whatever was sent in the hour.
    pub(crate) async fn try_once(&self, told: Told) -> Tried {
        let channel = self.channel();
        let message = Message { told, withheld: 0 };
        let answered = channel.send(&message, system_time()).await;
        let arrived = answered.is_ok();
        {
            let mut status = lock(&self.status);
            match &answered {
                Ok(_) => {
                    status.sent += 1;
                    status.trouble = None;
                }
                Err(missed) => {
                    status.failures += 1;
                    status.trouble = Some(missed.why.clone());
                }
            }
        }
        Tried {
            channel: channel.name.clone(),
            kind: channel.kind().to_owned(),
            arrived,
            answer: answered.unwrap_or_else(|missed| missed.why),
        }
    }
}

/// How long it is waited after so many failures.
fn pause(options: Options, failures: u32, asked: Option<Duration>) -> Duration {
    let wait = options.retry.wait(failures, fastrand::f64(), asked);
    wait.min(WAIT_MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_receiver_has_an_alert_wait_for_long() {
        for asked in [None, Some(Duration::from_secs(600)), Some(Duration::MAX)] {
            for failures in [1, 3, 1_000] {
                assert!(pause(Options::default(), failures, asked) <= WAIT_MOST);
            }
        }
        let asked = Some(Duration::from_secs(20));
        assert!(pause(Options::default(), 1, asked) >= Duration::from_secs(20));
    }
}
