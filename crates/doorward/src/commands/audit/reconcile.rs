//! `doorward audit reconcile`.

use doorward_audit::reconcile::{Around, KeyClass, Missing, Report, Sighting};

use crate::admin::{AuditReconcile, Session};
use crate::cli::Reconcile;
use crate::commands::whole_seconds;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, note};

/// Findings of a kind that people are shown.
const SHOWN: usize = 50;

/// Runs `doorward audit reconcile`.
pub(super) async fn run(context: &Context, reconcile: Reconcile) -> Outcome {
    let output = context.output;
    let session = Session::open(context).await?;
    let call = AuditReconcile {
        since: reconcile.since.0,
        fetch: !reconcile.no_fetch,
    };
    let done = session.call(call).await?;
    let exit = if done.report.is_clean() {
        Exit::Done
    } else {
        Exit::Findings
    };
    if output.is_json() {
        output.value(&done)?;
        return Ok(exit);
    }
    show(&done.report, done.new_records, output)?;
    for told in done.told.iter().chain(&done.report.notes) {
        note(format_args!("note: {told}"));
    }
    Ok(exit)
}

fn show(report: &Report, new_records: u64, output: Output) -> Result<(), Failure> {
    let (verdict, tone) = if report.is_clean() {
        (
            "nothing went around Doorward, as far as the log shows",
            Tone::Good,
        )
    } else {
        ("there is something to look at", Tone::Bad)
    };
    output.line(output.paint(tone, verdict))?;
    let likely = match report.matched_lost {
        0 => String::new(),
        lost => format!(" ({lost} of them likely)"),
    };
    let unseen = report.never_seen.iter();
    let unseen = unseen.map(|(operation, calls)| format!("{operation} ×{calls}"));
    output.fields(vec![
        ("from", Cell::from(whole_seconds(report.since))),
        ("until", Cell::from(whole_seconds(report.until))),
        (
            "records",
            Cell::from(format_args!(
                "{} through the API, {new_records} new, {} ours{likely}",
                report.records, report.matched
            )),
        ),
        (
            "told apart by",
            Cell::from(if report.exact {
                "the call's name"
            } else {
                "key, thing and time: likely, not certain"
            }),
        ),
        ("around", count(report.around_total)),
        ("missing", count(report.missing_total)),
        (
            "never seen to leave a record",
            Cell::from(unseen.collect::<Vec<_>>().join(", ")),
        ),
    ])?;
    around(report.around_total, &report.around, output)?;
    sightings(
        "keys that the workspace does not list",
        "key",
        &report.unknown_keys,
        output,
    )?;
    let foreign = "addresses that are not Doorward's";
    sightings(foreign, "address", &report.foreign_addresses, output)?;
    missing(report.missing_total, &report.missing, output)
}

fn count(count: u64) -> Cell {
    let tone = if count == 0 { Tone::Good } else { Tone::Bad };
    Cell::toned(count, tone)
}

fn title(text: &str, total: u64, shown: usize, output: Output) -> Result<(), Failure> {
    let more = if total > shown as u64 {
        format!(" (the first {shown} of {total})")
    } else {
        String::new()
    };
    output.line(format_args!("\n{}{more}", output.paint(Tone::Strong, text)))
}

fn around(total: u64, all: &[Around], output: Output) -> Result<(), Failure> {
    if all.is_empty() {
        return Ok(());
    }
    title("acts around Doorward", total, all.len().min(SHOWN), output)?;
    let rows = all.iter().take(SHOWN).map(|one| {
        let key = match one.key {
            KeyClass::Own => Cell::toned("one that Doorward holds", Tone::Bad),
            KeyClass::Listed => Cell::toned("another of the workspace's", Tone::Careful),
            KeyClass::Unknown => Cell::toned("not listed", Tone::Bad),
            KeyClass::Unnamed => Cell::toned("not named", Tone::Careful),
        };
        vec![
            Cell::toned(whole_seconds(one.at), Tone::Quiet),
            Cell::toned(&one.activity, Tone::Strong),
            key,
            Cell::from(&one.address),
            Cell::from(one.api_key.as_deref().unwrap_or_default()),
        ]
    });
    output.table(
        &["time", "what", "key", "from", "key id"],
        rows.collect(),
        "",
    )
}

fn sightings(heading: &str, what: &str, all: &[Sighting], output: Output) -> Result<(), Failure> {
    if all.is_empty() {
        return Ok(());
    }
    title(heading, all.len() as u64, all.len().min(SHOWN), output)?;
    let rows = all.iter().take(SHOWN).map(|one| {
        vec![
            Cell::toned(&one.what, Tone::Strong),
            Cell::from(one.records),
            Cell::from(whole_seconds(one.first)),
            Cell::from(whole_seconds(one.last)),
            Cell::from(one.with.join(", ")),
        ]
    });
    output.table(
        &[what, "records", "first", "last", "with"],
        rows.collect(),
        "",
    )
}

fn missing(total: u64, all: &[Missing], output: Output) -> Result<(), Failure> {
    if all.is_empty() {
        return Ok(());
    }
    let heading = "calls of ours whose record never came";
    title(heading, total, all.len().min(SHOWN), output)?;
    let rows = all.iter().take(SHOWN).map(|one| {
        vec![
            Cell::toned(whole_seconds(one.at), Tone::Quiet),
            Cell::toned(one.sequence, Tone::Strong),
            Cell::from(&one.operation),
            Cell::from(one.request_id.as_deref().unwrap_or_default()),
        ]
    });
    output.table(&["time", "seq", "operation", "request"], rows.collect(), "")
}
