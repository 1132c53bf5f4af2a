//! Where the rules are that allow places, and what was there before.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use doorward_scan::report::{ALLOW_FILE, AllowRules, Baseline};

use super::source::Source;
use crate::cli::ScanRun;
use crate::exit::Failure;
use crate::output::note;

/// Most folders up that the file is looked for.
const FOLDERS_MAX: usize = 64;

/// The rules that are in force: of the file that was named, else of the one beside what is scanned or
/// above it, up to the top of its repository.
///
/// # Errors
/// When the file can't be read, or is faulty.
pub(super) fn rules(run: &ScanRun, source: &Source) -> Result<AllowRules, Failure> {
    if run.no_allow {
        return Ok(AllowRules::default());
    }
    if let Some(path) = &run.allow_file {
        return read(path);
    }
    let Some((path, below)) = source.root().and_then(|root| find(&root)) else {
        return Ok(AllowRules::default());
    };
    let rules = read(&path)?;
    if !run.quiet && !rules.is_empty() {
        note(format_args!("allowed places: {}", path.display()));
    }
    Ok(rules.below(&below))
}

fn read(path: &Path) -> Result<AllowRules, Failure> {
    let fault =
        |why: &dyn std::fmt::Display| Failure::usage(format_args!("{}: {why}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| fault(&error))?;
    AllowRules::read(&text).map_err(|error| fault(&error))
}

/// The file that is for a folder, and the folder's path seen from the file's.
fn find(root: &Path) -> Option<(PathBuf, String)> {
    let root = root.canonicalize().ok()?;
    let start = if root.is_dir() {
        root.as_path()
    } else {
        root.parent()?
    };
    for folder in start.ancestors().take(FOLDERS_MAX) {
        let path = folder.join(ALLOW_FILE);
        if path.is_file() {
            let below = start.strip_prefix(folder).unwrap_or(Path::new(""));
            return Some((path, below.to_string_lossy().into_owned()));
        }
        // What lies above a repository is another's.
        if folder.join(".git").exists() {
            return None;
        }
    }
    None
}

/// What was there before.
///
/// # Errors
/// When the file can't be read, or is none.
pub(super) fn baseline(run: &ScanRun) -> Result<Baseline, Failure> {
    let Some(path) = &run.baseline else {
        return Ok(Baseline::default());
    };
    let text = fs::read_to_string(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::usage(format_args!(
            "there is no baseline {}; --write-baseline writes one",
            path.display()
        )),
        _ => Failure::usage(format_args!("{}: {error}", path.display())),
    })?;
    Baseline::read(&text)
        .map_err(|error| Failure::usage(format_args!("{}: {error}", path.display())))
}
