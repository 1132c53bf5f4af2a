//! `doorward alert`: what people were told, and whether it arrives.

use doorward_alert::Severity;

use super::whole_seconds;
use crate::admin::{AlertList, AlertTest, Session};
use crate::cli::AlertCommand;
use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::output::{Cell, Tone};

/// Runs `doorward alert …`.
pub(crate) async fn run(context: &Context, command: AlertCommand) -> Outcome {
    let session = Session::open(context).await?;
    match command {
        AlertCommand::Test { channel } => test(context, &session, channel).await,
        AlertCommand::List { last } => list(context, &session, last).await,
    }
}

async fn test(context: &Context, session: &Session, channel: Option<String>) -> Outcome {
    let output = context.output;
    let tried = session.call(AlertTest { channel }).await?;
    if output.is_json() {
        output.value(&tried)?;
    } else {
        let rows = tried.iter().map(|one| {
            let tone = if one.arrived { Tone::Good } else { Tone::Bad };
            vec![
                Cell::toned(&one.channel, Tone::Strong),
                Cell::from(&one.kind),
                Cell::toned(if one.arrived { "arrived" } else { "failed" }, tone),
                Cell::from(&one.answer),
            ]
        });
        output.table(&["channel", "kind", "test", "answer"], rows.collect(), "")?;
    }
    let arrived = tried.iter().all(|one| one.arrived);
    Ok(if arrived { Exit::Done } else { Exit::Findings })
}

async fn list(context: &Context, session: &Session, last: usize) -> Outcome {
    let output = context.output;
    let alerts = session.call(AlertList { count: last }).await?;
    if output.is_json() {
        output.value(&alerts)?;
        return Ok(Exit::Done);
    }
    let rows = alerts.iter().map(|one| {
        let alert = &one.told.alert;
        let tone = match alert.severity {
            Severity::Info => Tone::Quiet,
            Severity::Warning => Tone::Careful,
            Severity::High | Severity::Critical => Tone::Bad,
        };
        let channels = if one.channels.is_empty() {
            Cell::toned("none", Tone::Quiet)
        } else {
            Cell::from(one.channels.join(", "))
        };
        vec![
            Cell::from(whole_seconds(alert.at)),
            Cell::toned(alert.severity, tone),
            Cell::from(alert.kind),
            Cell::from(&alert.title),
            Cell::from(one.told.count),
            channels,
        ]
    });
    let head = ["at", "severity", "kind", "alert", "times", "told to"];
    output.table(&head, rows.collect(), "no alert was raised yet")?;
    Ok(Exit::Done)
}
