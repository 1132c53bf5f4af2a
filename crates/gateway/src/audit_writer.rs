//! The thread that writes audit lines, and what it does when it can't.

use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, SystemTime};

use doorward_policy::Timestamp;
use serde::Serialize;
use tokio::sync::oneshot;

use crate::audit::{AuditSink, as_line};

/// Lines kept while the sink fails.
const BACKLOG: usize = 8 * 1024;
/// How often a failing sink is tried when nothing comes in.
const RETRY: Duration = Duration::from_secs(1);

/// What the thread is asked to do.
pub(crate) enum Message {
    /// Write a line, now or when the sink takes it.
    Line(Vec<u8>),
    /// Write a line now and say whether that was done. If not, the line is dropped: what it
    /// announces does not happen.
    Intent(Vec<u8>, oneshot::Sender<bool>),
    /// Say whether all lines before are written.
    Flush(oneshot::Sender<bool>),
}

/// Writes lines to a sink.
pub(crate) struct Writer {
    sink: Sink,
    backlog: VecDeque<Vec<u8>>,
    lost: Arc<AtomicU64>,
    /// A line was written in part.
    torn: bool,
}

enum Sink {
    Stream(Box<dyn Write + Send>),
    File { path: PathBuf, file: Option<File> },
}

impl Writer {
    pub(crate) fn open(sink: AuditSink, lost: Arc<AtomicU64>) -> io::Result<Self> {
        let sink = match sink {
            AuditSink::Stdout => Sink::Stream(Box::new(io::stdout())),
            AuditSink::Stderr => Sink::Stream(Box::new(io::stderr())),
            AuditSink::Other(stream) => Sink::Stream(stream),
            AuditSink::File(path) => Sink::File {
                file: Some(append_to(&path)?),
                path,
            },
        };
        Ok(Self {
            sink,
            backlog: VecDeque::new(),
            lost,
            torn: false,
        })
    }

    /// Writes what comes until there is nobody left to send.
    pub(crate) fn run(mut self, messages: &Receiver<Message>) {
        loop {
            match messages.recv_timeout(RETRY) {
                Ok(message) => self.handle(message),
                Err(RecvTimeoutError::Timeout) => {
                    let _ = self.catch_up();
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let _ = self.catch_up();
    }

    fn handle(&mut self, message: Message) {
        match message {
            Message::Line(line) => {
                if self.catch_up().and_then(|()| self.put(&line)).is_err() {
                    self.keep(line);
                }
            }
            Message::Intent(line, done) => {
                let written = self.catch_up().and_then(|()| self.put(&line));
                let _ = done.send(written.is_ok());
            }
            Message::Flush(done) => {
                let _ = done.send(self.catch_up().is_ok());
            }
        }
    }

    fn keep(&mut self, line: Vec<u8>) {
        if self.backlog.len() == BACKLOG {
            self.backlog.pop_front();
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        self.backlog.push_back(line);
    }

    /// Writes what could not be written before.
    fn catch_up(&mut self) -> io::Result<()> {
        while let Some(line) = self.backlog.pop_front() {
            if let Err(error) = self.put(&line) {
                self.backlog.push_front(line);
                return Err(error);
            }
        }
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0
            && let Err(error) = self.put(&as_line(&Lost::now(lost)))
        {
            self.lost.fetch_add(lost, Ordering::Relaxed);
            return Err(error);
        }
        Ok(())
    }

    fn put(&mut self, line: &[u8]) -> io::Result<()> {
        let torn = self.torn;
        let stream: &mut dyn Write = match &mut self.sink {
            Sink::Stream(stream) => stream,
            Sink::File { path, file } => match file.take().filter(|file| is_at(file, path)) {
                Some(same) => file.insert(same),
                None => file.insert(append_to(path)?),
            },
        };
        // A line begun and not ended is ended before the next begins.
        self.torn = true;
        let written = (if torn {
            stream.write_all(b"\n")
        } else {
            Ok(())
        })
        .and_then(|()| stream.write_all(line))
        .and_then(|()| stream.flush());
        match (&written, &mut self.sink) {
            (Ok(()), _) => self.torn = false,
            (Err(_), Sink::File { file, .. }) => *file = None,
            (Err(_), Sink::Stream(_)) => {}
        }
        written
    }
}

/// Whether the file still is what the path names: not when it was moved away or deleted, and lines
/// written to it would be read by nobody.
fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let named = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
        let (Ok(open), Ok(there)) = (file.metadata(), std::fs::metadata(path)) else {
            return false;
        };
        named(open) == named(there)
    }
    #[cfg(not(unix))]
    {
        let _ = (file, path);
        true
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

#[derive(Serialize)]
struct Lost {
    timestamp: Timestamp,
    phase: &'static str,
    action: &'static str,
    result: &'static str,
    metadata: LostLines,
}

#[derive(Serialize)]
struct LostLines {
    lines: u64,
}

impl Lost {
    fn now(lines: u64) -> Self {
        Self {
            timestamp: crate::clock::at(SystemTime::now()),
            phase: "outcome",
            action: "audit.lost",
            result: "failure",
            metadata: LostLines { lines },
        }
    }
}
