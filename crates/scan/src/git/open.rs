//! Opening a repository, whoever's it is.

use std::path::{Path, PathBuf};

use super::store::Objects;

/// Why a repository could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is none.
    #[error("{0} is not in a git repository; name the folder of one, or its .git folder")]
    NotARepository(PathBuf),
    /// It is of a form that is not read.
    #[error("the git repository at {path} cannot be read: {why}")]
    Unreadable {
        /// Where it is.
        path: PathBuf,
        /// Why, in words.
        why: String,
    },
    /// What was asked for names no commits of it.
    #[error("{spec:?} names no commits of this repository: {why}; a range is written A..B")]
    Revision {
        /// What was asked for.
        spec: String,
        /// Why not, in words.
        why: String,
    },
}

/// A repository, opened.
pub struct Repository {
    pub(crate) inner: gix::ThreadSafeRepository,
    pub(crate) git_dir: PathBuf,
    pub(crate) common_dir: PathBuf,
    pub(crate) work_dir: Option<PathBuf>,
    pub(crate) hash: gix::hash::Kind,
    /// The index that is staged in, if it is not the repository's own.
    pub(crate) index: Option<PathBuf>,
}

/// Opens the repository that a path is in: a work tree, linked or not, a folder in one, a bare
/// repository, or a `.git` folder.
///
/// Nothing of it is run and no setting outside of it is read, so that whose it is does not matter.
///
/// # Errors
/// When there is none, or it is of a form that is not read.
pub fn open(path: &Path) -> Result<Repository, GitError> {
    let isolated = || gix::open::Options::isolated().bail_if_untrusted(false);
    let unreadable = |error: &dyn std::fmt::Display| GitError::Unreadable {
        path: path.to_path_buf(),
        why: error.to_string(),
    };
    let inner = match gix::ThreadSafeRepository::open_opts(path, isolated()) {
        Ok(inner) => inner,
        Err(direct) => {
            let map = gix::sec::trust::Mapping {
                full: isolated(),
                reduced: isolated(),
            };
            // One that is here but cannot be read is not passed over for one further up.
            if path.join(".git").exists() || path.join("objects").is_dir() {
                return Err(unreadable(&chain(&direct)));
            }
            let upwards = gix::discover::upwards::Options::default();
            gix::ThreadSafeRepository::discover_opts(path, upwards, map)
                .map_err(|_| GitError::NotARepository(path.to_path_buf()))?
        }
    };
    let local = inner.to_thread_local();
    let hash = local.object_hash();
    Ok(Repository {
        git_dir: local.git_dir().to_path_buf(),
        common_dir: local.common_dir().to_path_buf(),
        work_dir: local.workdir().map(Path::to_path_buf),
        hash,
        index: None,
        inner,
    })
}

/// An error with what is behind it, in one line.
fn chain(error: &gix::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

impl Repository {
    /// The same with another index, as git names it to a hook in `GIT_INDEX_FILE`: of a commit of
    /// all that changed, or of some paths.
    pub fn with_index(self, index: Option<PathBuf>) -> Self {
        Self { index, ..self }
    }

    /// The repository's own folder: of a linked work tree, the one of all of them.
    pub fn common_dir(&self) -> &Path {
        &self.common_dir
    }

    /// The work tree's folder; `None` of a bare repository.
    pub fn work_dir(&self) -> Option<&Path> {
        self.work_dir.as_deref()
    }

    pub(crate) fn objects(&self) -> Objects {
        Objects::open(&self.common_dir.join("objects"), self.hash)
    }

    /// What of this repository is elsewhere, and so not looked at: what and why.
    pub(crate) fn elsewhere(&self, objects: &Objects) -> Vec<(String, String)> {
        let mut told = objects.troubles.clone();
        if self.is_shallow() {
            let why = "the clone is shallow: commits before its first are not here; \
                       `git fetch --unshallow` brings them";
            told.push(("older history".to_owned(), why.to_owned()));
        }
        if objects.partial {
            let why = "the clone is partial: objects that were never fetched are not here; \
                       `git fetch --refetch --no-filter` brings them";
            told.push(("objects not fetched".to_owned(), why.to_owned()));
        }
        if let Ok(modules) = std::fs::read_dir(self.common_dir.join("modules")) {
            for module in modules.flatten() {
                let name = module.file_name().to_string_lossy().into_owned();
                let why = "a submodule is a repository of its own: scan it by its path";
                told.push((format!("submodule {name}"), why.to_owned()));
            }
        }
        told
    }

    pub(crate) fn is_shallow(&self) -> bool {
        std::fs::metadata(self.common_dir.join("shallow")).is_ok_and(|file| file.len() > 0)
    }
}
