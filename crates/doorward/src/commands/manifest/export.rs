//! `doorward export`: what is there, as a manifest.

use std::io::Write;
use std::path::Path;

use doorward_posture::manifest::write;

use super::look;
use crate::admin::{Session, WorkspaceList, WorkspaceShow, WorkspaceView};
use crate::cli::ExportTo;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::note;

/// Runs it.
pub(super) async fn run(context: &Context, typed: ExportTo) -> Outcome {
    let session = Session::open(context).await?;
    let workspaces: Vec<WorkspaceView> = match typed.of.all_workspaces {
        true => session.call(WorkspaceList {}).await?,
        false => {
            let name = typed.of.one.workspace;
            vec![session.call(WorkspaceShow { name }).await?]
        }
    };
    let present = look::everything(&session, &workspaces).await?;
    let written = write(&present, typed.out.is_some());
    let Some(out) = &typed.out else {
        context.output.bytes(written.text.as_bytes())?;
        return Ok(Exit::Done);
    };
    let folder = out.parent().unwrap_or(Path::new(""));
    for (name, text) in &written.files {
        put(&folder.join(name), text)?;
    }
    put(out, &written.text)?;
    note(format_args!(
        "the manifest is in {}; `doorward plan {0}` finds nothing to do",
        out.display()
    ));
    Ok(Exit::Done)
}

/// Writes a file that is not there yet.
fn put(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::usage(format_args!(
            "{} can't be written: {error}; name another file",
            path.display()
        ))
    };
    let mut file = std::fs::File::create_new(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)
}
