//! `doorward status`: what runs, and how it is doing.

use crate::admin::{Beyond, Session, Status};
use crate::context::Context;
use crate::exit::{Exit, Outcome};
use crate::health::{Health, OwedKey, PaceHealth, PaceWindow};
use crate::output::{Cell, Output, Tone};

/// A key that is to be dead and where so many tries failed needs somebody.
const OWED_FROM: u32 = 3;

/// Runs `doorward status`.
pub(crate) async fn run(context: &Context) -> Outcome {
    let output = context.output;
    let Some(session) = Session::running(context).await? else {
        if output.is_json() {
            output.value(&serde_json::json!({ "running": false }))?;
        } else {
            output.line(format_args!(
                "no server runs on {}; start one with `doorward serve` or `doorward up`",
                context.data_dir.path().display()
            ))?;
        }
        return Ok(Exit::Findings);
    };
    let status = session.call(Status {}).await?;
    let troubled = status.health.as_ref().is_some_and(is_troubled);
    let exit = if troubled { Exit::Findings } else { Exit::Done };
    if output.is_json() {
        output.value(&status)?;
        return Ok(exit);
    }
    output.fields(vec![
        ("version", Cell::from(&status.version)),
        ("process", Cell::from(status.pid)),
        (
            "gateway",
            Cell::toned(
                status.gateway_url.as_deref().unwrap_or("none"),
                Tone::Strong,
            ),
        ),
    ])?;
    if let Some(health) = &status.health {
        show(output, health)?;
    }
    show_beyond(output, &status.beyond)?;
    Ok(exit)
}

/// Whether somebody should look.
fn is_troubled(health: &Health) -> bool {
    let ledger = &health.ledger;
    ledger.halted.is_some()
        || ledger.unsigned.is_some()
        || ledger.lost > 0
        || health
            .sinks
            .iter()
            .any(|sink| !sink.running || sink.trouble.is_some())
        || health
            .witnesses
            .iter()
            .any(|witness| witness.refusal.is_some())
        || health.instantly.around > 0
        || health.owed.iter().any(|owed| owed.tries >= OWED_FROM)
        || health
            .alerts
            .channels
            .iter()
            .any(|channel| channel.trouble.is_some())
}

fn show(output: Output, health: &Health) -> Result<(), crate::exit::Failure> {
    let ledger = &health.ledger;
    let good = |why: &Option<String>| match why {
        Some(why) => Cell::toned(why, Tone::Bad),
        None => Cell::toned("well", Tone::Good),
    };
    output.fields(vec![
        (
            "ledger",
            Cell::from(format_args!(
                "{} leaves, {} signed, {} waiting",
                ledger.leaves, ledger.signed, ledger.waiting
            )),
        ),
        ("recording", good(&ledger.halted)),
        ("signing", good(&ledger.unsigned)),
        (
            "instantly",
            Cell::from(format_args!(
                "read {} times, {} failed; {} acts around Doorward, {} calls without a trace, {} \
                 changes of keys and members",
                health.instantly.rounds,
                health.instantly.failures,
                health.instantly.around,
                health.instantly.missing,
                health.instantly.changes
            )),
        ),
    ])?;
    for told in &health.instantly.told {
        output.line(output.paint(Tone::Careful, format_args!("  {told}")))?;
    }
    show_pace(output, &health.pace)?;
    show_owed(output, &health.owed)?;
    if !health.sinks.is_empty() {
        let rows = health.sinks.iter().map(|sink| {
            vec![
                Cell::toned(&sink.name, Tone::Strong),
                Cell::from(&sink.kind),
                Cell::from(sink.lag),
                Cell::from(sink.sent),
                Cell::from(sink.failures),
                good(&sink.trouble),
            ]
        });
        let head = ["sink", "kind", "behind", "sent", "failed", "state"];
        output.table(&head, rows.collect(), "")?;
    }
    if !health.alerts.channels.is_empty() {
        let rows = health.alerts.channels.iter().map(|channel| {
            vec![
                Cell::toned(&channel.name, Tone::Strong),
                Cell::from(&channel.kind),
                Cell::from(channel.sent),
                Cell::from(channel.failures),
                Cell::from(channel.given_up),
                good(&channel.trouble),
            ]
        });
        let head = ["alerts to", "kind", "sent", "failed", "given up", "state"];
        output.table(&head, rows.collect(), "")?;
    }
    if !health.witnesses.is_empty() {
        let rows = health.witnesses.iter().map(|witness| {
            vec![
                Cell::toned(&witness.name, Tone::Strong),
                Cell::from(witness.lag),
                Cell::from(witness.failures),
                good(&witness.refusal.clone().or_else(|| witness.trouble.clone())),
            ]
        });
        let head = ["witness", "behind", "failed", "state"];
        output.table(&head, rows.collect(), "")?;
    }
    Ok(())
}

/// How much of each workspace's budget is used.
fn show_pace(output: Output, pace: &PaceHealth) -> Result<(), crate::exit::Failure> {
    if pace.workspaces.is_empty() {
        return Ok(());
    }
    let used = |window: &PaceWindow| format!("{} of {}", window.used, window.budget);
    let rows = pace.workspaces.iter().map(|each| {
        let state = match (each.shut_ms, each.percent) {
            (0, 100..) => Cell::toned("whole", Tone::Good),
            (0, percent) => Cell::toned(format!("{percent} % after a 429"), Tone::Careful),
            (millis, _) => {
                let seconds = millis.div_ceil(1_000);
                Cell::toned(format!("shut for {seconds} s by a 429"), Tone::Bad)
            }
        };
        vec![
            Cell::toned(&each.workspace, Tone::Strong),
            Cell::from(used(&each.second)),
            Cell::from(used(&each.minute)),
            Cell::from(each.waiting),
            state,
        ]
    });
    let head = ["pace of", "last second", "last minute", "waiting", "budget"];
    output.table(&head, rows.collect(), "")
}

/// Which keys are to be dead and are not yet.
fn show_owed(output: Output, owed: &[OwedKey]) -> Result<(), crate::exit::Failure> {
    if owed.is_empty() {
        return Ok(());
    }
    let rows = owed.iter().map(|each| {
        let tone = match each.tries {
            OWED_FROM.. => Tone::Bad,
            _ => Tone::Careful,
        };
        vec![
            Cell::toned(each.api_key_id.as_deref().unwrap_or_default(), Tone::Strong),
            Cell::from(&each.workspace),
            Cell::from(format_args!("{} {}", each.by.as_str(), each.id)),
            Cell::toned(&each.step, tone),
            Cell::from(each.tries),
            Cell::from(super::whole_seconds(each.since)),
            Cell::from(each.trouble.as_deref().unwrap_or_default()),
        ]
    });
    let head = [
        "key not dead yet",
        "workspace",
        "by",
        "step",
        "failed",
        "since",
        "trouble",
    ];
    output.table(&head, rows.collect(), "")
}

/// Who is granted more than usual, and until when.
fn show_beyond(output: Output, beyond: &[Beyond]) -> Result<(), crate::exit::Failure> {
    if beyond.is_empty() {
        return Ok(());
    }
    let rows = beyond.iter().map(|each| {
        let tone = match each.why.as_str() {
            "break_glass" => Tone::Bad,
            _ => Tone::Careful,
        };
        vec![
            Cell::toned(&each.client, Tone::Strong),
            Cell::from(&each.workspace),
            Cell::from(&each.environment),
            Cell::toned(each.why.replace('_', "-"), tone),
            Cell::from(super::whole_seconds(each.until)),
            Cell::from(each.reason.as_deref().unwrap_or_default()),
        ]
    });
    let head = [
        "beyond its grant",
        "workspace",
        "environment",
        "by",
        "until",
        "reason",
    ];
    output.table(&head, rows.collect(), "")
}
