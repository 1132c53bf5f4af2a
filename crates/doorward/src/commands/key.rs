//! `doorward key`: what clients prove themselves with.

use super::{status_cell, time_cell, whole_seconds};
use crate::admin::{
    End, KeyIssue, KeyList, KeyRevoke, KeyRotate, KeyView, RotatedKey, Session, now,
};
use crate::cli::KeyCommand;
use crate::context::Context;
use crate::duration::{Lasting, LastingOrNever};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, note};

/// Runs `doorward key …`.
pub(crate) async fn run(context: &Context, command: KeyCommand) -> Outcome {
    let output = context.output;
    let session = Session::open(context).await?;
    match command {
        KeyCommand::Issue {
            client,
            expires_in,
            within,
        } => {
            let expires_at = expires_in.map(|lasting| lasting.after(now()));
            let call = KeyIssue {
                workspace: within.workspace,
                client,
                expires_at,
            };
            let issued = session.call(call).await?;
            if output.is_json() {
                output.value(&issued)?;
            } else {
                let KeyView {
                    id,
                    client,
                    expires_at,
                    ..
                } = &issued.record;
                let until = match expires_at {
                    Some(time) => format!("it expires at {}", whole_seconds(*time)),
                    None => "it does not expire; consider --expires-in next time".to_owned(),
                };
                note(format_args!(
                    "key {id} of client '{client}' is shown this once; {until}; end it with \
                     `doorward key revoke {id}`"
                ));
                output.line(issued.key.expose_secret())?;
            }
        }
        KeyCommand::List { client, of } => {
            let keys = session
                .call(KeyList {
                    of: of.scopeful(),
                    client,
                })
                .await?;
            if output.is_json() {
                output.value(&keys)?;
            } else {
                list(&keys, output)?;
            }
        }
        KeyCommand::Rotate {
            client,
            overlap,
            expires_in,
            only,
            within,
        } => {
            let end = expires_in.map(|lasting| match lasting {
                LastingOrNever::Never => End::Never,
                LastingOrNever::Lasting(lasting) => End::At(lasting.after(now())),
            });
            let call = KeyRotate {
                workspace: within.workspace,
                client,
                overlap: overlap.0.map(Lasting::millis),
                end,
                only,
            };
            let rotated = session.call(call).await?;
            if output.is_json() {
                output.value(&rotated)?;
            } else {
                tell_rotated(&rotated);
                output.line(rotated.issued.key.expose_secret())?;
            }
        }
        KeyCommand::Revoke { key_id } => {
            let key = session.call(KeyRevoke { key_id }).await?;
            if output.is_json() {
                output.value(&key)?;
            } else {
                let KeyView { id, client, .. } = &key;
                output.line(format_args!(
                    "key {id} of client '{client}' is revoked: it is refused from now on"
                ))?;
            }
        }
    }
    Ok(Exit::Done)
}

/// What became of the old keys, and of the new one.
fn tell_rotated(rotated: &RotatedKey) {
    for old in &rotated.replaced {
        let used = match old.last_used_at {
            Some(at) => format!("last used at {}", whole_seconds(at)),
            None => "never used".to_owned(),
        };
        let end = match (&old.revoked_at, old.expires_at) {
            (None, Some(at)) => format!("is valid until {}", whole_seconds(at)),
            _ => "is revoked: it is refused from now on".to_owned(),
        };
        note(format_args!("key {} {end}; {used}", old.id));
    }
    let KeyView {
        id,
        client,
        expires_at,
        ..
    } = &rotated.issued.record;
    let until = match expires_at {
        Some(time) => format!("it expires at {}", whole_seconds(*time)),
        None => "it does not expire".to_owned(),
    };
    note(format_args!(
        "key {id} of client '{client}' is shown this once; {until}; `doorward key list {client}` \
         shows when each was used last"
    ));
}

/// The table of keys.
pub(super) fn list(keys: &[KeyView], output: Output) -> Result<(), Failure> {
    let rows = keys.iter().map(|key| {
        vec![
            Cell::toned(&key.id, Tone::Strong),
            Cell::from(&key.client),
            status_cell(&key.status),
            Cell::from(whole_seconds(key.created_at)),
            time_cell(key.expires_at, "never"),
            time_cell(key.last_used_at, "never"),
        ]
    });
    let headings = ["key", "client", "status", "issued", "expires", "last used"];
    let nothing = "there are no keys; issue one with `doorward key issue CLIENT`";
    output.table(&headings, rows.collect(), nothing)
}
