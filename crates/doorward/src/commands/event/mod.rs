//! `doorward events`: what came in.

mod list;
mod show;
mod stream;
mod tail;

use crate::admin::{
    DestinationShow, EventList, EventRelease, EventSearch, EventShow, EventsAsked, ReplayStart,
    Session,
};
use crate::cli::{EventFilters, EventTimes, EventsCommand};
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, note};

pub(super) use self::list::{line, size};
pub(super) use self::show::{deliveries, set_out, state};
pub(super) use self::stream::Stream;

/// Runs `doorward events …`.
pub(crate) async fn run(context: &Context, command: EventsCommand) -> Outcome {
    let output = context.output;
    let session = Session::open(context).await?;
    match command {
        EventsCommand::List(typed) => {
            let call = EventList {
                asked: asked(typed.filters, Some(typed.times)),
                oldest_first: typed.oldest_first,
                after: typed.after,
                limit: typed.limit,
            };
            let page = session.call(call).await?;
            list::page(&page, "no event fits", output)?;
        }
        EventsCommand::Search(typed) => {
            let call = EventSearch {
                text: typed.text,
                asked: asked(typed.filters, Some(typed.times)),
                after: typed.after,
                limit: typed.limit,
            };
            let page = session.call(call).await?;
            let nothing = match page.next {
                Some(_) => "no event has it so far",
                None => "no event has it",
            };
            list::page(&page, nothing, output)?;
        }
        EventsCommand::Show { event, body } => {
            let shown = session.call(EventShow { id: event, body }).await?;
            if output.is_json() {
                output.value(&shown)?;
            } else {
                show::show(&shown, output)?;
            }
        }
        EventsCommand::Release { event, to } => release(&session, event, to, output).await?,
        EventsCommand::Tail(typed) => return tail::run(context, session, typed).await,
    }
    Ok(Exit::Done)
}

/// Most events a second of a replay of one.
const RATE: u32 = 50;

async fn release(
    session: &Session,
    event: String,
    to: Vec<String>,
    output: Output,
) -> Result<(), Failure> {
    // A destination that is not there is told before anything is done.
    for destination in &to {
        let destination = destination.clone();
        session.call(DestinationShow { destination }).await?;
    }
    let released = session.call(EventRelease { id: event }).await?;
    let mut replays = Vec::new();
    for destination in to {
        let replay = ReplayStart {
            destination,
            event: Some(released.event.id.clone()),
            types: Vec::new(),
            campaigns: Vec::new(),
            workspaces: Vec::new(),
            since: None,
            until: None,
            rate: RATE,
            dry_run: false,
        };
        replays.extend(session.call(replay).await?.replay);
    }
    if output.is_json() {
        let mut value = serde_json::to_value(&released).map_err(Failure::failed)?;
        if let Some(told) = value.as_object_mut() {
            let replays = serde_json::to_value(&replays).map_err(Failure::failed)?;
            told.insert("replays".to_owned(), replays);
        }
        return output.value(&value);
    }
    let (id, was) = (&released.event.id, &released.was);
    output.line(format_args!(
        "{id} is out of quarantine, where it was for: {was}"
    ))?;
    for replay in &replays {
        output.line(format_args!(
            "it is delivered to {}: replay {}",
            replay.destination, replay.id
        ))?;
    }
    if replays.is_empty() {
        note(format_args!(
            "it is delivered by: doorward replay {id} --to NAME"
        ));
    }
    Ok(())
}

/// What is asked, as it was typed.
pub(super) fn asked(filters: EventFilters, times: Option<EventTimes>) -> EventsAsked {
    let EventFilters {
        types,
        campaign,
        source,
        workspace,
        lead,
        origin,
        quarantined,
    } = filters;
    let (since, until) = times.map_or((None, None), |times| (times.since, times.until));
    EventsAsked {
        types,
        campaign,
        source,
        workspace,
        lead,
        since: since.map(|moment| moment.0),
        until: until.map(|moment| moment.0),
        origin,
        quarantined,
    }
}
