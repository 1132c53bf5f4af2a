//! `doorward deliveries`, `doorward dead-letter`, `doorward replay`: what is owed to destinations.

mod replay;

use super::confirm::confirm;
use super::event::{deliveries, set_out, state};
use super::whole_seconds;
use crate::admin::{
    Answer, DeadDiscard, DeadList, DeadRetry, DeliveriesPage, DeliveryAnswer, DeliveryList, Session,
};
use crate::cli::{DeadLetterCommand, DeliveriesCommand, ListDeliveries};
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, note};

pub(crate) use self::replay::run as replay;

/// Runs `doorward deliveries …`.
pub(crate) async fn run(context: &Context, command: DeliveriesCommand) -> Outcome {
    let DeliveriesCommand::List(typed) = command;
    let (session, output) = (Session::open(context).await?, context.output);
    let ListDeliveries {
        destination,
        state,
        event,
        replay,
        limit,
        after,
        answer,
    } = typed;
    if let Some([event, destination]) = answer.as_deref() {
        let call = DeliveryAnswer {
            event: event.clone(),
            destination: destination.clone(),
        };
        let answer = session.call(call).await?;
        if output.is_json() {
            output.value(&answer)?;
        } else {
            answered(&answer, output)?;
        }
        return Ok(Exit::Done);
    }
    let call = DeliveryList {
        destination,
        event,
        state,
        replay,
        after,
        limit,
    };
    page(&session.call(call).await?, "no delivery fits", output)?;
    Ok(Exit::Done)
}

fn page(found: &DeliveriesPage, nothing: &str, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(found);
    }
    deliveries(&found.deliveries, true, nothing, output)?;
    if let Some(next) = &found.next {
        note(format_args!("there may be more: --after {next}"));
    }
    Ok(())
}

fn answered(answer: &Answer, output: Output) -> Result<(), Failure> {
    let one = &answer.delivery;
    let last = one.last_at.map(|at| whole_seconds(at).to_string());
    let status = one.status.map(|status| status.to_string());
    output.fields(vec![
        ("destination", Cell::toned(&one.destination, Tone::Strong)),
        ("state", state(&one.state)),
        ("last tried", Cell::from(last.unwrap_or_default())),
        ("status", Cell::from(status.unwrap_or_default())),
        ("why", Cell::from(one.note.as_deref().unwrap_or_default())),
    ])?;
    output.line("")?;
    match &answer.answer {
        Some(text) => output.line(set_out(text)),
        None => output.line("no answer is kept of it"),
    }
}

/// Runs `doorward dead-letter …`.
pub(crate) async fn dead_letter(context: &Context, command: DeadLetterCommand) -> Outcome {
    let (session, output) = (Session::open(context).await?, context.output);
    match command {
        DeadLetterCommand::List {
            destination,
            limit,
            after,
        } => {
            let call = DeadList {
                destination,
                after,
                limit,
            };
            let found = session.call(call).await?;
            page(&found, "no dead letters", output)?;
            Ok(match found.deliveries.is_empty() {
                true => Exit::Done,
                false => Exit::Findings,
            })
        }
        DeadLetterCommand::Retry { destination, event } => {
            let call = DeadRetry { destination, event };
            let count = session.call(call).await?;
            counted(count, "retried", "are tried again", output)?;
            Ok(Exit::Done)
        }
        DeadLetterCommand::Discard {
            destination,
            event,
            yes,
        } => {
            let question = match &event {
                Some(event) => format!("Give event {event} up for '{destination}'?"),
                None => format!("Give all dead letters of '{destination}' up?"),
            };
            if !confirm(&question, yes)? {
                note("nothing was done");
                return Ok(Exit::Findings);
            }
            let call = DeadDiscard { destination, event };
            let count = session.call(call).await?;
            counted(count, "discarded", "are given up", output)?;
            Ok(Exit::Done)
        }
    }
}

fn counted(count: u64, name: &str, done: &str, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value(&serde_json::json!({ name: count }));
    }
    output.line(format_args!("{count} dead letters {done}"))
}
