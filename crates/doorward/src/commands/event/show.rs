//! One event, with what came of it and its payload.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::list::{how, size};
use crate::admin::{BodyView, DeliveryView, EventShown};
use crate::commands::{time_cell, whole_seconds};
use crate::exit::Failure;
use crate::output::{Cell, Output, Tone, clean, note};

/// Shows an event.
pub(super) fn show(shown: &EventShown, output: Output) -> Result<(), Failure> {
    let event = &shown.event;
    // What goes into a file or another program is the payload alone.
    let alone = event.body.is_some() && !output.is_terminal();
    if !alone {
        let workspace = event.workspace.as_ref().unwrap_or(&event.workspace_id);
        let person = event.person.map(|id| format!("#{id}"));
        output.fields(vec![
            ("event", Cell::toned(&event.id, Tone::Strong)),
            ("type", Cell::from(&event.kind)),
            ("received", Cell::from(event.received_at)),
            (
                "happened",
                Cell::from(event.event_at.map(|at| at.to_string()).unwrap_or_default()),
            ),
            ("workspace", Cell::from(workspace)),
            (
                "campaign",
                Cell::from(event.campaign.as_deref().unwrap_or_default()),
            ),
            (
                "source",
                Cell::from(event.source.as_deref().unwrap_or_default()),
            ),
            ("person", Cell::from(person.unwrap_or_default())),
            ("how", how(event)),
            ("size", Cell::from(size(event.size))),
            ("number", Cell::from(event.seq)),
        ])?;
        output.line("")?;
        deliveries(&shown.deliveries, false, "no destination gets it", output)?;
    }
    match &event.body {
        None => Ok(()),
        Some(body) => {
            if !alone {
                output.line("")?;
            }
            payload(body, output)
        }
    }
}

/// Writes a payload: on a terminal set out and cleaned, elsewhere as it was received.
fn payload(body: &BodyView, output: Output) -> Result<(), Failure> {
    match body {
        BodyView::Gone(why) => {
            note(format_args!("there is no payload any more: {}", clean(why)));
            Ok(())
        }
        BodyView::Base64(text) if !output.is_terminal() => {
            output.bytes(&STANDARD.decode(text).map_err(Failure::failed)?)
        }
        BodyView::Base64(text) => {
            output.line(format_args!("{} (in base64: it is no text)", clean(text)))
        }
        BodyView::Text(text) if !output.is_terminal() => output.bytes(text.as_bytes()),
        BodyView::Text(text) => output.line(set_out(text)),
    }
}

/// A payload for people: JSON set out in lines, nothing that moves a cursor.
pub(in crate::commands) fn set_out(text: &str) -> String {
    let value: Result<Value, _> = serde_json::from_str(text);
    let set_out = value.and_then(|value| serde_json::to_string_pretty(&value));
    let text = set_out.as_deref().unwrap_or(text);
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

/// Shows deliveries, with the event of each or without.
pub(in crate::commands) fn deliveries(
    found: &[DeliveryView],
    with_event: bool,
    nothing: &str,
    output: Output,
) -> Result<(), Failure> {
    let rows = found.iter().map(|one| {
        let event = match &one.event {
            Some(event) if with_event => event.clone(),
            None if with_event => format!("number {}, gone", one.seq),
            _ => String::new(),
        };
        let replay = one.replay.map(|id| format!("replay {id}"));
        vec![
            Cell::toned(&one.destination, Tone::Strong),
            state(&one.state),
            Cell::from(
                one.attempts
                    .map(|tried| tried.to_string())
                    .unwrap_or_default(),
            ),
            Cell::from(
                one.status
                    .map(|status| status.to_string())
                    .unwrap_or_default(),
            ),
            time_cell(one.last_at, ""),
            Cell::from(
                one.next_at
                    .map(|at| whole_seconds(at).to_string())
                    .unwrap_or_default(),
            ),
            Cell::from(one.note.as_deref().unwrap_or_default()),
            Cell::from(replay.unwrap_or_default()),
            Cell::from(event),
        ]
    });
    let headings = [
        "destination",
        "state",
        "tries",
        "status",
        "last",
        "next",
        "why",
        "of",
        "event",
    ];
    output.table(&headings, rows.collect(), nothing)
}

/// The state of a delivery, in the colour of what it means.
pub(in crate::commands) fn state(state: &str) -> Cell {
    let tone = match state {
        "delivered" | "done" => Tone::Good,
        "retry" | "held" | "waiting" | "running" => Tone::Careful,
        "dead" => Tone::Bad,
        _ => Tone::Quiet,
    };
    Cell::toned(state.replace('_', " "), tone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_moves_no_cursor() {
        let shown = set_out("{\"a\":\"\\u001b[2J\u{202e}x\",\"b\":[1]}");
        assert!(shown.lines().count() > 3, "{shown}");
        assert!(!shown.contains(['\u{1b}', '\u{202e}']), "{shown}");
        assert_eq!(set_out("no JSON\u{7}\r\nat all"), "no JSON \nat all");
    }
}
