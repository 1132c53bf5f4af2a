//! `doorward webhook listen`: events, as they come in, on a developer's machine.

use doorward_webhook::{Canonicaliser, Limits, facts};
use secrecy::ExposeSecret;
use serde_json::json;

use super::forward::{Forward, Posted};
use crate::admin::{BodyView, EventView};
use crate::cli::Listen;
use crate::commands::event::{Stream, asked, line, set_out};
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, Tone, clean, note};
use crate::signals::Endings;

/// Runs `doorward webhook listen`.
pub(super) async fn run(context: &Context, typed: Listen) -> Outcome {
    let output = context.output;
    let mut endings = Endings::listen()?;
    let forward = match &typed.forward_to {
        Some(url) => Some(Forward::to(url, typed.timeout.duration()).await?),
        None => None,
    };
    let mut stream = Stream::new(context, asked(typed.filters, None), true, None);
    tokio::select! {
        begun = stream.begin() => begun?,
        () = endings.next() => return Ok(Exit::Done),
    }
    let secret = forward.as_ref().map(|(_, secret)| secret.expose_secret());
    let to = typed.forward_to.as_deref();
    if output.is_json() {
        output.value_line(&json!({ "listening": true, "forward_to": to, "secret": secret }))?;
    } else if let (Some(to), Some(secret)) = (to, secret) {
        output.line(format_args!(
            "listening; events go to {to}, signed with this run's secret:\n  {secret}\n"
        ))?;
    } else {
        output.line("listening\n")?;
    }
    let forward = forward.map(|(forward, _)| forward);
    let (mut events, mut taken) = (0_u64, 0_u64);
    let work = async {
        loop {
            for event in stream.next().await? {
                events += 1;
                let posted = tell(&event, forward.as_ref(), typed.print, output).await?;
                taken += u64::from(posted.is_some_and(|posted| posted.is_taken()));
            }
        }
    };
    let ended: Result<(), Failure> = tokio::select! {
        ended = work => ended,
        () = endings.next() => Ok(()),
    };
    ended?;
    if !output.is_json() {
        match forward {
            Some(_) => note(format_args!("{events} events, {taken} of them taken")),
            None => note(format_args!("{events} events")),
        }
    }
    Ok(Exit::Done)
}

/// Shows an event, and posts it where that is asked for and can be.
async fn tell(
    event: &EventView,
    forward: Option<&Forward>,
    print: bool,
    output: Output,
) -> Result<Option<Posted>, Failure> {
    let (text, gone) = match &event.body {
        Some(BodyView::Text(text)) => (Some(text.as_str()), None),
        Some(BodyView::Base64(_)) => (None, Some("its payload is no text")),
        Some(BodyView::Gone(why)) => (None, Some(why.as_str())),
        None => (None, Some("its payload is not there any more")),
    };
    // What is in quarantine goes to no destination either.
    let why_not = match &event.quarantined {
        Some(_) => Some("it is in quarantine"),
        None => gone,
    };
    let posted = match (forward, text, why_not) {
        (Some(forward), Some(text), None) => Some(forward.post(&event.id, text).await),
        _ => None,
    };
    if output.is_json() {
        let not_forwarded = why_not.filter(|_| forward.is_some());
        let told = json!({ "event": event, "forwarded": posted, "not_forwarded": not_forwarded });
        output.value_line(&told)?;
        return Ok(posted);
    }
    let lead = text.and_then(lead_of).unwrap_or_default();
    output.line(line(event, &lead, output))?;
    match (&posted, why_not) {
        (Some(posted), _) => output.line(outcome(posted, output))?,
        (None, Some(why)) if forward.is_some() => output.line(format_args!(
            "  {}",
            output.paint(Tone::Careful, format_args!("not forwarded: {}", clean(why)))
        ))?,
        _ => {}
    }
    if print {
        match (text, gone) {
            (Some(text), _) => output.line(format_args!("{}\n", set_out(text)))?,
            (None, why) => note(clean(why.unwrap_or_default())),
        }
    }
    Ok(posted)
}

fn outcome(posted: &Posted, output: Output) -> String {
    let said = posted.note.as_deref().map(clean).unwrap_or_default();
    let (tone, status) = match posted.status {
        Some(status) if posted.is_taken() => (Tone::Good, status.to_string()),
        Some(status) => (Tone::Bad, status.to_string()),
        None => (Tone::Bad, "no answer".to_owned()),
    };
    let line = format!(
        "  -> {} in {:.0} ms  {said}",
        output.paint(tone, status),
        posted.millis
    );
    line.trim_end().to_owned()
}

/// Whom an event is about.
fn lead_of(payload: &str) -> Option<String> {
    let mut canonicaliser = Canonicaliser::default();
    let canonical = canonicaliser.run(payload.as_bytes(), &Limits::default());
    facts(canonical.ok()?).ok()?.lead
}
