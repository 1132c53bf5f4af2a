//! `doorward upstream adopt`.

use crate::admin::{Session, UpstreamAdopt, UpstreamAdopted, WorkspaceShow};
use crate::cli::AdoptUpstream;
use crate::commands::entered::Entered;
use crate::commands::kept_at;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Tone};

/// Runs it.
pub(super) async fn run(context: &Context, session: &Session, typed: AdoptUpstream) -> Outcome {
    let mut reference = typed.reference;
    let asks = match reference.as_deref() {
        Some("-") => true,
        Some(_) => false,
        None => !is_held(session, typed.of.workspace.clone(), &typed.name).await?,
    };
    let entered = match asks {
        true => {
            let entered = Entered::take(context, &typed.name)?;
            reference = Some(entered.reference());
            Some(entered)
        }
        false => None,
    };
    let call = UpstreamAdopt {
        workspace: typed.of.workspace,
        name: typed.name,
        reference,
        owner: typed.owner,
        api_key_id: typed.id,
        scopes: typed.scopes,
        manages: typed.manages.then_some(true),
        without_id: typed.without_id,
    };
    let adopted = session.call(call).await;
    if let (Err(failure), Some(entered)) = (&adopted, entered) {
        entered.settle(session, failure).await;
    }
    let adopted = adopted?;
    if context.output.is_json() {
        context.output.value(&adopted)?;
    } else {
        show(&adopted, context)?;
    }
    Ok(Exit::Done)
}

async fn is_held(
    session: &Session,
    workspace: Option<String>,
    name: &str,
) -> Result<bool, Failure> {
    let workspace = session.call(WorkspaceShow { name: workspace }).await?;
    Ok(workspace.upstream_keys.iter().any(|key| key.name == name))
}

fn show(adopted: &UpstreamAdopted, context: &Context) -> Result<(), Failure> {
    let id = match (&adopted.api_key_id, &adopted.known_by) {
        (Some(id), Some(by)) => Cell::from(format_args!("{id}, by {by}")),
        (Some(id), None) => Cell::from(id),
        (None, _) => Cell::toned(
            "not known: it can't be revoked or rotated by Doorward",
            Tone::Careful,
        ),
    };
    let scopes = adopted.scopes.as_ref().map(|scopes| scopes.join(", "));
    let word = if adopted.added { "took in" } else { "noted of" };
    context.output.fields(vec![
        (word, Cell::toned(&adopted.name, Tone::Strong)),
        ("id here", Cell::from(&adopted.key_id)),
        ("id at instantly", id),
        (
            "scopes",
            Cell::from(scopes.as_deref().unwrap_or("not known")),
        ),
        ("kept at", Cell::from(kept_at(&adopted.reference, context))),
        ("it is", Cell::from(&adopted.detail)),
    ])
}
