//! `doorward secret check`.

use super::{used, which};
use crate::admin::{SecretCheck, SecretChecked, SecretUse, Session, now};
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Tone};

/// Runs it.
pub(super) async fn run(context: &Context, named: &[String]) -> Outcome {
    let named = named.iter().map(|typed| {
        Ok(SecretUse {
            reference: which(context, typed)?.to_string(),
            by: "asked for".to_owned(),
            read: true,
        })
    });
    let named = named.collect::<Result<Vec<_>, Failure>>()?;
    let all = named.is_empty();
    let call = SecretCheck {
        used: if all { used(context) } else { named },
        all,
    };
    let session = Session::open(context).await?;
    let checked = session.call(call).await?;
    let faulty = checked.iter().filter(|one| !one.ok).count();
    let output = context.output;
    if output.is_json() {
        output.value(&checked)?;
    } else {
        let head = ["secret", "used by", "state", "age", "who can read it"];
        let rows = checked.iter().map(row).collect();
        output.table(&head, rows, "nothing uses a secret")?;
        for (one, text) in remarks(&checked) {
            output.line(format_args!("{}: {text}", one.reference))?;
        }
    }
    Ok(if faulty == 0 {
        Exit::Done
    } else {
        Exit::Findings
    })
}

fn row(one: &SecretChecked) -> Vec<Cell> {
    let state = match (one.ok, &one.warning) {
        (false, _) => Cell::toned("can't be read", Tone::Bad),
        (true, Some(_)) => Cell::toned("kept badly", Tone::Careful),
        (true, None) => Cell::toned("ok", Tone::Good),
    };
    let unknown = || Cell::toned("unknown", Tone::Quiet);
    vec![
        Cell::from(&one.reference),
        Cell::from(one.used_by.join("\n")),
        state,
        one.changed_at.map_or_else(unknown, |at| {
            let age = age(now().millis().saturating_sub(at.millis()));
            match one.may_be_older {
                true => Cell::from(format_args!("{age} or more")),
                false => Cell::from(age),
            }
        }),
        one.readers.as_ref().map_or_else(unknown, Cell::from),
    ]
}

fn remarks(checked: &[SecretChecked]) -> impl Iterator<Item = (&SecretChecked, &str)> {
    checked.iter().filter_map(|one| {
        let text = one.fault.as_deref().or(one.warning.as_deref())?;
        // An error names what it is about itself.
        let text = text.strip_prefix(one.reference.as_str()).unwrap_or(text);
        Some((one, text.trim_start_matches([':', ' '])))
    })
}

/// A length of time in its largest unit.
fn age(millis: i64) -> String {
    let seconds = millis.max(0) / 1_000;
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}
