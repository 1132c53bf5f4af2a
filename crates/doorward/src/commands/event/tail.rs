//! `doorward events tail`.

use super::stream::Stream;
use super::{asked, line};
use crate::admin::{EventList, EventView, Session};
use crate::cli::TailEvents;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::signals::Endings;

/// Runs `doorward events tail`.
pub(super) async fn run(context: &Context, session: Session, typed: TailEvents) -> Outcome {
    let output = context.output;
    let mut endings = Endings::listen()?;
    let asked = asked(typed.filters, None);
    // What is new since, whatever is asked for.
    let newest = session.call(newest()).await?;
    let newest = newest.events.first().map_or(0, |event| event.seq);
    if typed.lines > 0 {
        let call = EventList {
            asked: asked.clone(),
            oldest_first: false,
            after: None,
            limit: typed.lines,
        };
        let page = session.call(call).await?;
        let known = page.events.iter().filter(|event| event.seq <= newest);
        for event in known.rev() {
            tell(event, output)?;
        }
    }
    // Given back before following: a server that starts needs what is open here.
    drop(session);
    if typed.no_follow {
        return Ok(Exit::Done);
    }
    let mut stream = Stream::new(context, asked, false, Some(newest));
    loop {
        let events = tokio::select! {
            events = stream.next() => events?,
            () = endings.next() => return Ok(Exit::Done),
        };
        for event in &events {
            tell(event, output)?;
        }
    }
}

fn newest() -> EventList {
    EventList {
        asked: Default::default(),
        oldest_first: false,
        after: None,
        limit: 1,
    }
}

fn tell(event: &EventView, output: Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.value_line(event);
    }
    let about = match (&event.source, event.person) {
        (Some(source), Some(person)) => format!("{source} #{person}"),
        (Some(source), None) => source.clone(),
        (None, Some(person)) => format!("#{person}"),
        (None, None) => String::new(),
    };
    output.line(line(event, &about, output))
}
