//! What a server's log tells as it is written: the steps as they begin, and the end.
//!
//! The server is stopped (SIGSTOP) by the thread that reads, the moment that it says that a step begins,
//! so that what is done at that step is done there and not later.

use std::fs::File;
use std::io::{BufRead, BufReader, PipeReader, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// What is read of a server's log, over all its starts.
#[derive(Clone)]
pub(crate) struct Watch(Arc<Inner>);

struct Inner {
    seen: Mutex<Seen>,
    changed: Condvar,
    log: Mutex<File>,
}

#[derive(Default)]
struct Seen {
    /// The step at whose beginning the server is to be stopped.
    armed: Option<&'static str>,
    stopped: bool,
    /// The rotation's id, once one began.
    id: Option<String>,
    steps: Vec<String>,
    /// Where the rotation ended.
    over: Option<String>,
}

impl Watch {
    /// The log is kept in a file as well.
    pub(crate) fn new(log: File) -> Watch {
        Watch(Arc::new(Inner {
            seen: Mutex::default(),
            changed: Condvar::new(),
            log: Mutex::new(log),
        }))
    }

    /// Reads what a server writes, until it ends.
    pub(crate) fn follow(&self, from: PipeReader, server: Pid) {
        let inner = Arc::clone(&self.0);
        std::thread::spawn(move || {
            let mut lines = BufReader::new(from);
            let mut line = Vec::new();
            while lines
                .read_until(b'\n', &mut line)
                .is_ok_and(|read| read > 0)
            {
                inner.saw(&String::from_utf8_lossy(&line), server);
                inner.log.lock().unwrap().write_all(&line).unwrap();
                line.clear();
            }
        });
    }

    /// Has the server stopped where that step begins.
    pub(crate) fn arm(&self, step: &'static str) {
        let mut seen = self.0.seen.lock().unwrap();
        seen.armed = Some(step);
        seen.stopped = false;
    }

    /// Waits until it is stopped there, or the rotation is over.
    pub(crate) fn stopped(&self, limit: Duration) -> bool {
        self.wait(limit, |seen| seen.stopped || seen.over.is_some());
        self.0.seen.lock().unwrap().stopped
    }

    /// Waits for the end of the rotation.
    pub(crate) fn over(&self, limit: Duration) -> Option<String> {
        self.wait(limit, |seen| seen.over.is_some());
        self.0.seen.lock().unwrap().over.clone()
    }

    pub(crate) fn id(&self) -> Option<String> {
        self.0.seen.lock().unwrap().id.clone()
    }

    /// The steps that began, in order.
    pub(crate) fn steps(&self) -> Vec<String> {
        self.0.seen.lock().unwrap().steps.clone()
    }

    fn wait(&self, limit: Duration, enough: impl Fn(&Seen) -> bool) {
        let until = Instant::now() + limit;
        let mut seen = self.0.seen.lock().unwrap();
        while !enough(&seen) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            seen = self.0.changed.wait_timeout(seen, left).unwrap().0;
        }
    }
}

impl Inner {
    fn saw(&self, line: &str, server: Pid) {
        if line.contains(" a step begins ") {
            let mut seen = self.seen.lock().unwrap();
            let step = text(line, "step");
            if seen.armed.is_some() && seen.armed == step {
                // It may be gone meanwhile.
                let _ = kill_process(server, Signal::STOP);
                seen.armed = None;
                seen.stopped = true;
            }
            seen.id = text(line, "id").map(str::to_owned);
            seen.steps.extend(step.map(str::to_owned));
        } else if line.contains(" a rotation is over ") {
            self.seen.lock().unwrap().over = text(line, "at").map(str::to_owned);
        }
        self.changed.notify_all();
    }
}

/// The text of a field of a line.
fn text<'l>(line: &'l str, field: &str) -> Option<&'l str> {
    let (_, after) = line.split_once(&format!(" {field}=\""))?;
    after.split_once('"').map(|(value, _)| value)
}
