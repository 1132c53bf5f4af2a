//! From texts to a manifest: all files together, all faults at once.

use std::collections::BTreeMap;

use doorward_catalog::UpstreamKeyFormat;

use super::faults::{Fault, Faults};
use super::reader::{Table, document};
use super::sections;
use super::types::{Kind, Manifest};

/// Most bytes of a manifest's file.
const TEXT_MAX: usize = 16 * 1024 * 1024;
/// What secrets of Doorward's begin with.
const SECRETS: [&str; 3] = ["dwk_", "dwa_", "whsec_"];

/// A file of a manifest.
#[derive(Debug, Clone)]
pub struct Source {
    /// What it is called in faults.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Gives the text of a file that a manifest names: the manifest's file, the name as written there.
pub(super) type Files<'f> = &'f dyn Fn(&str, &str) -> Result<String, String>;

/// What is read so far.
pub(super) struct Reading<'f> {
    pub(super) manifest: Manifest,
    pub(super) files: Files<'f>,
    /// Where each thing is declared.
    declared: BTreeMap<(String, Kind, String), String>,
}

impl Reading<'_> {
    /// Notes where a thing is declared; whether it is for the first time.
    pub(super) fn declare(
        &mut self,
        table: &mut Table<'_, '_>,
        workspace: &str,
        kind: Kind,
        name: &str,
    ) -> bool {
        let thing = (workspace.to_owned(), kind, name.to_owned());
        let Some(before) = self.declared.get(&thing) else {
            self.declared.insert(thing, table.place());
            return true;
        };
        let why = format!("the {kind} '{name}' is declared at {before} already");
        table.fault(table.span(), &why, "declare each thing once");
        false
    }
}

/// Reads a manifest out of its files. `files` gives the text of other files that it names.
///
/// # Errors
/// All that is wrong, each with its place and what to do.
pub fn read(
    sources: &[Source],
    files: &dyn Fn(&str, &str) -> Result<String, String>,
) -> Result<Manifest, Faults> {
    let mut faults = Vec::new();
    let mut reading = Reading {
        manifest: Manifest::default(),
        files,
        declared: BTreeMap::new(),
    };
    for Source { name, text } in sources {
        if text.len() > TEXT_MAX {
            let help = "put the block list into files of their own";
            faults.push(Fault::at(
                name,
                "",
                0..0,
                "the file is larger than 16 MiB",
                help,
            ));
            continue;
        }
        if tell_secrets(name, text, &mut faults) {
            continue;
        }
        document(name, text, &mut faults, |table| {
            sections::document(&mut reading, table);
        });
    }
    if faults.is_empty() && reading.manifest == Manifest::default() {
        let file = sources.first().map_or("", |source| source.name.as_str());
        let help = "begin with [[workspace]] and name = \"…\", or let `doorward export` write one";
        faults.push(Fault::at(file, "", 0..0, "nothing is declared", help));
    }
    if faults.is_empty() {
        return Ok(reading.manifest);
    }
    faults.sort();
    faults.dedup();
    Err(Faults(faults))
}

/// Tells lines that have a secret in them; it is in no fault's text.
fn tell_secrets(file: &str, text: &str, faults: &mut Vec<Fault>) -> bool {
    let mut at = 0;
    let mut found = false;
    for line in text.split_inclusive('\n') {
        let held = SECRETS.iter().any(|begins| line.contains(begins));
        if held || UpstreamKeyFormat::matches(line) {
            let help = "take it out and replace it, since it was in a file; name a reference to it \
                        (`kept_at`), such as age://…";
            faults.push(Fault::at(file, text, at..at, "a secret stands here", help));
            found = true;
        }
        at += line.len();
    }
    found
}
