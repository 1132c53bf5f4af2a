//! `doorward audit erase`.

use doorward_ledger::SubjectId;
use serde_json::json;

use super::folder::Folder;
use super::which::{Asking, holds};
use crate::admin::{AuditErase, AuditEraseMonth, ErasedEvents, EventErase, EventPerson, Whom};
use crate::cli::Erase;
use crate::commands::confirm::confirm;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};

/// Runs `doorward audit erase`.
pub(super) async fn run(context: &Context, erase: Erase) -> Outcome {
    let output = context.output;
    let mut asking = Asking::new(context);
    if let Some(month) = erase.month {
        let question = format!(
            "Erase the key of {month}? Bodies of that month can't be held against the ledger any \
             more."
        );
        if !confirm(&question, erase.yes)? {
            return Err(Failure::failed("nothing was erased"));
        }
        let call = AuditEraseMonth {
            month: month.clone(),
            by: None,
        };
        let placed = asking.session().await?.call(call).await?;
        if output.is_json() {
            output.value(&json!({ "month": month, "seq": placed.seq }))?;
        } else {
            output.line(format_args!(
                "the key of {month} is erased: leaf {}",
                placed.seq
            ))?;
        }
        return Ok(Exit::Done);
    }
    let subjects = match (erase.subject, &erase.person) {
        (Some(subject), _) => vec![subject],
        (None, Some(person)) => {
            let found = asking.person(person).await?;
            found.into_iter().map(|one| one.subject).collect()
        }
        (None, None) => Vec::new(),
    };
    let (leaves, first) = match subjects.is_empty() {
        true => (0, None),
        false => leaves_of(context, &subjects)?,
    };
    // Events are found by the person's address alone, which a leaf may have, sealed.
    let typed = erase.person.map(|person| person.0);
    let typed = typed.filter(|typed| typed.parse::<SubjectId>().is_err());
    let who = match (typed, subjects.as_slice(), first) {
        (Some(address), _, _) => Some(Whom::Address(address)),
        (None, [subject], Some(leaf)) => Some(Whom::Subject(*subject, leaf)),
        _ => None,
    };
    let events = match who.clone() {
        Some(who) => asking.session().await?.call(EventPerson { who }).await?,
        None => 0,
    };
    if subjects.is_empty() && events == 0 {
        return Err(Failure::failed(
            "nobody of that name is in the ledger, and no event is about such a person",
        ));
    }
    if !confirm(&question(&subjects, leaves, events), erase.yes)? {
        return Err(Failure::failed("nothing was erased"));
    }
    // First: should it fail, the name still finds the person in the ledger.
    let mut gone = ErasedEvents::default();
    if let Some(who) = who.filter(|_| events > 0) {
        gone = asking.session().await?.call(EventErase { who }).await?;
        if !output.is_json() {
            output.line(told(gone))?;
        }
    }
    let mut erased = Vec::new();
    for subject in subjects {
        let call = AuditErase { subject, by: None };
        let placed = asking.session().await?.call(call).await?;
        erased.push(json!({ "subject": subject, "seq": placed.seq }));
        if !output.is_json() {
            output.line(format_args!("{subject} is erased: leaf {}", placed.seq))?;
        }
    }
    if output.is_json() {
        output.value(&json!({
            "erased": erased,
            "leaves": leaves,
            "events": gone.events,
            "deliveries_given_up": gone.given_up,
        }))?;
    }
    Ok(Exit::Done)
}

fn question(subjects: &[SubjectId], leaves: u64, events: u64) -> String {
    let names = subjects.iter().map(ToString::to_string);
    let names = names.collect::<Vec<_>>().join(" and ");
    let bodies = format!("The bodies of {events} events about this person are lost.");
    match (subjects.is_empty(), events) {
        (true, _) => format!("Erase this person? {bodies}"),
        (false, 0) => {
            format!("Erase {names}? What {leaves} leaves say of this person is lost.")
        }
        (false, _) => {
            format!("Erase {names}? What {leaves} leaves say of this person is lost. {bodies}")
        }
    }
}

fn told(gone: ErasedEvents) -> String {
    let ErasedEvents { events, given_up } = gone;
    match given_up {
        0 => format!("{events} events about this person open no more"),
        _ => format!(
            "{events} events about this person open no more, and {given_up} deliveries of them are given up"
        ),
    }
}

/// How many leaves speak of a person, and the first that does.
fn leaves_of(context: &Context, subjects: &[SubjectId]) -> Result<(u64, Option<u64>), Failure> {
    let names: Vec<String> = subjects.iter().map(ToString::to_string).collect();
    let reader = Folder::of(context)?.reader()?;
    let mut cursor = reader.from(reader.minimum()).map_err(Failure::failed)?;
    let (mut count, mut first) = (0, None);
    while let Some(record) = cursor.next().map_err(Failure::failed)? {
        if names.iter().any(|name| holds(&record.leaf, name)) {
            count += 1;
            first = first.or(Some(record.sequence));
        }
    }
    Ok((count, first))
}
