//! Programs that are run: no shell, nothing inherited but what is named, bounded in time and in
//! what they say.

use std::io::{self, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::files::read_bounded;

/// How often a program that has said all is looked at for its end.
const STEP: Duration = Duration::from_millis(2);
/// Most that is kept of what it says on standard error, in bytes.
const MAX_ERR: usize = 4096;

/// What a program did.
pub(super) struct Ran {
    pub(super) status: ExitStatus,
    pub(super) out: Zeroizing<Vec<u8>>,
    pub(super) err: Zeroizing<Vec<u8>>,
}

/// Why a program came to nothing.
pub(super) enum Failed {
    /// It could not be started.
    Start(io::Error),
    /// It was ended after the limit.
    Time,
    /// It said more than the most that is taken, and was ended.
    Size,
}

/// The variables that a program is given, as this process has them.
const GIVEN: [&str; 2] = ["PATH", "HOME"];

/// Runs a program with `PATH`, `HOME` and what else is `given` for an environment and nothing to
/// read; takes at most `max` bytes of what it prints. What it started and left behind is ended.
pub(super) fn run(
    command: &mut Command,
    given: &[String],
    limit: Duration,
    max: usize,
) -> Result<Ran, Failed> {
    command.env_clear();
    for name in GIVEN.into_iter().chain(given.iter().map(String::as_str)) {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        // A group of its own, so that what it starts can be ended with it.
        command.process_group(0);
    }
    let deadline = Instant::now() + limit;
    let mut running = Running::new(command.spawn().map_err(Failed::Start)?);
    let out = listen(running.child.stdout.take(), max, Rest::Unread);
    let err = listen(running.child.stderr.take(), MAX_ERR, Rest::Forgotten);
    let left = || deadline.saturating_duration_since(Instant::now());
    let out = out.recv_timeout(left()).map_err(|_| Failed::Time)?;
    if out.len() > max {
        return Err(Failed::Size);
    }
    let err = err.recv_timeout(left()).map_err(|_| Failed::Time)?;
    loop {
        if running.has_ended().map_err(Failed::Start)? {
            let status = running.end().map_err(Failed::Start)?;
            return Ok(Ran { status, out, err });
        }
        if left().is_zero() {
            return Err(Failed::Time);
        }
        thread::sleep(STEP);
    }
}

/// A program that is ended with its whole group, and awaited, when nobody waits for it any more.
struct Running {
    child: Child,
    awaited: bool,
}

impl Running {
    fn new(child: Child) -> Self {
        Self {
            child,
            awaited: false,
        }
    }

    /// Whether the program itself has ended. It is not awaited: until then nobody else has its
    /// number, by which the group is ended.
    #[cfg(unix)]
    fn has_ended(&mut self) -> io::Result<bool> {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        let Some(pid) = self.pid() else {
            return Ok(true);
        };
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        match waitid(WaitId::Pid(pid), look) {
            Ok(ended) => Ok(ended.is_some()),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    #[cfg(not(unix))]
    fn has_ended(&mut self) -> io::Result<bool> {
        self.child.try_wait().map(|status| status.is_some())
    }

    #[cfg(unix)]
    fn pid(&self) -> Option<rustix::process::Pid> {
        let number = i32::try_from(self.child.id()).ok()?;
        rustix::process::Pid::from_raw(number)
    }

    /// Ends it, if it has not ended, and all that it started in its group.
    fn end(&mut self) -> io::Result<ExitStatus> {
        #[cfg(unix)]
        if let Some(group) = self.pid() {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        let _ = self.child.kill();
        let status = self.child.wait();
        self.awaited = true;
        status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.awaited {
            let _ = self.end();
        }
    }
}

/// What becomes of that which is more than is taken.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rest {
    Unread,
    /// It is read, so that the program can go on.
    Forgotten,
}

/// Reads on a thread of its own: one pipe that is full must not keep the other from being read.
fn listen(
    pipe: Option<impl Read + Send + 'static>,
    max: usize,
    rest: Rest,
) -> mpsc::Receiver<Zeroizing<Vec<u8>>> {
    let (said, heard) = mpsc::channel();
    let Some(mut pipe) = pipe else {
        return heard;
    };
    let listening = thread::Builder::new()
        .name("secret-pipe".into())
        .spawn(move || {
            let bytes = read_bounded(&mut pipe, max).unwrap_or_default();
            let _ = said.send(bytes);
            if rest == Rest::Forgotten {
                let _ = io::copy(&mut pipe, &mut io::sink());
            }
        });
    // With no thread nothing is ever heard, which is told as what it is: no answer in time.
    drop(listening);
    heard
}

/// At most 200 characters of what a program said on standard error, for people: one line, and
/// nothing in it that looks like a secret or stands in `hidden`.
pub(super) fn scrubbed(err: &[u8], hidden: &[u8]) -> String {
    let text = String::from_utf8_lossy(err);
    let hidden = String::from_utf8_lossy(hidden);
    let mut told = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !told.is_empty() {
            told.push(' ');
        }
        let known = word.len() > 3 && hidden.contains(word);
        told.push_str(if known || looks_secret(word) {
            "…"
        } else {
            word
        });
        if told.chars().count() > 200 {
            return told.chars().take(199).chain(['…']).collect();
        }
    }
    told
}

/// Whether there are 16 characters in a row, as keys have them, with digits among the letters, or
/// 32 of any such.
fn looks_secret(word: &str) -> bool {
    let keyish = |c: char| c.is_alphanumeric() || "+/=_-.".contains(c);
    word.split(|c| !keyish(c)).any(|run| {
        let digits = run.chars().any(|c| c.is_ascii_digit());
        let length = run.chars().count();
        length >= 32 || (length >= 16 && digits)
    })
}
