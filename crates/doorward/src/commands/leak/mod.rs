//! `doorward leak respond`: the answer to a leaked key, step by step.

mod entered;
mod follow;
mod report;
mod stop;

use doorward_catalog::wire::SecretText;
use serde_json::json;

use self::follow::{Dead, follow};
use self::stop::{stop, stop_bare};
use super::confirm::confirm;
use crate::admin::{LeakClose, LeakDeeds, LeakFind, Leaked, Session, Stopped, now};
use crate::cli::{LeakCommand, RespondLeak};
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::leak::{
    Deeds, Found, Incident, LeakedUpstream, Moment, Subject, Through, Way, next_steps, radius,
};
use crate::output::{Output, note};

/// Runs `doorward leak …`.
pub(crate) async fn run(context: &Context, command: LeakCommand) -> Outcome {
    match command {
        LeakCommand::Respond(said) => respond(context, said).await,
    }
}

/// What is asked with each request: the value, or the id.
struct Asked {
    value: Option<SecretText>,
    id: Option<String>,
    api_key_id: Option<String>,
    workspace: Option<String>,
}

impl Asked {
    fn leaked(&self) -> Leaked {
        let value = self.value.as_ref();
        Leaked {
            value: value.map(|value| SecretText::new(value.expose_secret().to_owned())),
            id: self.id.clone(),
            api_key_id: self.api_key_id.clone(),
            workspace: self.workspace.clone(),
        }
    }
}

async fn respond(context: &Context, said: RespondLeak) -> Outcome {
    let asked = match said.key.as_str() {
        "-" => Asked {
            value: Some(entered::take()?),
            id: None,
            api_key_id: said.id.clone(),
            workspace: said.workspace.clone(),
        },
        id => Asked {
            value: None,
            id: Some(id.to_owned()),
            api_key_id: said.id.clone(),
            workspace: said.workspace.clone(),
        },
    };
    answer(context, asked, said).await
}

/// Answers the leak of a key that was found elsewhere: as if its value had been piped in.
///
/// # Errors
/// As `doorward leak respond`.
pub(in crate::commands) async fn respond_to(
    context: &Context,
    value: SecretText,
    said: RespondLeak,
) -> Outcome {
    let asked = Asked {
        value: Some(value),
        id: None,
        api_key_id: said.id.clone(),
        workspace: said.workspace.clone(),
    };
    answer(context, asked, said).await
}

async fn answer(context: &Context, asked: Asked, said: RespondLeak) -> Outcome {
    let output = context.output;
    let mut timeline = Timeline::new(output);
    let folder = report::Folder::ready(said.report.as_deref())?;
    let session = Session::open(context).await?;
    let key = asked.leaked();
    let found = session.call(LeakFind { key }).await?;
    timeline.add(format!("it is {}", found.title()));
    show(&found, output);
    let question = format!("{} {}", plan(&found), "Do it?");
    if !confirm(&question, said.yes)? {
        return Err(Failure::usage("nothing was done"));
    }
    let mut stopped = stop(&session, &asked, &said, &mut timeline).await?;
    // Before anything else can fail: it is shown this once.
    if let Some(issued) = stopped.reissued.as_ref().filter(|_| !output.is_json()) {
        output.line(issued.key.expose_secret())?;
    }
    let wait = said.wait.duration();
    let mut dead = follow(&session, &asked, &stopped, wait, &mut timeline).await;
    // A successor that did not come about must not keep it alive.
    let bare = stopped.revocation.is_some();
    if stopped.rotation.is_some() && !bare && !dead.is_dead && dead.revoked_at.is_none() {
        let why = dead.note.clone().unwrap_or_default();
        if stop_bare(&session, &said, &mut stopped, &why, &mut timeline).await? {
            dead = follow(&session, &asked, &stopped, wait, &mut timeline).await;
        }
    }
    let deeds = LeakDeeds {
        found: stopped.found.clone(),
        since: said.since.0,
    };
    // That what it did can't be told does not keep the rest from being told.
    let deeds = session.call(deeds).await.unwrap_or_else(|error| Deeds {
        since: said.since.0,
        until: now(),
        through: Through::default(),
        around: None,
        unknown: vec![format!("what it did: that could not be gathered ({error})")],
    });
    let incident = incident(&stopped, dead, deeds, timeline);
    let closing = LeakClose {
        incident: incident.id.clone(),
        found: stopped.found.clone(),
        dead: incident.dead,
        proof: incident.proof,
        millis_to_401: incident.millis_to_401,
        rotation: incident.rotation.clone(),
    };
    // The report is written whatever becomes of the record of it.
    let closed = session.call(closing).await;
    let (markdown, as_json) = folder.write(&incident)?;
    closed?;
    if output.is_json() {
        let reissued = stopped.reissued.as_ref();
        output.value(&json!({
            "incident": incident,
            "report": {"markdown": markdown, "json": as_json},
            "reissued": reissued,
        }))?;
    } else {
        note(format_args!(
            "the report is in {} and {}",
            markdown.display(),
            as_json.display()
        ));
        for (n, step) in incident.next.iter().enumerate() {
            note(format_args!("  {}. {step}", n + 1));
        }
    }
    Ok(match incident.dead {
        true => Exit::Done,
        false => Exit::Findings,
    })
}

/// What happens, told as it does.
pub(super) struct Timeline {
    output: Output,
    moments: Vec<Moment>,
}

impl Timeline {
    fn new(output: Output) -> Self {
        Self {
            output,
            moments: vec![Moment::new(now(), "the answer began")],
        }
    }

    pub(super) fn add(&mut self, what: impl Into<String>) {
        self.at(Moment::new(now(), what));
    }

    pub(super) fn at(&mut self, moment: Moment) {
        if self.output.is_json() {
            note(json!({"at": moment.at, "what": moment.what}));
        } else {
            note(format_args!("{}  {}", moment.at, moment.what));
        }
        self.moments.push(moment);
    }
}

/// All that was found out, for people.
fn show(found: &Found, output: Output) {
    let Found::UpstreamKey(key) = found else {
        return;
    };
    if output.is_json() {
        return;
    }
    let scopes = key.scopes.as_ref().map(|scopes| scopes.join(", "));
    let alive = match key.alive {
        Some(true) => "yes",
        Some(false) => "no",
        None => "not known",
    };
    note(format_args!(
        "  id at Instantly {}; scopes {}; alive: {alive}",
        key.api_key_id.as_deref().unwrap_or("not known"),
        scopes.as_deref().unwrap_or("not known"),
    ));
    for remark in &key.remarks {
        note(format_args!("  {remark}"));
    }
}

/// What will be done.
fn plan(found: &Found) -> String {
    match found {
        Found::ClientKey(key) => format!(
            "{} is revoked: client '{}' is refused from its next call on.",
            found.title(),
            key.client
        ),
        Found::UpstreamKey(key) => match key.way {
            Way::Rotate => format!(
                "A new key takes the place of {}, which is revoked at once: calls under way with it may \
                 fail, and so does whoever holds it outside Doorward.",
                key.title()
            ),
            Way::Revoke => format!(
                "{} is revoked at Instantly: whoever calls under it is cut off.",
                key.title()
            ),
            Way::ByHand => format!(
                "Doorward can't revoke {}: you are told how, and it is tried until it is dead.",
                key.title()
            ),
            Way::Dead => format!(
                "{} is not taken: it is tried until that is proved.",
                key.title()
            ),
        },
    }
}

/// What was done.
fn told(stopped: &Stopped, timeline: &mut Timeline) {
    if let Some(at) = stopped.revoked_at {
        timeline.at(Moment::new(at, "it was revoked"));
    }
    if let Some(rotation) = &stopped.rotation
        && stopped.revoked_at.is_none()
    {
        timeline.add(format!("rotation {rotation} replaces it"));
    }
    if let Some(why) = &stopped.not_replaced {
        timeline.add(format!("nothing can take its place: {why}"));
    }
    if let Some(issued) = &stopped.reissued {
        timeline.add(format!(
            "client key {} was issued in its place",
            issued.record.id
        ));
    }
    if !stopped.by_hand.is_empty() {
        timeline.add("a person has to revoke it, in Instantly's interface");
        for (n, step) in stopped.by_hand.iter().enumerate() {
            match timeline.output.is_json() {
                true => note(json!({"do": step})),
                false => note(format_args!("  {}. {step}", n + 1)),
            }
        }
    }
}

fn incident(stopped: &Stopped, dead: Dead, deeds: Deeds, mut timeline: Timeline) -> Incident {
    let written_at = now();
    timeline.add("the report was written");
    let mut timeline = timeline.moments;
    if let Some(first) = deeds.through.first {
        timeline.push(Moment::new(
            first,
            "first call through Doorward (in the time asked for)",
        ));
    }
    if let Some(last) = deeds.through.last {
        timeline.push(Moment::new(last, "last call through Doorward"));
    }
    if let Some(around) = &deeds.around {
        let ends = [around.records.first(), around.records.last()];
        let words = ["first", "last"];
        for (record, word) in ends.into_iter().zip(words) {
            if let Some(record) = record {
                let what = format!(
                    "{word} act around Doorward: {} from {}",
                    record.activity, record.address
                );
                timeline.push(Moment::new(record.at, what));
            }
        }
    }
    timeline.sort_by_key(|moment| moment.at);
    let began_at = timeline
        .iter()
        .find(|moment| moment.what == "the answer began")
        .map_or(written_at, |moment| moment.at);
    let reach = match &stopped.found {
        Found::UpstreamKey(key) => reach_of(key),
        Found::ClientKey(_) => Vec::new(),
    };
    let found = stopped.found.clone();
    let mut next = next_steps(&found, &deeds, dead.is_dead);
    if let Found::UpstreamKey(key) = &found
        && key.way == Way::Rotate
        && stopped.revoked_at.is_some()
    {
        next.insert(
            0,
            format!(
                "Nothing took its place, and calls that no other key covers fail: make another with \
                 `doorward upstream mint`, or give Doorward one with `doorward workspace add {} \
                 --key-from -`.",
                key.workspace
            ),
        );
    }
    Incident {
        id: report::name(began_at),
        next,
        subject: Subject {
            title: found.title(),
            found,
        },
        began_at,
        written_at,
        revoked_at: dead.revoked_at.or(stopped.revoked_at),
        millis_to_401: dead.millis_to_401,
        dead: dead.is_dead,
        proof: dead.proof,
        proof_note: dead.note,
        rotation: stopped.rotation.clone(),
        reissued: stopped
            .reissued
            .as_ref()
            .map(|issued| issued.record.id.clone()),
        timeline,
        radius: reach,
        deeds,
    }
}

fn reach_of(key: &LeakedUpstream) -> Vec<crate::leak::Reach> {
    let scopes = key.scopes.as_deref().unwrap_or_default();
    radius(crate::admin::known_scopes(scopes))
}
