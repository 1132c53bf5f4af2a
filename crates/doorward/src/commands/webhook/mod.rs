//! `doorward webhook`: where webhooks come in.

mod forward;
mod listen;
mod show;

use self::show::{is_sound, list, reconciled, show, tested};
use super::confirm::confirm;
use crate::admin::{
    DoorAsked, Session, Wanted, WebhookAdopt, WebhookCreate, WebhookDelete, WebhookDone,
    WebhookList, WebhookReconcile, WebhookReconciled, WebhookResume, WebhookRotate, WebhookSet,
    WebhookShow, WebhookTest,
};
use crate::cli::{CreateWebhook, DoorOptions, WebhookCommand};
use crate::context::Context;
use crate::duration::Lasting;
use crate::exit::{Exit, Outcome};
use crate::output::note;

/// Runs `doorward webhook …`.
pub(crate) async fn run(context: &Context, command: WebhookCommand) -> Outcome {
    let session = Session::open(context).await?;
    let output = context.output;
    match command {
        WebhookCommand::Create(typed) => {
            let made = session.call(create(typed)).await?;
            done(context, &made, "made")
        }
        WebhookCommand::Adopt(typed) => {
            let call = WebhookAdopt {
                workspace: typed.of.workspace,
                subscription: typed.subscription,
                name: typed.name,
                door: asked(typed.door),
            };
            let made = session.call(call).await?;
            done(context, &made, "taken over")
        }
        WebhookCommand::List { of, no_fetch } => {
            let call = WebhookList {
                of: of.scopeful(),
                fetch: !no_fetch,
            };
            let found = session.call(call).await?;
            if output.is_json() {
                output.value(&found)?;
            } else {
                list(&found, context)?;
            }
            let sound = found.iter().flat_map(|one| &one.sources).all(is_sound);
            Ok(ended(sound))
        }
        WebhookCommand::Show { source, no_fetch } => {
            let call = WebhookShow {
                source,
                fetch: !no_fetch,
            };
            let found = session.call(call).await?;
            if output.is_json() {
                output.value(&found)?;
            } else {
                show(&found, context)?;
            }
            Ok(ended(is_sound(&found)))
        }
        WebhookCommand::RotateSecret(typed) => {
            let call = WebhookRotate {
                source: typed.source,
                proof: typed.proof,
                overlap_ms: typed.overlap.0.map_or(0, Lasting::millis),
                to: typed.to,
            };
            let made = session.call(call).await?;
            done(context, &made, "given another secret")
        }
        WebhookCommand::Test { source } => {
            let found = session.call(WebhookTest { source }).await?;
            if output.is_json() {
                output.value(&found)?;
            } else {
                tested(&found, output)?;
            }
            Ok(ended(found.success))
        }
        WebhookCommand::Resume { source } => {
            let made = session.call(WebhookResume { source }).await?;
            done(context, &made, "resumed")
        }
        WebhookCommand::Reconcile { source, since } => {
            let call = WebhookReconcile {
                source,
                since: since.map(|since| since.0),
            };
            let done = session.call(call).await?;
            if output.is_json() {
                output.value(&done)?;
            } else {
                reconciled(&done, output)?;
            }
            let whole = |one: &WebhookReconciled| {
                let found = one.found.as_ref();
                found.is_some_and(|found| found.unrecoverable == 0 && found.whole)
            };
            Ok(ended(done.iter().all(whole)))
        }
        WebhookCommand::Set {
            source,
            allow,
            allow_any,
            proof,
        } => {
            let call = WebhookSet {
                source,
                allow: Some(allow).filter(|allow| allow_any || !allow.is_empty()),
                proofs: Some(proof).filter(|proofs| !proofs.is_empty()),
            };
            let found = session.call(call).await?;
            if output.is_json() {
                output.value(&found)?;
            } else {
                show(&found, context)?;
            }
            Ok(Exit::Done)
        }
        WebhookCommand::Listen(typed) => {
            // Events come in where a server runs, be it later: it needs what is open here.
            drop(session);
            listen::run(context, typed).await
        }
        WebhookCommand::Delete {
            source,
            keep_subscription,
            yes,
        } => delete(context, &session, (source, keep_subscription), yes).await,
    }
}

fn create(typed: CreateWebhook) -> WebhookCreate {
    let campaign = typed.campaign;
    let wanted = match (typed.event, typed.label) {
        (Some(event), _) => Wanted::Event { event, campaign },
        (None, Some(value)) => Wanted::Label { value, campaign },
        (None, None) => Wanted::Nothing,
    };
    WebhookCreate {
        workspace: typed.of.workspace,
        name: typed.name,
        wanted,
        door: asked(typed.door),
    }
}

fn asked(door: DoorOptions) -> DoorAsked {
    DoorAsked {
        public_url: door.public_url,
        proofs: door.proof,
        allow: door.allow,
        to: door.to,
    }
}

fn done(context: &Context, made: &WebhookDone, what: &str) -> Outcome {
    let output = context.output;
    let passed = made.tested.as_ref().is_none_or(|tested| tested.success);
    if output.is_json() {
        output.value(made)?;
        return Ok(ended(passed));
    }
    output.line(format_args!("source '{}' is {what}", made.source.name))?;
    show(&made.source, context)?;
    if let Some(test) = &made.tested {
        tested(test, output)?;
        if !test.success {
            note(format_args!(
                "Instantly's deliveries do not arrive: is {} reached from outside? Then: doorward webhook \
                 test {}",
                made.source.url, made.source.name
            ));
        }
    }
    Ok(ended(passed))
}

async fn delete(
    context: &Context,
    session: &Session,
    (source, keep_subscription): (String, bool),
    yes: bool,
) -> Outcome {
    let output = context.output;
    let look = WebhookShow {
        source,
        fetch: false,
    };
    let there = session.call(look).await?;
    let question = match (&there.subscription, keep_subscription) {
        (Some(id), false) => format!(
            "End the subscription {id} at Instantly, and remove the source '{}'?",
            there.name
        ),
        _ => format!("Remove the source '{}'?", there.name),
    };
    if !confirm(&question, yes)? {
        note("nothing was done");
        return Ok(Exit::Findings);
    }
    let call = WebhookDelete {
        source: there.id,
        keep_subscription,
    };
    let gone = session.call(call).await?;
    if output.is_json() {
        output.value(&gone)?;
    } else {
        output.line(format_args!(
            "source '{}' is removed; the events that came in stay",
            gone.name
        ))?;
    }
    Ok(Exit::Done)
}

fn ended(sound: bool) -> Exit {
    match sound {
        true => Exit::Done,
        false => Exit::Findings,
    }
}
