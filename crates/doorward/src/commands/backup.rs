//! `doorward backup` and `doorward restore`.

use serde_json::json;

use crate::admin::{BackupTake, Session};
use crate::backup::{Manifest, restore, take};
use crate::cli::{Backup, Restore};
use crate::context::Context;
use crate::demo::Demo;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone};

/// Runs `doorward backup`.
pub(crate) async fn run(context: &Context, backup: &Backup) -> Outcome {
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
            "leaves",
            Cell::from(format_args!("{} signed", manifest.signed_leaves)),
        ),
    ])?;
    output.line(format_args!("\nnot in it, and needed to use it:"))?;
    show_secrets(output, &manifest)?;
    Ok(Exit::Done)
}

/// Runs `doorward restore`.
pub(crate) fn run_restore(context: &Context, from: &Restore) -> Outcome {
    let to = context.data_dir.path();
    let restored = restore(&from.from, to)?;
    let (output, manifest) = (context.output, &restored.manifest);
    if output.is_json() {
        output.value(&json!({
            "data_dir": to,
            "made_at": manifest.made_at,
            "leaves": restored.leaves,
            "secrets": manifest.secrets,
        }))?;
        return Ok(Exit::Done);
    }
    output.fields(vec![
        ("data folder", Cell::toned(to.display(), Tone::Strong)),
        ("from", Cell::from(&manifest.made_at)),
        ("leaves", Cell::from(restored.leaves)),
    ])?;
    output.line(format_args!(
        "\nput back before it is used (`file:name` is within the data folder):"
    ))?;
    show_secrets(output, manifest)?;
    output.line(format_args!(
        "\nnext:\n  doorward audit verify --data-dir {0}\n  doorward serve --config \
         {0}/doorward.toml --data-dir {0}",
        to.display()
    ))?;
    Ok(Exit::Done)
}

fn show_secrets(output: Output, manifest: &Manifest) -> Result<(), Failure> {
    for needed in &manifest.secrets {
        output.line(format_args!("  {}  ({})", needed.reference, needed.what))?;
    }
    Ok(())
}
