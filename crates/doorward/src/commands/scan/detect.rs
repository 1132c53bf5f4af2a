//! The detectors that are asked for.

use std::fs;
use std::path::{Path, PathBuf};

use doorward_scan::{Detectors, RuleFault};

use crate::cli::{ScanRun, WithRules};
use crate::exit::Failure;

/// Most files of a folder of detectors, and most bytes of one.
const FILES_MAX: usize = 10_000;
const BYTES_MAX: u64 = 1024 * 1024;

/// Those built in, and those of the folders that were named.
///
/// # Errors
/// All that is wrong with the files.
pub(super) fn all(with: &WithRules) -> Result<Detectors, Failure> {
    let built_in = Detectors::builtin();
    if with.rules.is_empty() {
        return Ok(built_in);
    }
    let mut files = Vec::new();
    for folder in &with.rules {
        read_folder(folder, &mut files)?;
    }
    let own = Detectors::load(&files).map_err(faulty)?;
    built_in.and(own).map_err(faulty)
}

/// Those of them that a scan is to run.
///
/// # Errors
/// Names that are none, and all that is wrong with the files.
pub(super) fn wanted(run: &ScanRun) -> Result<Detectors, Failure> {
    let all = all(&run.with)?;
    if run.only.is_empty() && run.skip.is_empty() {
        return Ok(all);
    }
    let unknown = |names: Vec<String>| {
        Failure::usage(format_args!(
            "there is no detector {}; `doorward scan rules list` shows them all",
            names.join(", ")
        ))
    };
    let names =
        |id: &str, named: &String| id == named || id.split('.').next() == Some(named.as_str());
    let no_such: Vec<String> = run
        .skip
        .iter()
        .filter(|name| !all.rules().any(|detector| names(detector.id(), name)))
        .cloned()
        .collect();
    if !no_such.is_empty() {
        return Err(unknown(no_such));
    }
    let left = match run.only.is_empty() {
        true => all,
        false => all.only(&run.only).map_err(unknown)?,
    };
    if run.skip.is_empty() {
        return Ok(left);
    }
    let ids: Vec<String> = left
        .rules()
        .map(|detector| detector.id().to_owned())
        .filter(|id| !run.skip.iter().any(|name| names(id, name)))
        .collect();
    if ids.is_empty() {
        return Err(Failure::usage("no detector is left: skip fewer"));
    }
    left.only(&ids).map_err(unknown)
}

fn faulty(faults: Vec<RuleFault>) -> Failure {
    let lines: Vec<String> = faults.iter().map(|fault| format!("\n  {fault}")).collect();
    Failure::usage(format_args!("detectors are faulty:{}", lines.concat()))
}

fn read_folder(folder: &Path, files: &mut Vec<(String, String)>) -> Result<(), Failure> {
    let fault = |path: &Path, error: std::io::Error| {
        Failure::usage(format_args!("{} can't be read: {error}", path.display()))
    };
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| fault(folder, error))? {
        let path = entry.map_err(|error| fault(folder, error))?.path();
        if path.extension().is_some_and(|end| end == "toml") {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(Failure::usage(format_args!(
            "{} has no detector: one is a file that ends in .toml",
            folder.display()
        )));
    }
    paths.sort();
    for path in paths {
        let size = fs::metadata(&path)
            .map_err(|error| fault(&path, error))?
            .len();
        if size > BYTES_MAX || files.len() >= FILES_MAX {
            return Err(Failure::usage(format_args!(
                "{} is too much: detectors are at most {FILES_MAX} files of at most {BYTES_MAX} bytes",
                path.display()
            )));
        }
        let text = fs::read_to_string(&path).map_err(|error| fault(&path, error))?;
        files.push((path.display().to_string(), text));
    }
    Ok(())
}
