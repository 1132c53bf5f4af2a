//! Events as people see them: in a table, on one line.

use crate::admin::{EventView, EventsPage};
use crate::commands::whole_seconds;
use crate::exit::Failure;
use crate::output::{Cell, Output, Tone, clean, note};

/// Shows a page.
pub(super) fn page(page: &EventsPage, nothing: &str, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(page);
    }
    let nothing = match page.never_any {
        true => {
            "no event ever came in; `doorward webhook create NAME --event all_events` makes a source"
        }
        false => nothing,
    };
    let rows = page.events.iter().map(row).collect();
    let headings = [
        "received", "type", "source", "campaign", "person", "how", "size", "event",
    ];
    output.table(&headings, rows, nothing)?;
    if let Some(next) = &page.next {
        note(format_args!("there may be more: --after {next}"));
    }
    Ok(())
}

fn row(event: &EventView) -> Vec<Cell> {
    vec![
        Cell::toned(whole_seconds(event.received_at), Tone::Quiet),
        kind(event),
        Cell::from(event.source.as_deref().unwrap_or_default()),
        Cell::from(event.campaign.as_deref().unwrap_or_default()),
        Cell::from(event.person.map(|id| format!("#{id}")).unwrap_or_default()),
        how(event),
        Cell::from(size(event.size)),
        Cell::from(&event.id),
    ]
}

/// The type, or that there is none.
fn kind(event: &EventView) -> Cell {
    match event.kind.is_empty() {
        true => Cell::toned("(none)", Tone::Quiet),
        false => Cell::toned(&event.kind, Tone::Strong),
    }
}

/// How it got here, or why it is in quarantine; nothing of a webhook as usual.
pub(super) fn how(event: &EventView) -> Cell {
    match (&event.quarantined, event.origin.as_str()) {
        (Some(why), _) => Cell::toned(format_args!("quarantined: {why}"), Tone::Bad),
        (None, "webhook") => Cell::from(""),
        (None, origin) => Cell::toned(origin, Tone::Careful),
    }
}

/// Bytes for people.
pub(in crate::commands) fn size(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} B"),
        1_024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1_024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

/// An event on one line: when, what, from where, its id; and what else there is to say.
pub(in crate::commands) fn line(event: &EventView, about: &str, output: Output) -> String {
    let padded = |text: &str, width: usize| format!("{:<width$}", clean(text));
    let kind = match event.kind.is_empty() {
        true => "(no type)",
        false => &event.kind,
    };
    let mut parts = vec![
        output.paint(Tone::Quiet, whole_seconds(event.received_at)),
        output.paint(Tone::Strong, padded(kind, 24)),
        padded(about, 28),
        event.id.clone(),
    ];
    match (&event.quarantined, event.origin.as_str()) {
        (Some(why), _) => {
            parts.push(output.paint(Tone::Bad, format_args!("quarantined: {}", clean(why))));
        }
        (None, "webhook") => {}
        (None, origin) => parts.push(output.paint(Tone::Careful, clean(origin))),
    }
    parts.join("  ").trim_end().to_owned()
}
