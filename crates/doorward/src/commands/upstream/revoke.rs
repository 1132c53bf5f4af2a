//! `doorward upstream revoke`.

use crate::admin::{Session, Target, UpstreamRevoke, UpstreamRevoked, UpstreamTarget, WhichKey};
use crate::cli::RevokeUpstream;
use crate::commands::confirm::confirm;
use crate::commands::{kept_at, whole_seconds};
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, clean, note};
use crate::rotation::RevocationView;

/// Runs it.
pub(super) async fn run(context: &Context, session: &Session, typed: RevokeUpstream) -> Outcome {
    let by_name = typed.id.is_none();
    let which = match (typed.id, &typed.name) {
        (Some(id), _) => WhichKey::Id(id),
        (None, name) => WhichKey::Name(name.clone().unwrap_or_default()),
    };
    let output = context.output;
    let look = UpstreamTarget {
        workspace: typed.of.workspace,
        which,
        force: typed.force,
    };
    let target = session.call(look).await?;
    if let Some(name) = typed.name.filter(|_| !by_name) {
        check_name(&target, &name)?;
    }
    if !output.is_json() {
        show_target(&target, context)?;
    }
    let question = format!(
        "Revoke the key '{}' ({}) of workspace '{}' at Instantly?",
        name_of(&target),
        target.api_key_id,
        target.workspace
    );
    // A name may have become another key's since it was written down.
    if by_name && typed.yes {
        return Err(Failure::usage(format_args!(
            "--yes takes the key's id, since a name may be another key's by now: it is {} (`doorward \
             upstream revoke {0} --yes`)",
            clean(&target.api_key_id)
        )));
    }
    if !confirm(&question, typed.yes)? {
        note("nothing was done");
        return Ok(Exit::Findings);
    }
    let call = UpstreamRevoke {
        workspace: target.workspace,
        api_key_id: target.api_key_id,
        force: typed.force,
    };
    let revoked = session.call(call).await?;
    if output.is_json() {
        output.value(&revoked)?;
    } else {
        show_revoked(&revoked, session.is_server(), output)?;
        if let Some(reference) = &revoked.target.reference
            && revoked.revocation.is_done()
        {
            note(format_args!(
                "its value, which is of no use now, is still at {}: delete it there; `doorward \
                 workspace remove-key {} {}` takes the key off Doorward's list",
                kept_at(reference, context),
                revoked.target.workspace,
                name_of(&revoked.target)
            ));
        }
    }
    Ok(match revoked.revocation.is_done() {
        true => Exit::Done,
        false => Exit::Findings,
    })
}

/// The key must have the name that was said with its id.
fn check_name(target: &Target, name: &str) -> Result<(), Failure> {
    let names = [&target.name, &target.name_there];
    if names.into_iter().flatten().any(|one| one == name) {
        return Ok(());
    }
    Err(Failure::usage(format_args!(
        "the key {} is called '{}', not '{}'; nothing was done",
        clean(&target.api_key_id),
        clean(name_of(target)),
        clean(name)
    )))
}

fn name_of(target: &Target) -> &str {
    let name = target.name.as_deref().or(target.name_there.as_deref());
    name.unwrap_or("without a name")
}

fn show_target(target: &Target, context: &Context) -> Result<(), Failure> {
    let held = match &target.reference {
        Some(reference) => format!("yes, at {}", kept_at(reference, context)),
        None => "no".to_owned(),
    };
    let scopes = target.scopes.as_ref().map(|scopes| scopes.join(", "));
    let made = target.created_at.map(whole_seconds);
    context.output.fields(vec![
        ("key", Cell::toned(name_of(target), Tone::Strong)),
        ("id at instantly", Cell::from(&target.api_key_id)),
        (
            "name there",
            Cell::from(target.name_there.as_deref().unwrap_or("not listed")),
        ),
        (
            "scopes",
            Cell::from(scopes.as_deref().unwrap_or("not known")),
        ),
        (
            "made",
            Cell::from(made.map_or_else(String::new, |made| made.to_string())),
        ),
        ("held", Cell::from(held)),
        (
            "doorward",
            Cell::toned(target.own_use.as_deref().unwrap_or_default(), Tone::Careful),
        ),
        (
            "only key for",
            Cell::toned(target.lost.join(", "), Tone::Bad),
        ),
    ])
}

fn show_revoked(revoked: &UpstreamRevoked, server: bool, output: Output) -> Result<(), Failure> {
    let revocation = &revoked.revocation;
    if revocation.revoked_at.is_some() {
        let how = match revoked.was_gone {
            true => "Instantly had no such key any more",
            false => "deleted at Instantly",
        };
        output.line(how)?;
    }
    let trouble = revocation.trouble.as_deref().unwrap_or_default();
    match (revocation.refusals, revocation.open) {
        (Some(refusals), _) => {
            let after = revocation.millis_to_death.unwrap_or_default();
            let text = format!(
                "dead: refused {refusals} times in a row, the first {after} ms after it was deleted"
            );
            output.line(output.paint(Tone::Good, text))
        }
        (None, false) => output.line(output.paint(Tone::Careful, trouble)),
        (None, true) => {
            output.line(output.paint(Tone::Bad, format_args!("not dead yet: {trouble}")))?;
            note(owed(revocation, server));
            Ok(())
        }
    }
}

/// What becomes of a revocation that is not done.
pub(in crate::commands) fn owed(revocation: &RevocationView, server: bool) -> String {
    let id = &revocation.id;
    let unused = match revocation.key_id {
        Some(_) => "no call goes out under it any more, and ",
        None => "",
    };
    match server {
        true => format!(
            "{unused}it is tried again until it is proved dead: `doorward upstream status {id}`"
        ),
        false => format!(
            "{unused}it is owed: a server goes on with it when it starts, and so does `doorward \
             upstream resume {id}`"
        ),
    }
}
