//! `doorward audit tail`.

use std::time::Duration;

use doorward_ledger::log::{LogError, Reader, Record};

use super::folder::{Folder, entry};
use super::line::line;
use super::which::{Asking, Which};
use crate::cli::Tail;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, note};

/// How long news is waited for at a time.
const WAIT: Duration = Duration::from_secs(10);
/// Pause before a folder that could not be read is read again.
const PAUSE: Duration = Duration::from_millis(500);

/// Runs `doorward audit tail`.
pub(super) async fn run(context: &Context, tail: &Tail) -> Outcome {
    let output = context.output;
    let folder = Folder::of(context)?;
    let which = {
        // Given back before following: others may need the state.
        let mut asking = Asking::new(context);
        Which::of(&mut asking, &tail.filters).await?
    };
    let reader = folder.reader()?;
    let next = reader.size();
    for record in which.newest(&reader, tail.lines)? {
        tell(&record, output)?;
    }
    if which.is_nobody() {
        note("nobody of that name is in the ledger");
    } else if tail.follow {
        follow(&reader, &which, next, output)?;
    }
    Ok(Exit::Done)
}

/// Tells what comes, from `next` on, until writing fails or the process is ended.
fn follow(reader: &Reader, which: &Which, mut next: u64, output: Output) -> Result<(), Failure> {
    loop {
        let mut cursor = match reader.from(next) {
            Err(LogError::Pruned { minimum, .. }) => {
                next = minimum;
                continue;
            }
            cursor => cursor.map_err(Failure::failed)?,
        };
        loop {
            match cursor.follow(WAIT) {
                Ok(Some(record)) => {
                    next = record.sequence + 1;
                    if which.fits(&record) {
                        tell(&record, output)?;
                    }
                }
                Ok(None) => {}
                Err(LogError::Pruned { .. }) => break,
                Err(error) => {
                    // A server that starts cuts off what a crash tore.
                    tracing::debug!(%error, "the ledger is read again");
                    std::thread::sleep(PAUSE);
                    break;
                }
            }
        }
    }
}

fn tell(record: &Record, output: Output) -> Result<(), Failure> {
    let entry = entry(record)?;
    if output.is_json() {
        output.value_line(&entry)
    } else {
        output.line(line(&entry, output))
    }
}
