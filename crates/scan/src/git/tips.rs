//! Where a history begins: the refs and what else leads to commits.

use gix::ObjectId;

use super::{HistoryOptions, Repository};

/// Something that leads to an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tip {
    pub(crate) name: String,
    pub(crate) id: ObjectId,
}

/// All refs, `HEAD` of every work tree, and older stashes.
#[derive(Debug, Default)]
pub(crate) struct Tips {
    pub(crate) all: Vec<Tip>,
    pub(crate) head: Option<ObjectId>,
    /// What could not be read, and why.
    pub(crate) skipped: Vec<(String, String)>,
}

impl Tips {
    pub(crate) fn of(repository: &Repository, options: &HistoryOptions) -> Self {
        let mut tips = Self::default();
        let local = repository.inner.to_thread_local();
        match local.references().and_then(|refs| {
            for found in refs.all()? {
                match found {
                    Ok(found) => {
                        let name = found.name().as_bstr().to_string();
                        let dropped = !options.notes && name.starts_with("refs/notes/");
                        if let (false, Some(id)) = (dropped, found.try_id()) {
                            tips.add(name, id.detach());
                        }
                    }
                    Err(error) => tips.skipped.push(("a ref".to_owned(), line(&error))),
                }
            }
            Ok(())
        }) {
            Ok(()) => {}
            Err(error) => tips.skipped.push(("refs".to_owned(), line(&error))),
        }
        tips.head = local.head().ok().and_then(|head| Some(head.id()?.detach()));
        if let Some(id) = tips.head {
            tips.add("HEAD".to_owned(), id);
        }
        tips.heads_of_worktrees(repository);
        if options.stashes {
            tips.older_stashes(repository);
        }
        tips
    }

    fn add(&mut self, name: String, id: ObjectId) {
        self.all.push(Tip { name, id });
    }

    /// `HEAD`s that stand on no branch in linked work trees, and in the main one.
    fn heads_of_worktrees(&mut self, repository: &Repository) {
        let mut folders = vec![repository.common_dir.clone()];
        if let Ok(linked) = std::fs::read_dir(repository.common_dir.join("worktrees")) {
            folders.extend(linked.flatten().map(|folder| folder.path()));
        }
        for folder in folders {
            let Some(head) = read_small(&folder.join("HEAD")) else {
                continue;
            };
            if let Ok(id) = ObjectId::from_hex(head.trim_ascii()) {
                self.add("HEAD of a work tree".to_owned(), id);
            }
        }
    }

    /// Stashes before the last are in the ref's log alone.
    fn older_stashes(&mut self, repository: &Repository) {
        let Some(log) = read_small(&repository.common_dir.join("logs/refs/stash")) else {
            return;
        };
        for line in log.split(|byte| *byte == b'\n') {
            let new = line.split(|byte| *byte == b' ').nth(1);
            if let Some(Ok(id)) = new.map(ObjectId::from_hex)
                && !id.is_null()
            {
                self.add("refs/stash".to_owned(), id);
            }
        }
    }
}

/// A file of the repository's own that has no business being large.
fn read_small(path: &std::path::Path) -> Option<Vec<u8>> {
    const MOST: u64 = 16 << 20;
    let size = std::fs::metadata(path).ok()?.len();
    (size <= MOST).then(|| std::fs::read(path).ok()).flatten()
}

/// The first line of an error.
fn line(error: &dyn std::fmt::Display) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}
