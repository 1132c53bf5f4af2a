//! How a rotation goes on, told as it does.

use std::time::Duration;

use super::rotate::{death, show};
use crate::admin::{RotationShow, Session};
use crate::exit::Failure;
use crate::output::{Output, Tone, note};
use crate::rotation::{Moved, RotationView};

/// How often it is asked.
const EVERY: Duration = Duration::from_millis(200);

/// Follows a rotation until it is over or needs a person, and tells each step: a line for people, a
/// line of JSON for programs.
///
/// # Errors
/// When it can't be asked any more.
pub(super) async fn follow(
    output: Output,
    session: &Session,
    mut rotation: RotationView,
) -> Result<RotationView, Failure> {
    let mut told = 0;
    let mut last: Option<Moved> = None;
    loop {
        // The oldest are forgotten at some time: what was told last is looked for.
        let known = last.as_ref();
        let from = known.and_then(|known| rotation.moves.iter().rposition(|one| one == known));
        let from = from.map_or(told.min(rotation.moves.len()), |at| at + 1);
        for moved in rotation.moves.iter().skip(from) {
            tell(output, moved)?;
            last = Some(moved.clone());
        }
        told = rotation.moves.len();
        if !rotation.open || rotation.is_stuck() {
            return Ok(rotation);
        }
        tokio::time::sleep(EVERY).await;
        let id = rotation.id.clone();
        rotation = session.call(RotationShow { id }).await?;
    }
}

fn tell(output: Output, moved: &Moved) -> Result<(), Failure> {
    if output.is_json() {
        return output.value_line(moved);
    }
    let step = format!("{:<10}", moved.step);
    let step = output.paint(Tone::Strong, step);
    match &moved.trouble {
        Some(why) => {
            let why = output.paint(Tone::Bad, why);
            output.line(format_args!("{step} {why}"))
        }
        None => output.line(format_args!("{step} → {}", moved.to)),
    }
}

/// Shows how a rotation ended.
///
/// # Errors
/// When it can't be written.
pub(super) fn show_end(output: Output, ended: &RotationView) -> Result<(), Failure> {
    if output.is_json() {
        return output.value_line(ended);
    }
    output.line("")?;
    show(output, ended)?;
    let key = &ended.key;
    match ended.step.as_str() {
        "done" if ended.refusals.is_some() => note(format_args!(
            "'{key}' is replaced, and the old key is proved dead (first 401 after {})",
            death(ended)
        )),
        "done" if ended.unproved => note(format_args!(
            "'{key}' is replaced and the old key deleted, but not proved dead: its value is not to be \
             had; see in Instantly's settings that {} is gone",
            ended.old_api_key_id.as_deref().unwrap_or("it")
        )),
        "done" => note(format_args!("'{key}' is in force")),
        "rolled-back" => note(format_args!(
            "'{key}' is as it was before; nothing is left behind"
        )),
        "stuck" => note(format_args!(
            "neither going on nor going back is safe: mend what is said, then `doorward upstream \
             resume {}`",
            ended.id
        )),
        _ => note(format_args!("'{key}' was left as it is")),
    }
    Ok(())
}
