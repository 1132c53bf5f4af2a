//! `doorward audit export`.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use doorward_audit::Exporter;
use serde_json::json;

use super::folder::{Folder, entry};
use super::verify::Bar;
use super::which::{Asking, Which};
use crate::cli::Export;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::note;

/// Runs `doorward audit export`.
pub(super) async fn run(context: &Context, export: &Export) -> Outcome {
    let Some(path) = &export.output else {
        let stdout = BufWriter::new(io::stdout().lock());
        write(context, export, stdout).await?;
        return Ok(Exit::Done);
    };
    let failed =
        |error: io::Error| Failure::failed(format_args!("can't write {}: {error}", path.display()));
    if path.exists() {
        return Err(Failure::usage(format_args!(
            "{} is there already and is not overwritten",
            path.display()
        )));
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Only its owner can read it (mode 0600), and it has its name when it is whole.
    let file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    let (file, entries) = write(context, export, BufWriter::new(file)).await?;
    let file = file
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist_noclobber(path)
        .map_err(|error| failed(error.error))?;
    if context.output.is_json() {
        context
            .output
            .value(&json!({ "file": path, "entries": entries }))?;
    } else {
        note(format_args!(
            "wrote {entries} entries to {}",
            path.display()
        ));
    }
    Ok(Exit::Done)
}

/// Writes what fits; how many entries.
async fn write<W: Write>(
    context: &Context,
    export: &Export,
    writer: W,
) -> Result<(W, u64), Failure> {
    let folder = Folder::of(context)?;
    let mut asking = Asking::new(context);
    let which = Which::of(&mut asking, &export.filters).await?;
    let reader = folder.reader()?;
    let mut exporter = Exporter::new(writer, export.format).map_err(unwritten)?;
    let mut bar = Bar::new("exporting");
    let mut next = Some(reader.minimum());
    while let Some(from) = next {
        let (records, after) = which.page(&reader, from)?;
        let entries = if export.people {
            let sequences: Vec<u64> = records.iter().map(|record| record.sequence).collect();
            asking.in_clear(&sequences).await?
        } else {
            records
                .iter()
                .map(entry)
                .collect::<Result<Vec<_>, Failure>>()?
        };
        for entry in &entries {
            exporter.write(entry).map_err(unwritten)?;
        }
        bar.at(after.unwrap_or(reader.size()), reader.size());
        next = after;
    }
    let entries = exporter.entries();
    Ok((exporter.finish().map_err(unwritten)?, entries))
}

/// A pipe that nobody reads any more is no failure to tell of.
fn unwritten(error: doorward_audit::AuditError) -> Failure {
    match error {
        doorward_audit::AuditError::Write(error) => error.into(),
        error => Failure::failed(error),
    }
}
