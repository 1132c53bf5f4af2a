//! The report in the form that is asked for, to where it is asked for.

use std::fs;

use doorward_finding::{Report, csv, junit, markdown, sarif};
use serde_json::json;

use super::text::{Painter, text};
use crate::cli::{ScanFormat, ScanRun};
use crate::exit::Failure;
use crate::output::Output;
use crate::paths::write_private;

/// The form that is asked for.
pub(super) fn format(run: &ScanRun, output: Output) -> ScanFormat {
    run.format.unwrap_or(match output.is_json() {
        true => ScanFormat::Json,
        false => ScanFormat::Text,
    })
}

/// Writes it.
///
/// # Errors
/// When it can't be written.
pub(super) fn write(report: &Report, run: &ScanRun, output: Output) -> Result<(), Failure> {
    let format = format(run, output);
    let is_text = format == ScanFormat::Text;
    if is_text && run.quiet && run.output.is_none() && report.open().next().is_none() {
        return Ok(());
    }
    let painter = Painter {
        output: run.output.is_none().then_some(output),
    };
    let text = match format {
        ScanFormat::Text => text(report, painter),
        ScanFormat::Json => object(report)?,
        ScanFormat::Jsonl => lines(report)?,
        ScanFormat::Sarif => object(&sarif(report))?,
        ScanFormat::Csv => csv(report),
        ScanFormat::Junit => junit(report),
        ScanFormat::Markdown => markdown(report),
    };
    match &run.output {
        None => output.bytes(text.as_bytes()),
        Some(path) => {
            // Secrets that are shown are for their owner alone.
            let written = match run.reveal {
                true => write_private(path, text.as_bytes()),
                false => fs::write(path, text),
            };
            written.map_err(|error| Failure::usage(format_args!("{}: {error}", path.display())))
        }
    }
}

fn object<T: serde::Serialize>(value: &T) -> Result<String, Failure> {
    let mut text = serde_json::to_string_pretty(value).map_err(Failure::failed)?;
    text.push('\n');
    Ok(text)
}

/// A finding a line; then what was not looked at.
fn lines(report: &Report) -> Result<String, Failure> {
    let mut text = String::new();
    for finding in &report.findings {
        text.push_str(&serde_json::to_string(finding).map_err(Failure::failed)?);
        text.push('\n');
    }
    for what in &report.not_looked_at {
        text.push_str(&json!({ "not_looked_at": what }).to_string());
        text.push('\n');
    }
    Ok(text)
}
