//! Revocations beside rotations: in `doorward upstream status`, `history`, `resume` and `rollback`.

use std::time::Duration;

use serde::Serialize;

use super::revoke::owed;
use super::rotate::time;
use crate::admin::{RevocationAbandon, RevocationList, RevocationResume, RevocationShow, Session};
use crate::cli::Waiting;
use crate::commands::whole_seconds;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, note};
use crate::rotation::{RevocationView, RotationView};

/// How often one is asked that is waited for.
const EVERY: Duration = Duration::from_millis(200);

/// What a key goes through, for programs.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum OneOf<'a> {
    Rotation(&'a RotationView),
    Revocation(&'a RevocationView),
}

/// Both in one list.
pub(super) fn together<'a>(
    rotations: &'a [RotationView],
    revocations: &'a [RevocationView],
) -> Vec<OneOf<'a>> {
    let revocations = revocations.iter().map(OneOf::Revocation);
    let rotations = rotations.iter().map(OneOf::Rotation);
    rotations.chain(revocations).collect()
}

pub(super) async fn list(
    session: &Session,
    workspace: Option<String>,
    open_only: bool,
) -> Result<Vec<RevocationView>, Failure> {
    let call = RevocationList {
        workspace,
        open_only,
    };
    session.call(call).await
}

/// Shows those there are.
pub(super) fn table(output: Output, all: &[RevocationView]) -> Result<(), Failure> {
    if all.is_empty() {
        return Ok(());
    }
    let rows = all.iter().map(|one| {
        vec![
            Cell::toned(&one.id, Tone::Strong),
            Cell::from(&one.workspace),
            Cell::from(one.title()),
            step(one),
            Cell::from(whole_seconds(one.begun_at)),
            time(one.ended_at),
            Cell::from(death(one)),
            Cell::from(one.trouble.as_deref().unwrap_or_default()),
        ]
    });
    let headings = [
        "revocation",
        "workspace",
        "key",
        "step",
        "begun",
        "ended",
        "time to 401",
        "trouble",
    ];
    output.line("")?;
    output.table(&headings, rows.collect(), "")
}

fn step(one: &RevocationView) -> Cell {
    match (one.is_done(), one.refusals) {
        (true, Some(_)) => Cell::toned(&one.step, Tone::Good),
        (true, None) => Cell::toned(format_args!("{}, not proved", one.step), Tone::Careful),
        (false, _) if one.open && one.tries == 0 => Cell::toned(&one.step, Tone::Careful),
        (false, _) => Cell::toned(&one.step, Tone::Bad),
    }
}

fn death(one: &RevocationView) -> String {
    let after = one.millis_to_death;
    after.map_or_else(String::new, |ms| {
        format!("{:?}", Duration::from_millis(ms.unsigned_abs()))
    })
}

/// Shows one.
pub(super) fn one(output: Output, one: RevocationView) -> Outcome {
    if output.is_json() {
        output.value(&one)?;
        return Ok(Exit::Done);
    }
    output.fields(vec![
        ("revocation", Cell::toned(&one.id, Tone::Strong)),
        ("workspace", Cell::from(&one.workspace)),
        ("key", Cell::from(one.title())),
        ("id at instantly", Cell::from(&one.api_key_id)),
        ("step", step(&one)),
        ("failed", Cell::from(format_args!("{} times", one.tries))),
        ("begun", time(Some(one.begun_at))),
        ("revoked", time(one.revoked_at)),
        ("time to 401", Cell::from(death(&one))),
        ("ended", time(one.ended_at)),
        (
            "trouble",
            Cell::toned(one.trouble.as_deref().unwrap_or_default(), Tone::Bad),
        ),
    ])?;
    Ok(Exit::Done)
}

/// Has one tried now, and waits until it is done or fails again and again.
pub(super) async fn resume(
    output: Output,
    session: &Session,
    id: String,
    wait: &Waiting,
) -> Outcome {
    let mut view = session.call(RevocationResume { id }).await?;
    let before = view.tries;
    let goes_on = wait.no_wait && session.is_server();
    let put_off = |view: &RevocationView| view.is_put_off() && view.tries > before;
    while view.open && !goes_on && !put_off(&view) {
        tokio::time::sleep(EVERY).await;
        view = session.call(RevocationShow { id: view.id }).await?;
    }
    let exit = match view.is_done() || goes_on {
        true => Exit::Done,
        false => Exit::Findings,
    };
    if view.open && !goes_on {
        note(owed(&view, session.is_server()));
    }
    one(output, view)?;
    Ok(exit)
}

/// Leaves one as it is.
pub(super) async fn abandon(
    output: Output,
    session: &Session,
    id: String,
    abandon: bool,
) -> Outcome {
    if !abandon {
        return Err(Failure::usage(format_args!(
            "a revocation can't be taken back; to leave it as it is, so that the key may live on, \
             `doorward upstream rollback {id} --abandon`"
        )));
    }
    let view = session.call(RevocationAbandon::new(id)).await?;
    note(format_args!(
        "{} was left as it is and may live: delete it in Instantly's settings by its id, {}",
        view.title(),
        view.api_key_id
    ));
    one(output, view)
}
