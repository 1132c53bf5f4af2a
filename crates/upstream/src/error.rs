//! What can go wrong with a call, sorted by what the caller can do about it.
//!
//! No text here holds a key: what the API says is cleaned of the client's keys, of control
//! characters and of excess length before it becomes part of an error.

use std::time::Duration;

use doorward_catalog::{Op, ScopeSet};

/// Whether what was asked for has happened. It matters for writes: `Unknown` must be looked into
/// before the call is made again, since the API has no idempotency keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// It was not done.
    NotDone,
    /// It was done, but the answer can't be had or used.
    Done,
    /// It may or may not have been done.
    Unknown,
}

/// Why a call, or the making of a client, failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The key is alive and its scopes do not cover the operation. The API answers 401, or 403 in
    /// the form its documentation describes.
    #[error("{op} needs {}; the key has {}", list(.required), found_list(.found))]
    WrongScope {
        /// The operation.
        op: Op,
        /// The scopes asked for, as the API names them.
        required: Vec<String>,
        /// All scopes of the key, where the API names them.
        found: Option<Vec<String>>,
    },
    /// 401: the key is unknown, revoked or malformed.
    #[error("{op}: the key is not accepted: {message}")]
    DeadKey {
        /// The operation.
        op: Op,
        /// What the API said.
        message: String,
    },
    /// 403 by the edge in front of the API, which never saw the call. Code 1010 is a refusal of the
    /// user agent or of the address. Says nothing of the key.
    #[error("{op}: blocked at the edge before the API saw it{}", code_text(.code))]
    EdgeBlocked {
        /// The operation.
        op: Op,
        /// The edge's own code.
        code: Option<u32>,
    },
    /// 402: the workspace has no active paid plan. The key is alive.
    #[error("{op}: the workspace has no active paid plan: {message}")]
    NoPlan {
        /// The operation.
        op: Op,
        /// What the API said.
        message: String,
    },
    /// 403 for a reason that is not the key's scopes, such as a campaign that is not shared.
    #[error("{op}: forbidden: {message}")]
    Forbidden {
        /// The operation.
        op: Op,
        /// What the API said.
        message: String,
    },
    /// 404.
    #[error("{op}: not found: {message}")]
    NotFound {
        /// The operation.
        op: Op,
        /// What the API said.
        message: String,
    },
    /// 400, 413, 415 or 422: the request does not fit.
    #[error("{op}: invalid ({status}): {message}")]
    Invalid {
        /// The operation.
        op: Op,
        /// HTTP status.
        status: u16,
        /// What the API said.
        message: String,
    },
    /// 409.
    #[error("{op}: conflict: {message}")]
    Conflict {
        /// The operation.
        op: Op,
        /// What the API said.
        message: String,
    },
    /// 429, and no attempt was left. The call was refused before anything was done.
    #[error("{op}: over the rate limit{}: {message}", wait_text(.retry_after))]
    Limit {
        /// The operation.
        op: Op,
        /// What `Retry-After` asked for; the API sends it on few operations.
        retry_after: Option<Duration>,
        /// What the API said.
        message: String,
    },
    /// 5xx. A write may or may not have been done.
    #[error("{op}: the API failed ({status}): {message}")]
    Server {
        /// The operation.
        op: Op,
        /// HTTP status.
        status: u16,
        /// What `Retry-After` asked for.
        retry_after: Option<Duration>,
        /// What the API said.
        message: String,
    },
    /// Any other 4xx.
    #[error("{op}: refused ({status}): {message}")]
    Refused {
        /// The operation.
        op: Op,
        /// HTTP status.
        status: u16,
        /// What the API said.
        message: String,
    },
    /// 3xx. Never followed: a redirect could carry the key elsewhere.
    #[error("{op}: answered with a redirect ({status}), which is not followed")]
    Redirect {
        /// The operation.
        op: Op,
        /// HTTP status.
        status: u16,
    },
    /// 200, with an error in the body.
    #[error("{op}: answered 200 with the error `{code}`{}", message_text(.message))]
    InBody {
        /// The operation.
        op: Op,
        /// The code in the body, such as `ACC_NOT_FOUND`.
        code: String,
        /// The description beside it.
        message: Option<String>,
    },
    /// A 2xx answer that is not what the operation answers: another content type, no JSON, or JSON
    /// of another shape.
    #[error("{op}: the answer ({status}) can't be used: {why}")]
    BadAnswer {
        /// The operation.
        op: Op,
        /// HTTP status.
        status: u16,
        /// What is wrong with it.
        why: String,
    },
    /// A 2xx answer with a body beyond the client's bound.
    #[error("{op}: the answer ({status}) is over {limit} bytes")]
    TooLarge {
        /// The operation.
        op: Op,
        /// HTTP status.
        status: u16,
        /// The bound, in bytes.
        limit: usize,
    },
    /// No byte of the request left: the connection could not be made.
    #[error("{op}: not sent: {why}")]
    NotSent {
        /// The operation.
        op: Op,
        /// Why.
        why: String,
    },
    /// A read whose connection broke.
    #[error("{op}: the connection broke: {why}")]
    Broken {
        /// The operation.
        op: Op,
        /// Why.
        why: String,
    },
    /// A read that took longer than the client's timeout.
    #[error("{op}: no answer within {} s", .after.as_secs_f64())]
    TimedOut {
        /// The operation.
        op: Op,
        /// The timeout of the whole call.
        after: Duration,
    },
    /// A write whose answer was lost: it may or may not have been done. With a 2xx `status` it was
    /// done and only the rest of the answer is missing.
    #[error("{op}: the answer was lost, so it is unknown whether it was done: {why}")]
    OutcomeUnknown {
        /// The operation.
        op: Op,
        /// The answer's status, when that much arrived.
        status: Option<u16>,
        /// Why.
        why: String,
    },
    /// The call can't be made: its parameter, query or body does not fit the operation.
    #[error("{op}: bad call: {why}")]
    BadCall {
        /// The operation.
        op: Op,
        /// Why.
        why: String,
    },
    /// A list whose cursor came a second time; a walk over it would never end.
    #[error("{op}: the list repeats its cursor")]
    RepeatedCursor {
        /// The operation.
        op: Op,
    },
    /// Neither key of a reader/writer pair covers the operation.
    #[error(
        "{op} needs {}; neither the reader key ({reader}) nor the writer key ({writer}) covers it",
        .op.facts().scope
    )]
    NoKeyCovers {
        /// The operation.
        op: Op,
        /// The reader key's scopes.
        reader: ScopeSet,
        /// The writer key's scopes.
        writer: ScopeSet,
    },
    /// The client can't be made of what was configured.
    #[error("{what}: {why}")]
    Config {
        /// Which setting.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

impl Error {
    /// The operation that was called; none for a configuration error.
    pub fn op(&self) -> Option<Op> {
        match self {
            Error::WrongScope { op, .. }
            | Error::DeadKey { op, .. }
            | Error::EdgeBlocked { op, .. }
            | Error::NoPlan { op, .. }
            | Error::Forbidden { op, .. }
            | Error::NotFound { op, .. }
            | Error::Invalid { op, .. }
            | Error::Conflict { op, .. }
            | Error::Limit { op, .. }
            | Error::Server { op, .. }
            | Error::Refused { op, .. }
            | Error::Redirect { op, .. }
            | Error::InBody { op, .. }
            | Error::BadAnswer { op, .. }
            | Error::TooLarge { op, .. }
            | Error::NotSent { op, .. }
            | Error::Broken { op, .. }
            | Error::TimedOut { op, .. }
            | Error::OutcomeUnknown { op, .. }
            | Error::BadCall { op, .. }
            | Error::RepeatedCursor { op }
            | Error::NoKeyCovers { op, .. } => Some(*op),
            Error::Config { .. } => None,
        }
    }

    /// Whether what was asked for has happened nevertheless.
    pub fn outcome(&self) -> Outcome {
        match self {
            Error::BadAnswer { .. } | Error::TooLarge { .. } => Outcome::Done,
            Error::OutcomeUnknown { status, .. } => match status {
                Some(200..=299) => Outcome::Done,
                _ => Outcome::Unknown,
            },
            Error::Server { .. } | Error::Broken { .. } | Error::TimedOut { .. } => {
                Outcome::Unknown
            }
            // 408: the API gave up waiting for something, perhaps itself.
            Error::Refused { status: 408, .. } => Outcome::Unknown,
            _ => Outcome::NotDone,
        }
    }
}

fn list(scopes: &[String]) -> String {
    if scopes.is_empty() {
        "a scope that the API does not name".to_owned()
    } else {
        scopes.join(", ")
    }
}

fn found_list(found: &Option<Vec<String>>) -> String {
    match found.as_deref() {
        None => "other scopes".to_owned(),
        Some([]) => "none".to_owned(),
        Some(scopes) => scopes.join(", "),
    }
}

fn code_text(code: &Option<u32>) -> String {
    code.map(|code| format!(" (code {code})"))
        .unwrap_or_default()
}

fn wait_text(wait: &Option<Duration>) -> String {
    wait.map(|wait| format!(" (again in {} s)", wait.as_secs()))
        .unwrap_or_default()
}

fn message_text(message: &Option<String>) -> String {
    message
        .as_ref()
        .map(|message| format!(": {message}"))
        .unwrap_or_default()
}
