//! `doorward audit rotate-key`.

use crate::admin::{AuditRotate, KeyDuty, Session};
use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{Cell, Tone, note};

/// Runs `doorward audit rotate-key`.
pub(super) async fn run(context: &Context, finish: bool) -> Outcome {
    let output = context.output;
    let session = Session::open(context).await?;
    let rotated = session.call(AuditRotate { finish, by: None }).await?;
    if output.is_json() {
        output.value(&rotated)?;
        return Ok(Exit::Done);
    }
    let rows = rotated.keys.iter().map(|(key, duty)| {
        let duty = match duty {
            KeyDuty::Signs => Cell::toned("signs", Tone::Good),
            KeyDuty::SignsBeside => Cell::toned("signs beside it", Tone::Careful),
            KeyDuty::Signed => Cell::toned("signed before", Tone::Quiet),
        };
        vec![duty, Cell::from(key)]
    });
    output.table(&["duty", "public key"], rows.collect(), "")?;
    if rotated.restart {
        note("\nrestart the server: it goes on with the keys it was started with");
    }
    if !finish {
        note(
            "give the new public key to those who verify; then `doorward audit rotate-key --finish`",
        );
    }
    Ok(Exit::Done)
}
