//! Sources for people.

use crate::admin::{SourceView, Tested, There, WebhookReconciled, WebhooksOf};
use crate::commands::{kept_at, whole_seconds};
use crate::context::Context;
use crate::exit::Failure;
use crate::output::{Cell, Output, Tone, note};

/// Whether nothing has to be done about a source, as far as is known.
pub(super) fn is_sound(source: &SourceView) -> bool {
    let there = source.there.as_ref();
    source.state == "active"
        && source.not_asked.is_none()
        && there.is_none_or(|there| {
            !there.disabled && there.leads_here && there.secret_fits != Some(false)
        })
}

/// Sources by workspace.
pub(super) fn list(found: &[WebhooksOf], context: &Context) -> Result<(), Failure> {
    let output = context.output;
    for (n, of) in found.iter().enumerate() {
        if n > 0 {
            output.line("")?;
        }
        output.line(output.paint(Tone::Strong, &of.workspace))?;
        let row = |source: &SourceView| {
            vec![
                Cell::toned(&source.name, Tone::Strong),
                state(source),
                Cell::from(source.event.as_deref().unwrap_or("no subscription")),
                Cell::from(&source.proof),
                Cell::from(&source.url),
            ]
        };
        output.table(
            &["source", "state", "event", "proof", "address"],
            of.sources.iter().map(row).collect(),
            "no sources; `doorward webhook create NAME --event TYPE` makes one",
        )?;
        let row = |there: &There| {
            let guard = match there.has_headers {
                true => Cell::from("a header"),
                false => Cell::toned("none", Tone::Bad),
            };
            let state = match there.disabled {
                true => Cell::toned("switched off", Tone::Bad),
                false => Cell::toned("active", Tone::Good),
            };
            vec![
                Cell::from(&there.id),
                state,
                Cell::from(there.event.as_deref().unwrap_or("a custom label")),
                guard,
                Cell::from(&there.url),
            ]
        };
        if !of.elsewhere.is_empty() {
            output.line("")?;
            output.line("subscriptions that lead elsewhere:")?;
            output.table(
                &["id", "state", "event", "secret", "address"],
                of.elsewhere.iter().map(row).collect(),
                "",
            )?;
        }
        if let Some(why) = &of.not_asked {
            note(format_args!("Instantly was not asked: {why}"));
        }
    }
    if found.is_empty() {
        output.line("there are no workspaces; add one with `doorward workspace add NAME`")?;
    }
    Ok(())
}

fn state(source: &SourceView) -> Cell {
    if source.state != "active" {
        return Cell::toned(&source.state, Tone::Careful);
    }
    if source.not_asked.is_some() {
        return Cell::toned("not there any more", Tone::Bad);
    }
    match &source.there {
        Some(there) if there.disabled => Cell::toned("switched off at Instantly", Tone::Bad),
        Some(there) if !there.leads_here => Cell::toned("leads elsewhere", Tone::Bad),
        Some(there) if there.secret_fits == Some(false) => {
            Cell::toned("sends another secret", Tone::Bad)
        }
        _ => Cell::toned("active", Tone::Good),
    }
}

/// One source.
pub(super) fn show(source: &SourceView, context: &Context) -> Result<(), Failure> {
    let also = source.also.iter();
    let proofs = [&source.proof].into_iter();
    let proofs: Vec<&str> = proofs
        .chain(also.clone().map(|one| &one.proof))
        .map(String::as_str)
        .collect();
    let secrets = source
        .secrets
        .iter()
        .chain(also.flat_map(|one| &one.secrets));
    let secrets = secrets.map(|secret| {
        let place = kept_at(&secret.reference, context);
        let used = match secret.last_used {
            Some(used) => format!("used {}", whole_seconds(used)),
            None => "not used yet".to_owned(),
        };
        match secret.until {
            Some(until) => format!("{place} ({used}, taken until {})", whole_seconds(until)),
            None => format!("{place} ({used})"),
        }
    });
    let off = source
        .there
        .as_ref()
        .and_then(|there| there.disabled_at.clone());
    context.output.fields(vec![
        ("source", Cell::toned(&source.name, Tone::Strong)),
        ("id", Cell::from(&source.id)),
        ("workspace", Cell::from(&source.workspace)),
        ("state", state(source)),
        ("why", Cell::from(&source.why)),
        (
            "switched off",
            Cell::toned(off.unwrap_or_default(), Tone::Bad),
        ),
        ("address", Cell::from(&source.url)),
        (
            "event",
            Cell::from(source.event.as_deref().unwrap_or_default()),
        ),
        (
            "campaign",
            Cell::from(source.campaign.as_deref().unwrap_or_default()),
        ),
        (
            "subscription",
            Cell::from(source.subscription.as_deref().unwrap_or("none")),
        ),
        ("proof", Cell::from(proofs.join(" and "))),
        (
            "secret at",
            Cell::from(secrets.collect::<Vec<_>>().join(", ")),
        ),
        ("from", Cell::from(source.allow.join(", "))),
        ("made", Cell::from(whole_seconds(source.created_at))),
        (
            "instantly",
            Cell::toned(
                source.not_asked.as_deref().unwrap_or_default(),
                Tone::Careful,
            ),
        ),
    ])
}

/// What was fetched back.
pub(super) fn reconciled(done: &[WebhookReconciled], output: Output) -> Result<(), Failure> {
    let row = |one: &WebhookReconciled| {
        let name = Cell::toned(&one.source, Tone::Strong);
        let Some(found) = &one.found else {
            let why = one.failed.as_deref().unwrap_or_default();
            return vec![name, Cell::toned(why, Tone::Bad)];
        };
        let tone = match found.unrecoverable {
            0 => Tone::Good,
            _ => Tone::Bad,
        };
        vec![
            name,
            Cell::from(found.received),
            Cell::from(found.recovered),
            Cell::from(found.reconstructed),
            Cell::toned(found.unrecoverable, tone),
            Cell::toned(
                if found.whole {
                    ""
                } else {
                    "not everything was looked at"
                },
                Tone::Careful,
            ),
        ]
    };
    output.table(
        &[
            "source",
            "received",
            "recovered",
            "reconstructed",
            "unrecoverable",
            "",
        ],
        done.iter().map(row).collect(),
        "no source has a subscription",
    )?;
    for missing in done
        .iter()
        .filter_map(|one| one.found.as_ref())
        .flat_map(|found| &found.missing)
    {
        let at = doorward_policy::Timestamp::from_millis(missing.at_ms);
        note(format_args!(
            "can't be fetched back: webhook event {} of {}",
            missing.webhook_event,
            whole_seconds(at)
        ));
    }
    Ok(())
}

/// What came of a test.
pub(super) fn tested(tested: &Tested, output: Output) -> Result<(), Failure> {
    let after = tested.millis.map(|millis| format!(" after {millis:.0} ms"));
    let after = after.unwrap_or_default();
    let status = tested
        .status
        .map(|status| format!(" with {status}"))
        .unwrap_or_default();
    if tested.success {
        let text = format!("the test event arrived{after}");
        return output.line(output.paint(Tone::Good, text));
    }
    let why = tested
        .error
        .as_deref()
        .map(|why| format!(": {why}"))
        .unwrap_or_default();
    let text = format!("the test event was not taken{status}{after}{why}");
    output.line(output.paint(Tone::Bad, text))
}
