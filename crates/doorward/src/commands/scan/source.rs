//! What is scanned.

use std::path::{Path, PathBuf};

use super::quoted;
use crate::cli::ScanRun;
use crate::exit::Failure;

/// What is scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// Folders and files.
    Files(Vec<PathBuf>),
    /// Standard input.
    Stdin,
    /// The history of a repository.
    History(PathBuf),
    /// The commits of a range of a repository.
    Range(PathBuf, String),
    /// What is staged in a repository.
    Staged(PathBuf),
    /// What git is about to push from a repository.
    Push(PathBuf),
}

impl Source {
    /// What the options say.
    ///
    /// # Errors
    /// When they say two things.
    pub(super) fn of(run: &ScanRun) -> Result<Self, Failure> {
        let dash = run.paths.iter().any(|path| path == Path::new("-"));
        if run.stdin || dash {
            return match run.paths.len() {
                0 => Ok(Self::Stdin),
                1 if dash => Ok(Self::Stdin),
                _ => Err(Failure::usage(
                    "standard input is scanned alone: leave the other paths out",
                )),
            };
        }
        let one_repo = |what: &str| match run.paths.as_slice() {
            [] => Ok(PathBuf::from(".")),
            [repo] => Ok(repo.clone()),
            _ => Err(Failure::usage(format_args!(
                "{what} is of one repository: name one"
            ))),
        };
        if run.staged {
            return Ok(Self::Staged(one_repo("what is staged")?));
        }
        if run.pre_push {
            return Ok(Self::Push(one_repo("what is pushed")?));
        }
        let repo = run.git.clone();
        if let Some(range) = &run.range {
            return Ok(Self::Range(
                repo.unwrap_or_else(|| ".".into()),
                range.clone(),
            ));
        }
        if let Some(repo) = repo {
            return Ok(Self::History(repo));
        }
        Ok(Self::Files(match run.paths.is_empty() {
            true => vec![PathBuf::from(".")],
            false => run.paths.clone(),
        }))
    }

    /// The folder that belongs to it, if there is one: where rules beside it are looked for.
    pub(super) fn root(&self) -> Option<PathBuf> {
        match self {
            Self::Files(paths) => match paths.as_slice() {
                [one] => Some(one.clone()),
                _ => Some(PathBuf::from(".")),
            },
            Self::Stdin => Some(PathBuf::from(".")),
            Self::History(repo) | Self::Range(repo, _) | Self::Staged(repo) | Self::Push(repo) => {
                Some(top_of(repo))
            }
        }
    }

    /// The same as it is typed: the words behind `doorward scan`. None where it can't be scanned twice.
    pub(super) fn typed(&self) -> Option<String> {
        let path = |path: &Path| quoted(&path.to_string_lossy());
        Some(match self {
            Self::Files(paths) => paths
                .iter()
                .map(|one| path(one))
                .collect::<Vec<_>>()
                .join(" "),
            Self::Stdin | Self::Push(_) => return None,
            Self::History(repo) => format!("--git {}", path(repo)),
            Self::Range(repo, range) => format!("--git {} --range {}", path(repo), quoted(range)),
            Self::Staged(repo) => format!("--staged {}", path(repo)),
        })
    }
}

/// The top folder of the work tree that a folder is in; itself where there is none.
fn top_of(folder: &Path) -> PathBuf {
    let Ok(whole) = folder.canonicalize() else {
        return folder.to_owned();
    };
    let mut above = whole.ancestors();
    match above.find(|folder| folder.join(".git").exists()) {
        Some(top) => top.to_owned(),
        None => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    fn of(arguments: &[&str]) -> Result<Source, String> {
        let typed = ["doorward", "scan"].iter().chain(arguments);
        let cli = crate::cli::Cli::try_parse_from(typed).map_err(|error| error.to_string())?;
        match cli.command {
            crate::cli::Command::Scan(scan) => {
                Source::of(&scan.run).map_err(|error| error.to_string())
            }
            _ => Err("another command".to_owned()),
        }
    }

    #[test]
    fn what_is_typed_is_one_thing() {
        let path = |text: &str| PathBuf::from(text);
        for (typed, source) in [
            (&[][..], Source::Files(vec![path(".")])),
            (&["a", "b"], Source::Files(vec![path("a"), path("b")])),
            (&["-"], Source::Stdin),
            (&["--stdin"], Source::Stdin),
            (&["--git"], Source::History(path("."))),
            (&["--git", "x", "--verify"], Source::History(path("x"))),
            (
                &["--range", "a..b"],
                Source::Range(path("."), "a..b".into()),
            ),
            (
                &["--git", "x", "--range", "a..b"],
                Source::Range(path("x"), "a..b".into()),
            ),
            (&["--staged"], Source::Staged(path("."))),
            (&["--staged", "x"], Source::Staged(path("x"))),
            (&["--pre-push"], Source::Push(path("."))),
        ] {
            assert_eq!(of(typed), Ok(source), "{typed:?}");
        }
        for typed in [
            &["-", "a"][..],
            &["--git", "x", "--staged"],
            &["a", "--git"],
            &["--stdin", "--staged"],
            &["--since", "3d"],
            &["--git", "--all-objects", "--range", "a..b"],
            &["--staged", "a", "b"],
            &["--yes"],
        ] {
            assert!(of(typed).is_err(), "{typed:?}");
        }
    }

    #[test]
    fn it_can_be_typed_again() {
        for (typed, again) in [
            (&["a b", "c"][..], Some("'a b' c")),
            (&["--git"], Some("--git .")),
            (&["--range", "a..b"], Some("--git . --range a..b")),
            (&["-"], None),
        ] {
            assert_eq!(of(typed).unwrap().typed().as_deref(), again);
        }
    }
}
