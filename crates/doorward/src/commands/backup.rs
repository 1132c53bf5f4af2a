//! `doorward backup` and `doorward restore`.

use serde_json::json;

use crate::admin::{BackupTake, Session};
use crate::backup::{Manifest, RestoredNote, restore, take};
use crate::cli::{Backup, Restore};
use crate::context::Context;
use crate::demo::Demo;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone};

/// Runs `doorward backup`.
pub(crate) async fn run(context: &Context, backup: &Backup) -> Outcome {
    context.data_dir.check()?;
    if Demo::read(&context.data_dir)?.is_some() {
        return Err(Failure::usage(format_args!(
            "{} holds the demo of `doorward up`, which is made anew rather than backed up",
            context.data_dir.path().display()
        )));
    }
    // On record before anything is read. Without a server the ledger is let go of again then.
    let session = Session::open(context).await?;
    session.call(BackupTake {}).await?;
    drop(session);
    let manifest = take(context, &backup.to)?;
    let output = context.output;
    if output.is_json() {
        output.value(&manifest)?;
        return Ok(Exit::Done);
    }
    output.fields(vec![
        ("backup", Cell::toned(backup.to.display(), Tone::Strong)),
        ("files", Cell::from(manifest.files.len())),
        (
            "events",
            Cell::from(if manifest.has_events() {
                "yes"
            } else {
                "none came in"
            }),
        ),
        (
            "leaves",
            Cell::from(format_args!("{} signed", manifest.signed_leaves)),
        ),
    ])?;
    output.line(format_args!(
        "\nthese are not in the backup; they must resolve where you restore (`file:name` is within the \
         data folder):"
    ))?;
    show_secrets(output, &manifest)?;
    Ok(Exit::Done)
}

/// Runs `doorward restore`.
pub(crate) fn run_restore(context: &Context, from: &Restore) -> Outcome {
    let to = context.data_dir.path();
    let restored = restore(&from.from, to)?;
    let (output, manifest, note) = (context.output, &restored.manifest, &restored.note);
    if output.is_json() {
        output.value(&json!({
            "data_dir": to,
            "made_at": manifest.made_at,
            "leaves": note.leaves,
            "approvals_expired": note.approvals_expired,
            "writes_unknown": note.writes_unknown,
            "warnings": warnings(note, manifest.has_events()),
            "secrets": manifest.secrets,
        }))?;
        return Ok(Exit::Done);
    }
    output.fields(vec![
        ("data folder", Cell::toned(to.display(), Tone::Strong)),
        ("from", Cell::from(&manifest.made_at)),
        ("leaves", Cell::from(note.leaves)),
    ])?;
    output.line(format_args!(
        "\nput back before it is used (`file:name` is within the data folder):"
    ))?;
    show_secrets(output, manifest)?;
    output.line(format_args!("\nwhat came after the backup is not in it:"))?;
    for warning in warnings(note, manifest.has_events()) {
        output.line(format_args!("  - {warning}"))?;
    }
    output.line(format_args!(
        "\nnext:\n  doorward audit verify --data-dir {0}\n  doorward serve --config \
         {0}/doorward.toml --data-dir {0}",
        to.display()
    ))?;
    Ok(Exit::Done)
}

/// What whoever restores has to know, and do.
fn warnings(note: &RestoredNote, events: bool) -> Vec<String> {
    let made_at = &note.made_at;
    let mut warnings = vec![format!(
        "client keys and admin tokens that were revoked, and clients that were disabled or deleted, \
         work again, \
         and grants and policies are as they were: do it again before the door is open. Where the \
         data folder that was lost can still be read, `doorward audit search --data-dir OLD --since \
         {made_at}` with `--kind client_key`, `client` or `policy` lists what was done"
    )];
    warnings.push(
        "answers kept for an Idempotency-Key since are not known: a repeat of such a write is sent \
         again"
            .to_owned(),
    );
    warnings.push(format!(
        "people who were erased since can be read again: erase them again with `doorward audit erase`, \
         which the old ledger lists with `doorward audit search --data-dir OLD --since {made_at} \
         --action subject.erase`"
    ));
    warnings.push(
        "counts of the day (a client's calls, what is left of a bound) are those of the backup: today's \
         bounds begin from there"
            .to_owned(),
    );
    if events {
        warnings.push(
            "events that came in since are not in it; what was delivered since is delivered once more, \
             under the same ids"
                .to_owned(),
        );
    }
    if note.writes_unknown > 0 {
        warnings.push(format!(
            "{} writes were under way: what became of them is unknown, and they are not sent again; \
             see `doorward idempotency list`",
            note.writes_unknown
        ));
    }
    if note.approvals_expired > 0 {
        warnings.push(format!(
            "{} approvals were open and may have been spent since: they are expired, and are asked \
             for again",
            note.approvals_expired
        ));
    }
    warnings.push(
        "the ledger's leaves since are not in it: witnesses and whoever kept a newer checkpoint will \
         see that it was turned back"
            .to_owned(),
    );
    warnings
}

fn show_secrets(output: Output, manifest: &Manifest) -> Result<(), Failure> {
    for needed in &manifest.secrets {
        output.line(format_args!("  {}  ({})", needed.reference, needed.what))?;
    }
    Ok(())
}
