//! `doorward completions` and `doorward man`: from the same definitions as the commands.

use std::fs;
use std::io;
use std::path::Path;

use clap::CommandFactory;
use serde_json::json;

use crate::cli::Cli;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;

/// Writes a completion script to stdout.
pub(crate) fn completions(shell: clap_complete::Shell, output: Output) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "doorward", &mut script);
    if output.is_json() {
        let script = String::from_utf8_lossy(&script);
        output.value(&json!({ "shell": shell.to_string(), "script": script }))?;
    } else {
        output.bytes(&script)?;
    }
    Ok(Exit::Done)
}

/// Writes a man page for each command into a folder.
pub(crate) fn man_pages(dir: &Path, output: Output) -> Outcome {
    let written = write_pages(dir).map_err(|error| {
        Failure::usage(format_args!(
            "can't write man pages into {}: {error}; choose another folder",
            dir.display()
        ))
    })?;
    if output.is_json() {
        output.value(&json!({ "folder": dir, "pages": written }))?;
    } else {
        output.line(format_args!(
            "{} man pages are in {}",
            written.len(),
            dir.display()
        ))?;
    }
    Ok(Exit::Done)
}

fn write_pages(dir: &Path) -> io::Result<Vec<String>> {
    fs::create_dir_all(dir)?;
    let mut root = Cli::command();
    root.build();
    let mut written = Vec::new();
    write_page(&root, dir, &mut written)?;
    Ok(written)
}

fn write_page(command: &clap::Command, dir: &Path, written: &mut Vec<String>) -> io::Result<()> {
    // A built command's display name is its path with hyphens: doorward-client-create.
    let name = command
        .get_display_name()
        .unwrap_or(command.get_name())
        .to_owned();
    let mut page = Vec::new();
    clap_mangen::Man::new(command.clone().name(name.clone())).render(&mut page)?;
    let file = format!("{name}.1");
    fs::write(dir.join(&file), page)?;
    written.push(file);
    command
        .get_subcommands()
        .try_for_each(|sub| write_page(sub, dir, written))
}
