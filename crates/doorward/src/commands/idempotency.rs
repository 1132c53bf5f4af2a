//! `doorward idempotency`: writes under idempotency keys, and what became of them.

use super::whole_seconds;
use crate::admin::{
    IdempotencyList, IdempotencyRelease, IdempotencyShow, IdempotencyView, Session,
};
use crate::cli::IdempotencyCommand;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone};

/// Runs `doorward idempotency …`.
pub(crate) async fn run(context: &Context, command: IdempotencyCommand) -> Outcome {
    let output = context.output;
    let session = Session::open(context).await?;
    match command {
        IdempotencyCommand::List {
            client,
            unknown,
            within,
        } => {
            let call = IdempotencyList {
                workspace: within.workspace,
                client,
                unknown,
            };
            let records = session.call(call).await?;
            if output.is_json() {
                output.value(&records)?;
            } else {
                table(&records, output)?;
            }
        }
        IdempotencyCommand::Show { id } => {
            let record = session.call(IdempotencyShow { id }).await?;
            if output.is_json() {
                output.value(&record)?;
            } else {
                table(&[record], output)?;
            }
        }
        IdempotencyCommand::Release { id } => {
            let record = session.call(IdempotencyRelease { id }).await?;
            if output.is_json() {
                output.value(&record)?;
            } else {
                output.line(format_args!(
                    "{} is let go of: a call of client '{}' with its key is sent again",
                    record.id, record.client
                ))?;
            }
        }
    }
    Ok(Exit::Done)
}

fn table(records: &[IdempotencyView], output: Output) -> Result<(), Failure> {
    let rows = records.iter().map(|record| {
        let tone = match record.state.as_str() {
            "answered" => Tone::Good,
            "sent" => Tone::Careful,
            _ => Tone::Bad,
        };
        let state = match record.status {
            Some(status) => format!("{} {status}", record.state),
            None => record.state.clone(),
        };
        vec![
            Cell::toned(&record.id, Tone::Strong),
            Cell::from(&record.client),
            Cell::from(&record.operation),
            Cell::toned(&state, tone),
            Cell::from(whole_seconds(record.sent_at)),
            Cell::from(whole_seconds(record.expires_at)),
            Cell::from(&record.request_id),
        ]
    });
    let headings = [
        "record",
        "client",
        "operation",
        "state",
        "sent",
        "forgotten",
        "call",
    ];
    let nothing = "no writes under idempotency keys are remembered";
    output.table(&headings, rows.collect(), nothing)
}
