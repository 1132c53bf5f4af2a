//! `doorward destination`: where events go.

use std::path::Path;

use doorward_condition::event_schema_text;

use super::confirm::confirm;
use super::{kept_at, whole_seconds};
use crate::admin::{
    DestinationAdd, DestinationAsked, DestinationList, DestinationRemove, DestinationRotate,
    DestinationSet, DestinationShow, DestinationView, RetryAsked, Session, Switch,
};
use crate::cli::{DestinationCommand, DestinationOptions, Retry, SetDestination};
use crate::context::Context;
use crate::duration::Lasting;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, note};

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
            let mut asked = asked(typed.options)?;
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
        DestinationCommand::Schema => return schema(output),
        DestinationCommand::Show { destination } => {
            session.call(DestinationShow { destination }).await?
        }
        DestinationCommand::Set(typed) => session.call(set(*typed)?).await?,
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

fn set(typed: SetDestination) -> Result<DestinationSet, Failure> {
    let mut asked = asked(typed.options)?;
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
    for (none, text) in [
        (typed.no_condition, &mut asked.condition),
        (typed.no_client_cert, &mut asked.client_cert),
        (typed.trust_system, &mut asked.trust),
    ] {
        if none {
            *text = Some(String::new());
        }
    }
    Ok(DestinationSet {
        destination: typed.destination,
        asked,
        switch: None,
    })
}

fn asked(options: DestinationOptions) -> Result<DestinationAsked, Failure> {
    let said = |list: Vec<String>| Some(list).filter(|list| !list.is_empty());
    let condition = options.condition.map(|typed| condition(&typed));
    Ok(DestinationAsked {
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
        condition: condition.transpose()?,
        retry: options.retry.map(|retry| match retry {
            Retry::Usual => RetryAsked::Usual,
            Retry::Waits(waits) => RetryAsked::Waits(waits),
        }),
        client_cert: options.client_cert,
        client_key: options.client_key,
        trust: options.trust,
    })
}

/// The text of a condition: of a file of that name, or what was typed if it can be none.
fn condition(typed: &str) -> Result<String, Failure> {
    if typed.contains('(') && !Path::new(typed).is_file() {
        return Ok(typed.to_owned());
    }
    let text = super::policy::read(typed)?;
    match text.trim().is_empty() {
        true => Err(Failure::usage(format_args!(
            "{typed} is empty; `--no-condition` takes a condition away"
        ))),
        false => Ok(text),
    }
}

/// Prints what a condition may ask for.
pub(super) fn schema(output: Output) -> Outcome {
    output.bytes(event_schema_text().as_bytes())?;
    Ok(Exit::Done)
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
    let place = |reference: &String| kept_at(reference, context);
    let shown = one.client_cert.iter().chain(&one.client_key);
    let shows = shown.map(place).collect::<Vec<_>>().join(", ");
    context.output.fields(vec![
        ("destination", Cell::toned(&one.name, Tone::Strong)),
        ("id", Cell::from(&one.id)),
        ("state", state(one)),
        ("why", Cell::from(&one.why)),
        ("address", Cell::from(&one.url)),
        ("events", Cell::from(one.events.join(", "))),
        ("campaigns", Cell::from(one.campaigns.join(", "))),
        ("workspaces", Cell::from(one.workspaces.join(", "))),
        (
            "condition",
            Cell::from(one.condition.as_deref().unwrap_or_default().trim()),
        ),
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
        ("tried again", Cell::from(retried(&one.retry))),
        ("shows", Cell::from(shows)),
        (
            "trusts",
            Cell::from(one.trust.as_ref().map(place).unwrap_or_default()),
        ),
        (
            "signed with",
            Cell::from(secrets.collect::<Vec<_>>().join(", ")),
        ),
        ("added", Cell::from(whole_seconds(one.created_at))),
    ])
}

/// Waits between attempts, for people.
fn retried(waits: &[u64]) -> String {
    let wait = |seconds: &u64| match *seconds {
        hours if hours % 3_600 == 0 => format!("{}h", hours / 3_600),
        minutes if minutes % 60 == 0 => format!("{}m", minutes / 60),
        seconds => format!("{seconds}s"),
    };
    match waits {
        [] => "never".to_owned(),
        waits => waits.iter().map(wait).collect::<Vec<_>>().join(", "),
    }
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
