//! `doorward check mute`, `unmute` and `mutes`.

use doorward_posture::report::Muting;
use jiff::civil::Date;

use crate::admin::{CheckMute, CheckMutes, CheckUnmute, MuteView, Session};
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, note};

/// Runs `doorward check mute`: what, why, who, until when.
pub(super) async fn mute(
    context: &Context,
    (what, reason, owner, until): (String, String, String, Date),
) -> Outcome {
    let session = Session::open(context).await?;
    let muting = Muting {
        what,
        reason,
        owner,
        until,
    };
    let made = session.call(CheckMute { muting }).await?;
    one(context.output, &made)?;
    if !context.output.is_json() {
        note(format_args!(
            "it does not count until {} is over",
            made.muting.until
        ));
    }
    Ok(Exit::Done)
}

/// Runs `doorward check unmute`.
pub(super) async fn unmute(context: &Context, what: String) -> Outcome {
    let session = Session::open(context).await?;
    let gone = session.call(CheckUnmute { what }).await?;
    one(context.output, &gone)?;
    if !context.output.is_json() {
        note("it counts from the next run on");
    }
    Ok(Exit::Done)
}

/// Runs `doorward check mutes`.
pub(super) async fn list(context: &Context) -> Outcome {
    let session = Session::open(context).await?;
    let mutes = session.call(CheckMutes {}).await?;
    let output = context.output;
    if output.is_json() {
        output.value(&mutes)?;
        return Ok(Exit::Done);
    }
    let rows = mutes.iter().map(|mute| {
        vec![
            Cell::toned(&mute.muting.what, Tone::Strong),
            until(mute),
            Cell::from(&mute.muting.owner),
            Cell::from(&mute.muting.reason),
            Cell::from(mute.finding.as_deref().unwrap_or_default()),
        ]
    });
    let headings = ["muted", "until", "owner", "reason", "what it is"];
    output.table(&headings, rows.collect(), "nothing is muted")?;
    Ok(Exit::Done)
}

fn one(output: Output, mute: &MuteView) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(mute);
    }
    output.fields(vec![
        ("muted", Cell::toned(&mute.muting.what, Tone::Strong)),
        (
            "what it is",
            Cell::from(mute.finding.as_deref().unwrap_or_default()),
        ),
        ("reason", Cell::from(&mute.muting.reason)),
        ("owner", Cell::from(&mute.muting.owner)),
        ("until", until(mute)),
    ])
}

fn until(mute: &MuteView) -> Cell {
    match mute.over {
        true => Cell::toned(format_args!("{}, over", mute.muting.until), Tone::Careful),
        false => Cell::from(mute.muting.until),
    }
}
