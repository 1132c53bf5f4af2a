//! Stopping the key: replaced where that can be done, revoked with nothing in its place where it can't.

use std::io::{self, IsTerminal};

use super::{Asked, Timeline, told};
use crate::admin::{LeakStop, Leaked, Session, Stopped};
use crate::cli::RespondLeak;
use crate::commands::confirm::confirm;
use crate::exit::Failure;
use crate::leak::Found;

/// Has it stopped, and says what was done.
pub(super) async fn stop(
    session: &Session,
    asked: &Asked,
    said: &RespondLeak,
    timeline: &mut Timeline,
) -> Result<Stopped, Failure> {
    let call = LeakStop {
        key: asked.leaked(),
        reissue: said.reissue,
        bare: false,
        scopes: said.scopes,
        to: said.to.clone(),
    };
    let mut stopped = session.call(call).await?;
    told(&stopped, timeline);
    if let Some(why) = stopped.not_replaced.clone() {
        stop_bare(session, said, &mut stopped, &why, timeline).await?;
    }
    Ok(stopped)
}

/// Has a key revoked that nothing could take the place of, if that is wanted. Whether it was done.
pub(super) async fn stop_bare(
    session: &Session,
    said: &RespondLeak,
    stopped: &mut Stopped,
    why: &str,
    timeline: &mut Timeline,
) -> Result<bool, Failure> {
    let Some(key) = exactly(&stopped.found) else {
        return Ok(false);
    };
    if !wanted(said, why)? {
        timeline.add(
            "it was not revoked, since nothing takes its place: say --revoke-anyway, or mend what is in \
             the way with --scopes and --to",
        );
        return Ok(false);
    }
    let call = LeakStop {
        key,
        reissue: false,
        bare: true,
        scopes: None,
        to: None,
    };
    match session.call(call).await {
        Ok(done) => {
            told(&done, timeline);
            stopped.revoked_at = done.revoked_at;
            stopped.revocation = done.revocation;
            stopped.by_hand = done.by_hand;
            stopped.not_replaced = None;
            Ok(true)
        }
        Err(error) => {
            timeline.add(format!("it could not be revoked: {error}"));
            Ok(false)
        }
    }
}

fn wanted(said: &RespondLeak, why: &str) -> Result<bool, Failure> {
    if said.revoke_anyway {
        return Ok(true);
    }
    // That it is replaced is what --yes agreed to.
    if said.yes || !io::stdin().is_terminal() {
        return Ok(false);
    }
    let question = format!(
        "Nothing took its place ({why}). Revoke it all the same? Calls under it fail until there is another \
         key."
    );
    confirm(&question, false)
}

/// The key that was found, by Doorward's id: its name may be its successor's by now.
pub(super) fn exactly(found: &Found) -> Option<Leaked> {
    let Found::UpstreamKey(key) = found else {
        return None;
    };
    Some(Leaked {
        value: None,
        id: key.key_id.clone().or_else(|| key.api_key_id.clone()),
        api_key_id: key.api_key_id.clone(),
        workspace: Some(key.workspace_id.clone()).filter(|id| !id.is_empty()),
    })
}
