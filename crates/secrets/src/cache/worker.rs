//! The thread that reads ahead.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Cache;

/// Longest sleep of the thread, which is woken by everything that brings its work forward.
const LONGEST: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Said {
    stop: bool,
    look: bool,
}

/// What wakes the thread.
#[derive(Default)]
pub(super) struct Bell {
    said: Mutex<Said>,
    rung: Condvar,
}

impl Bell {
    /// There may be something due earlier than was thought.
    pub(super) fn ring(&self) {
        self.say(|said| said.look = true);
    }

    fn say(&self, change: impl FnOnce(&mut Said)) {
        change(&mut self.said.lock().unwrap_or_else(PoisonError::into_inner));
        self.rung.notify_all();
    }

    /// Sleeps; whether to go on.
    fn sleep(&self, most: Duration) -> bool {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut said, _) = self
            .rung
            .wait_timeout_while(said, most, |said| !said.stop && !said.look)
            .unwrap_or_else(PoisonError::into_inner);
        said.look = false;
        !said.stop
    }
}

/// The thread, which ends with this.
pub(crate) struct Worker {
    cache: Arc<Cache>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    /// Starts it. Without it, which is when no thread can be started, secrets are read when they
    /// are asked for.
    pub(crate) fn start(cache: &Arc<Cache>) -> Self {
        let working = Arc::clone(cache);
        let started = thread::Builder::new()
            .name("secret-ahead".into())
            .spawn(move || {
                loop {
                    let next = working.tick();
                    let wait = next.map_or(LONGEST, |next| next.saturating_sub(working.now()));
                    if !working.bell.sleep(wait.min(LONGEST)) {
                        return;
                    }
                }
            });
        Self {
            cache: Arc::clone(cache),
            thread: started.ok(),
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.cache.bell.say(|said| said.stop = true);
        let Some(thread) = self.thread.take() else {
            return;
        };
        // It waits for nothing but the bell. One that ends itself, told by its own thread, can't
        // be waited for.
        if thread.thread().id() != thread::current().id() {
            let _ = thread.join();
        }
    }
}
