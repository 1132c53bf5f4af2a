//! What can go wrong with durable state.

use doorward_catalog::Environment;
use doorward_policy::GrantRefused;
use std::fmt;
use std::path::PathBuf;

/// Outcome of a store call.
pub type Result<T> = std::result::Result<T, StoreError>;

/// What a record is, for error texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// A workspace.
    Workspace,
    /// An upstream key.
    UpstreamKey,
    /// A client.
    Client,
    /// A client key.
    ClientKey,
    /// A policy.
    Policy,
    /// A write under an idempotency key.
    IdempotencyRecord,
    /// An approval.
    Approval,
    /// An admin token.
    AdminToken,
    /// A rotation of an upstream key.
    Rotation,
    /// Where a subscription's deliveries come in.
    Source,
    /// Where events are delivered.
    Destination,
    /// A revocation of an upstream key.
    Revocation,
    /// A check or a finding that is muted.
    CheckMute,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Workspace => "workspace",
            Self::UpstreamKey => "upstream key",
            Self::Client => "client",
            Self::ClientKey => "client key",
            Self::Policy => "policy",
            Self::IdempotencyRecord => "idempotency record",
            Self::Approval => "approval",
            Self::AdminToken => "admin token",
            Self::Rotation => "rotation",
            Self::Source => "source",
            Self::Destination => "destination",
            Self::Revocation => "revocation",
            Self::CheckMute => "mute",
        })
    }
}

/// Why a store call failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// There is no such record.
    #[error("there is no {what} '{name}'")]
    NotFound {
        /// What was looked for.
        what: What,
        /// By which name or id.
        name: String,
    },
    /// The name or id is taken.
    #[error("there is a {what} '{name}' already; choose another name")]
    Duplicate {
        /// What was to be made.
        what: What,
        /// Under which name or id.
        name: String,
    },
    /// Other records hang on it.
    #[error("{what} '{name}' still has {by}; delete them first")]
    InUse {
        /// What was to be deleted.
        what: What,
        /// Its name.
        name: String,
        /// What hangs on it.
        by: &'static str,
    },
    /// A rotation that is under way needs it.
    #[error(
        "{what} '{name}' is part of a rotation under way; wait for its end, or take it back \
         (`doorward upstream status`)"
    )]
    Rotating {
        /// What was to be deleted.
        what: What,
        /// Its name.
        name: String,
    },
    /// A revocation that is owed needs it.
    #[error(
        "{what} '{name}' is being revoked; wait until that is proved, or leave it as it is \
         (`doorward upstream status`)"
    )]
    Revoking {
        /// What was to be deleted.
        what: What,
        /// Its name.
        name: String,
    },
    /// A field does not fit.
    #[error("{field} {fault}")]
    Field {
        /// The field, with its article: "the name of the client".
        field: String,
        /// What is wrong with it and what would be right.
        fault: &'static str,
    },
    /// No key of the client's could be replaced.
    #[error("client '{client}' has no key in force{}", key.as_ref().map_or_else(
        || "; issue one with `doorward key issue`".to_owned(),
        |id| format!(" with the id {id}; `doorward key list` shows them"),
    ))]
    NoKeyInForce {
        /// Name of the client.
        client: String,
        /// Id of the key that was asked for, if one was.
        key: Option<String>,
    },
    /// The workspace has no clients in this environment.
    #[error("workspace '{workspace}' takes no clients in {environment}; it takes {admitted}")]
    EnvironmentNotAdmitted {
        /// Name of the workspace.
        workspace: String,
        /// The environment asked for.
        environment: Environment,
        /// Those it takes, comma-separated.
        admitted: String,
    },
    /// The grant is refused.
    #[error(transparent)]
    Grant(#[from] GrantRefused),
    /// The pepper is not the one that the stored hashes were made with.
    #[error(
        "this is not the pepper that the stored client keys were hashed with, so none of them \
         would open; give the right pepper, or delete the clients' keys and issue new ones"
    )]
    WrongPepper,
    /// Another process has the store open for writing.
    #[error("{} is in use by {}; use its admin socket or stop it", path.display(), holder(*pid))]
    Locked {
        /// The store's file.
        path: PathBuf,
        /// The process that holds it, when it says so.
        pid: Option<u32>,
    },
    /// The store was opened for reading.
    #[error("the store was opened for reading only")]
    ReadOnly,
    /// The file is damaged or no database.
    #[error("{} is damaged or no database ({detail}); restore it from a backup", path.display())]
    Corrupt {
        /// The store's file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The file is a database of another program.
    #[error("{} is a database of another program; choose another path", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a newer version.
    #[error(
        "{} has format {found} and this version of Doorward knows {known}; use a newer one",
        path.display()
    )]
    TooNew {
        /// The store's file.
        path: PathBuf,
        /// Its format.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// The file has an older format and was opened for reading.
    #[error(
        "{} has the older format {found}; open it once for writing (`doorward serve`) to bring it \
         up to date",
        path.display()
    )]
    NeedsMigration {
        /// The store's file.
        path: PathBuf,
        /// Its format.
        found: i64,
    },
    /// There is no room left to write.
    #[error("no room is left to write the store; nothing was changed")]
    Full,
    /// A key was erased and nobody is given it any more, but its bytes may still be in the files.
    #[error(
        "the key is erased, but a reader of the store or a full disk keeps its bytes in the file; \
         erase it again when that is mended"
    )]
    NotScrubbed,
    /// A file could not be opened or made.
    #[error("can't {doing} {}: {source}", path.display())]
    Io {
        /// What was tried: "open", "lock".
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// Stored data that this version can't read.
    #[error("the stored {what} '{name}' can't be read: {detail}")]
    Unreadable {
        /// What it is.
        what: What,
        /// Its name or id.
        name: String,
        /// What is wrong with it.
        detail: String,
    },
    /// Any other failure of the database.
    #[error("the store failed: {0}")]
    Database(#[source] rusqlite::Error),
}

impl StoreError {
    pub(crate) fn not_found(what: What, name: impl fmt::Display) -> Self {
        Self::NotFound {
            what,
            name: doorward_catalog::shown(&name.to_string()),
        }
    }

    pub(crate) fn duplicate(what: What, name: impl fmt::Display) -> Self {
        Self::Duplicate {
            what,
            name: name.to_string(),
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => Self::Full,
            Some(rusqlite::ErrorCode::ReadOnly) => Self::ReadOnly,
            _ => Self::Database(error),
        }
    }
}

fn holder(pid: Option<u32>) -> String {
    match pid {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    }
}
