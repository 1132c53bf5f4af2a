//! `doorward upstream probe`.

use doorward_store::ProbeOutcome;

use crate::admin::{Session, UpstreamProbe};
use crate::cli::ProbeUpstream;
use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{Cell, Tone};

/// Runs it.
pub(super) async fn run(context: &Context, session: &Session, typed: ProbeUpstream) -> Outcome {
    let call = UpstreamProbe {
        workspace: typed.of.workspace,
        name: typed.name,
    };
    let probed = session.call(call).await?;
    let output = context.output;
    if output.is_json() {
        output.value(&probed)?;
    } else {
        let alive = match probed.alive {
            ProbeOutcome::Alive => Cell::toned("yes", Tone::Good),
            ProbeOutcome::Dead => Cell::toned("no", Tone::Bad),
            ProbeOutcome::Unclear => Cell::toned("can't be told", Tone::Careful),
        };
        let as_known = match probed.as_known {
            Some(true) => Cell::toned("yes", Tone::Good),
            Some(false) => Cell::toned("no, others than were known", Tone::Bad),
            None => Cell::toned("can't be told", Tone::Quiet),
        };
        let scopes = probed.scopes.as_ref().map(|scopes| scopes.join(", "));
        output.fields(vec![
            ("key", Cell::toned(&probed.name, Tone::Strong)),
            ("alive", alive),
            ("scopes", Cell::from(scopes.unwrap_or_default())),
            ("scopes as known", as_known),
            (
                "answered read",
                Cell::from(probed.read.as_deref().unwrap_or_default()),
            ),
            ("said", Cell::from(&probed.detail)),
        ])?;
    }
    let healthy = probed.alive == ProbeOutcome::Alive && probed.as_known != Some(false);
    Ok(if healthy { Exit::Done } else { Exit::Findings })
}
