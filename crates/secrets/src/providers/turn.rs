//! One act at a time, on a thread of its own that may never come back.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

/// Why an act gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missed {
    /// Others took all the time that there was.
    Busy,
    /// An act before did not come back in its time, and was not begun after.
    Stuck,
    /// It was begun, and did not come back in its time.
    TimedOut,
    /// No thread can be started, or the act panicked.
    Failed,
}

/// Lets one act run at a time. However many ask, there is one thread: while an act that took too long
/// has not come back, no other is begun.
#[derive(Debug, Default)]
pub(super) struct Turns {
    now: Mutex<Now>,
    free: Condvar,
}

#[derive(Debug, Default)]
struct Now {
    /// Counts acts.
    count: u64,
    /// The one under way, and whether it took too long.
    running: Option<(u64, bool)>,
}

impl Turns {
    /// Waits for its turn at most `limit`, then runs an act for at most `limit`.
    ///
    /// # Errors
    /// [`Missed`]; one that timed out goes on all the same.
    pub(super) fn run<T: Send + 'static>(
        self: &Arc<Self>,
        limit: Duration,
        act: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Missed> {
        let turn = self.take(limit)?;
        let number = turn.number;
        let (done, answer) = mpsc::channel();
        let started = thread::Builder::new()
            .name("secret-keyring".into())
            .spawn(move || {
                let _turn = turn;
                let _ = done.send(act());
            });
        if started.is_err() {
            return Err(Missed::Failed);
        }
        match answer.recv_timeout(limit) {
            Ok(outcome) => Ok(outcome),
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(Missed::Failed),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let mut now = self.lock();
                if let Some((running, stuck)) = &mut now.running
                    && *running == number
                {
                    *stuck = true;
                    // Whoever waits need not wait any longer.
                    self.free.notify_all();
                }
                Err(Missed::TimedOut)
            }
        }
    }

    fn take(self: &Arc<Self>, limit: Duration) -> Result<Turn, Missed> {
        let until = Instant::now() + limit;
        let mut now = self.lock();
        loop {
            match now.running {
                None => break,
                Some((_, true)) => return Err(Missed::Stuck),
                Some((_, false)) => {}
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Missed::Busy);
            }
            let waited = self.free.wait_timeout(now, left);
            now = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        now.count = now.count.wrapping_add(1);
        let number = now.count;
        now.running = Some((number, false));
        Ok(Turn {
            turns: Arc::clone(self),
            number,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets the next one begin when it is dropped.
struct Turn {
    turns: Arc<Turns>,
    number: u64,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.lock().running = None;
        self.turns.free.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const LONG: Duration = Duration::from_secs(30);
    const SHORT: Duration = Duration::from_millis(5);

    #[test]
    fn while_one_does_not_come_back_no_other_thread_is_started() {
        let turns = Arc::new(Turns::default());
        let (go, wait) = mpsc::channel::<()>();
        let (ended, end) = mpsc::channel();
        let hung = turns.run(SHORT, move || {
            let _ = wait.recv();
            let _ = ended.send(());
        });
        assert_eq!(hung, Err(Missed::TimedOut));
        // At once, however long they would wait.
        let begun = Arc::new(AtomicUsize::new(0));
        for _ in 0..1_000 {
            let begun = Arc::clone(&begun);
            let other = turns.run(LONG, move || begun.fetch_add(1, Ordering::SeqCst));
            assert_eq!(other, Err(Missed::Stuck));
        }
        assert_eq!(begun.load(Ordering::SeqCst), 0);
        // Somebody unlocks it.
        go.send(()).unwrap();
        end.recv_timeout(LONG).unwrap();
        let from = Instant::now();
        while turns.run(LONG, || 7) != Ok(7) {
            assert!(from.elapsed() < LONG, "it never is free again");
            thread::yield_now();
        }
    }

    #[test]
    fn who_waits_for_a_turn_gets_one_or_says_that_it_is_busy() {
        let turns = Arc::new(Turns::default());
        let (go, wait) = mpsc::channel::<()>();
        let (begun, begin) = mpsc::channel();
        thread::scope(|scope| {
            let first = scope.spawn(|| {
                turns.run(LONG, move || {
                    begun.send(()).unwrap();
                    wait.recv().unwrap();
                    1
                })
            });
            begin.recv().unwrap();
            assert_eq!(turns.run(SHORT, || 2), Err(Missed::Busy));
            let third = scope.spawn(|| turns.run(LONG, || 3));
            go.send(()).unwrap();
            assert_eq!(first.join().unwrap(), Ok(1));
            assert_eq!(third.join().unwrap(), Ok(3));
        });
    }

    #[test]
    fn an_act_that_panics_holds_nobody_up() {
        let turns = Arc::new(Turns::default());
        let failed: Result<(), _> = turns.run(LONG, || panic!("as it is meant to"));
        assert_eq!(failed, Err(Missed::Failed));
        assert_eq!(turns.run(LONG, || 1), Ok(1));
    }
}
