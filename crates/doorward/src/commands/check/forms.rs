//! The forms that a run is written in, and where it goes.

use std::io::{self, Write};
use std::path::Path;

use doorward_finding::{junit, markdown, sarif};
use doorward_posture::report::{Checked, html, ocsf};

use crate::cli::CheckFormat;
use crate::exit::Failure;
use crate::output::Output;

/// A run as text in a form that programs or browsers read.
///
/// # Errors
/// When it can't be made, which is a fault of Doorward's.
pub(super) fn form(checked: &Checked, format: CheckFormat) -> Result<String, Failure> {
    let json = |value: &dyn Fn() -> serde_json::Result<String>| value().map_err(Failure::failed);
    let mut text = match format {
        CheckFormat::Text | CheckFormat::Json => json(&|| serde_json::to_string_pretty(checked))?,
        CheckFormat::Sarif => json(&|| serde_json::to_string_pretty(&sarif(&checked.report)))?,
        CheckFormat::Ocsf => {
            let lines = ocsf(checked);
            let lines = lines.iter().map(ToString::to_string);
            lines.collect::<Vec<_>>().join("\n")
        }
        CheckFormat::Junit => junit(&checked.report),
        CheckFormat::Html => html(checked),
        CheckFormat::Markdown => with_score(checked),
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// The report, and the score of each area below it.
fn with_score(checked: &Checked) -> String {
    let mut text = markdown(&checked.report);
    let shown = |score: Option<u8>| score.map_or_else(|| "–".to_owned(), |score| score.to_string());
    text.push_str("\n| area | score | passed | failed | muted | not looked at |\n");
    text.push_str("|---|---:|---:|---:|---:|---:|\n");
    let areas = checked.score.areas.iter();
    let areas = areas.map(|one| (one.area.as_str(), &one.tally));
    for (area, tally) in areas.chain([("**all**", &checked.score.whole)]) {
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            area.replace('_', " "),
            shown(tally.score),
            tally.passed,
            tally.failed,
            tally.muted,
            tally.not_looked
        ));
    }
    if let Some(since) = &checked.since {
        text.push_str(&format!(
            "\nSince {}: {} new, {} mended, {} still there.\n",
            since.at,
            since.new.len(),
            since.mended.len(),
            since.still
        ));
    }
    text
}

/// Writes a text into a file, or to stdout.
///
/// # Errors
/// When it can't be written; what was there stays then.
pub(super) fn write(output: Output, text: &str, file: Option<&Path>) -> Result<(), Failure> {
    let Some(path) = file else {
        return output.bytes(text.as_bytes());
    };
    let failed =
        |error: io::Error| Failure::failed(format_args!("can't write {}: {error}", path.display()));
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // Only its owner can read it (mode 0600), and it has its name when it is whole.
    let mut new = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    new.write_all(text.as_bytes()).map_err(failed)?;
    new.as_file().sync_all().map_err(failed)?;
    new.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}
