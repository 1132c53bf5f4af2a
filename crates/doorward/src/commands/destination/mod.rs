//! `doorward destination`: where events go.

use super::confirm::confirm;
use super::{kept_at, whole_seconds};
use crate::admin::{
    DestinationAdd, DestinationAsked, DestinationList, DestinationRemove, DestinationRotate,
    DestinationSet, DestinationShow, DestinationView, Session, Switch,
};
use crate::cli::{DestinationCommand, DestinationOptions, SetDestination};
use crate::context::Context;
use crate::duration::Lasting;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Tone, note};

/// Runs `doorward destination …`.
pub(crate) async fn run(context: &Context, command: DestinationCommand) -> Outcome {
    let session = Session::open(context).await?;
    let output = context.output;
    let shown = match command {
        DestinationCommand::List => {
            let found = session.call(DestinationList {}).await?;
            if output.is_json() {
                output.value(&found)?;
            } else {
                list(&found, context)?;
            }
            return Ok(Exit::Done);
        }
        DestinationCommand::Remove { destination, yes } => {
            return remove(context, &session, destination, yes).await;
        }
        DestinationCommand::Add(typed) => {
            let mut asked = asked(typed.options);
            asked.url = Some(typed.url);
            let call = DestinationAdd {
                name: typed.name,
                asked,
                secret: typed.secret,
            };
            let added = session.call(call).await?;
            if let Some(secret) = added.secrets.first().filter(|_| !output.is_json()) {
                note(format_args!(
                    "whoever receives verifies with the secret: doorward secret get {} --reveal",
                    kept_at(&secret.reference, context)
                ));
            }
            added
        }
        DestinationCommand::Show { destination } => {
            session.call(DestinationShow { destination }).await?
        }
        DestinationCommand::Set(typed) => session.call(set(typed)).await?,
        DestinationCommand::Pause { destination } => {
            session.call(switched(destination, Switch::Off)).await?
        }
        DestinationCommand::Resume { destination } => {
            session.call(switched(destination, Switch::On)).await?
        }
        DestinationCommand::RotateSecret {
            destination,
            overlap,
            to,
        } => {
            let call = DestinationRotate {
                destination,
                overlap_ms: overlap.0.map_or(0, Lasting::millis),
                to,
            };
            session.call(call).await?
        }
    };
    if output.is_json() {
        output.value(&shown)?;
    } else {
        show(&shown, context)?;
    }
    Ok(Exit::Done)
}

fn switched(destination: String, switch: Switch) -> DestinationSet {
    DestinationSet {
        destination,
        asked: DestinationAsked::default(),
        switch: Some(switch),
    }
}

fn set(typed: SetDestination) -> DestinationSet {
    let mut asked = asked(typed.options);
    asked.url = typed.url;
    for (any, list) in [
        (typed.any_event, &mut asked.events),
        (typed.any_campaign, &mut asked.campaigns),
        (typed.any_workspace, &mut asked.workspaces),
        (typed.no_headers, &mut asked.headers),
    ] {
        if any {
            *list = Some(Vec::new());
        }
    }
    DestinationSet {
        destination: typed.destination,
        asked,
        switch: None,
    }
}

fn asked(options: DestinationOptions) -> DestinationAsked {
    let said = |list: Vec<String>| Some(list).filter(|list| !list.is_empty());
    DestinationAsked {
        url: None,
        events: said(options.event),
        campaigns: said(options.campaign),
        workspaces: said(options.workspace),
        form: options.form,
        headers: said(options.header),
        in_order: options.in_order,
        concurrency: options.concurrency,
        rate: options.rate,
        timeout_ms: options.timeout.map(|time| time.millis().unsigned_abs()),
    }
}

fn list(found: &[DestinationView], context: &Context) -> Result<(), Failure> {
    let row = |one: &DestinationView| {
        let events = match one.events.is_empty() {
            true => "all".to_owned(),
            false => one.events.join(", "),
        };
        vec![
            Cell::toned(&one.name, Tone::Strong),
            state(one),
            Cell::from(events),
            Cell::from(&one.url),
        ]
    };
    context.output.table(
        &["destination", "state", "events", "address"],
        found.iter().map(row).collect(),
        "no destinations; `doorward destination add NAME --url URL` adds one. Events are kept meanwhile",
    )
}

fn state(one: &DestinationView) -> Cell {
    let tone = match one.state.as_str() {
        "active" => Tone::Good,
        "paused" => Tone::Careful,
        _ => Tone::Bad,
    };
    Cell::toned(&one.state, tone)
}

fn show(one: &DestinationView, context: &Context) -> Result<(), Failure> {
    let headers = one.headers.iter();
    let headers: Vec<String> = headers
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let secrets = one.secrets.iter().map(|secret| {
        let place = kept_at(&secret.reference, context);
        match secret.until {
            Some(until) => format!("{place} (used until {})", whole_seconds(until)),
            None => place,
        }
    });
    let rate = one.rate.map(|rate| format!("{rate} a second"));
    context.output.fields(vec![
        ("destination", Cell::toned(&one.name, Tone::Strong)),
        ("id", Cell::from(&one.id)),
        ("state", state(one)),
        ("why", Cell::from(&one.why)),
        ("address", Cell::from(&one.url)),
        ("events", Cell::from(one.events.join(", "))),
        ("campaigns", Cell::from(one.campaigns.join(", "))),
        ("workspaces", Cell::from(one.workspaces.join(", "))),
        ("form", Cell::from(&one.form)),
        ("headers", Cell::from(headers.join(", "))),
        (
            "in order",
            Cell::from(if one.in_order { "by lead" } else { "" }),
        ),
        ("at once", Cell::from(one.concurrency)),
        ("rate", Cell::from(rate.unwrap_or_default())),
        (
            "answers within",
            Cell::from(format_args!("{} ms", one.timeout_ms)),
        ),
        (
            "signed with",
            Cell::from(secrets.collect::<Vec<_>>().join(", ")),
        ),
        ("added", Cell::from(whole_seconds(one.created_at))),
    ])
}

async fn remove(context: &Context, session: &Session, destination: String, yes: bool) -> Outcome {
    let output = context.output;
    let there = session.call(DestinationShow { destination }).await?;
    let question = format!(
        "Remove the destination '{}' ({})? What it is owed is not delivered any more.",
        there.name, there.url
    );
    if !confirm(&question, yes)? {
        note("nothing was done");
        return Ok(Exit::Findings);
    }
    let call = DestinationRemove {
        destination: there.id,
    };
    let gone = session.call(call).await?;
    if output.is_json() {
        output.value(&gone)?;
    } else {
        output.line(format_args!("destination '{}' is removed", gone.name))?;
    }
    Ok(Exit::Done)
}
