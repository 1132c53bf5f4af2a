//! How a command ends.

use std::fmt;
use std::process::ExitCode;

/// How a command that did its work ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: done.
    Done,
    /// 1: done, and there are findings, or what was called said no.
    Findings,
    /// 3: a workspace is not in its declared state.
    Drift,
    /// The exit code of a command that was run.
    Code(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Findings => 1,
            Exit::Drift => 3,
            Exit::Code(code) => code,
        })
    }
}

/// Whose fault a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 1: it was rightly asked for and could not be done.
    Failed,
    /// 2: wrong usage or configuration.
    Usage,
    /// 1: it was asked for, and whether it was done is not known.
    Lost,
    /// 1, and nothing to tell: nobody reads the output any more.
    Unread,
}

/// Why a command could not do its work. The text says what to do next.
#[derive(Debug)]
pub(crate) struct Failure {
    /// Whose fault it is.
    pub(crate) fault: Fault,
    message: String,
}

impl Failure {
    /// It could not be done: exit code 1.
    pub(crate) fn failed(message: impl fmt::Display) -> Self {
        Self {
            fault: Fault::Failed,
            message: message.to_string(),
        }
    }

    /// Wrong usage or configuration: exit code 2.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self {
            fault: Fault::Usage,
            message: message.to_string(),
        }
    }

    /// Whether it was done is not known: exit code 1.
    pub(crate) fn lost(message: impl fmt::Display) -> Self {
        Self {
            fault: Fault::Lost,
            message: message.to_string(),
        }
    }

    /// The same, as a fault of what was asked: exit code 2, where 1 means something else.
    pub(crate) fn into_usage(self) -> Self {
        match self.fault {
            Fault::Unread => self,
            _ => Self::usage(self.message),
        }
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self.fault {
            Fault::Failed | Fault::Lost | Fault::Unread => 1,
            Fault::Usage => 2,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<std::io::Error> for Failure {
    /// Of writing output; everything else says what it was about.
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self {
                fault: Fault::Unread,
                message: error.to_string(),
            };
        }
        Self::failed(format_args!("can't write the output: {error}"))
    }
}

/// What a command returns.
pub(crate) type Outcome = Result<Exit, Failure>;
