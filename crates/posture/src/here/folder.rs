//! The folder of the configuration, or of the team's project, and the repository that it is in.

use doorward_catalog::Environment;

use crate::live::Seen;

/// A folder and what stands in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folder {
    /// Where it is.
    pub path: String,
    /// The configuration files in it: `.env`, `.env.*`, TOML, YAML, JSON, INI.
    pub files: Vec<FileFacts>,
    /// Why not all of them were looked at.
    pub cut_short: Option<String>,
    /// The repository that it is in; `None` when it is in none.
    pub repository: Seen<Option<Repository>>,
}

/// A repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Repository {
    /// The `.env` files that it tracks, but for examples.
    pub tracked: Vec<String>,
    /// Of names that must never be tracked, those that it does not ignore.
    pub not_ignored: Vec<String>,
}

/// A configuration file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileFacts {
    /// Its path, in the folder.
    pub path: String,
    /// Whether it is an `.env` file, where values may stand.
    pub is_env: bool,
    /// Whether everybody on the machine can read it.
    pub read_by_all: bool,
    /// The environment that its name says.
    pub environment: Option<Environment>,
    /// The secrets that stand in it.
    pub secrets: Vec<PlainSecret>,
}

/// A secret that stands in a file as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainSecret {
    /// What it is: `an upstream key`, `a client key`.
    pub kind: String,
    /// Its line, from 1.
    pub line: u64,
    /// Tells whether two secrets are the same.
    pub fingerprint: String,
    /// The environment that the secret itself names.
    pub environment: Option<Environment>,
}
