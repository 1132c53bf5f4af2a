//! `doorward events`: what came in.

mod list;
mod show;
mod stream;
mod tail;

use crate::admin::{EventList, EventSearch, EventShow, EventsAsked, Session};
use crate::cli::{EventFilters, EventTimes, EventsCommand};
use crate::context::Context;
use crate::exit::{Exit, Outcome};

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
        EventsCommand::Tail(typed) => return tail::run(context, session, typed).await,
    }
    Ok(Exit::Done)
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
