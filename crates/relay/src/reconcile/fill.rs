//! Taking in what Instantly lists as sent and is not here.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use doorward_upstream::Client;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

use super::lookup::is_here;
use super::rows::{Row, rows};
use super::{MISSING_TOLD, Missing, ReconcileError, Reconciled, Span, Subscribed};
use crate::EventStore;
use crate::events::{EventId, NewEvent, Origin, TakeError, Taken};
use crate::intake::{Intake, Of};

/// Most tries that are looked at in one go.
const ROWS_MAX: u64 = 1_000_000;
/// Most events that are on their way into the store at once: they share commits.
const AT_ONCE: usize = 256;
/// Most bytes of a payload.
const BYTES_MAX: usize = 5 * 1024 * 1024;
/// How often a store that has too much to write is asked again, and after how long.
const TRIES: u32 = 20;
const AGAIN: Duration = Duration::from_millis(100);

/// A try without a payload.
struct Bare {
    lead: Option<String>,
    missing: Missing,
}

/// Takes in what Instantly lists for a source within a span and is not here. Each is dedupe'd like one
/// that comes by itself, in the store's own transaction. What it lists without a payload is looked for
/// by lead and time. Tells how far it is after each page.
///
/// # Errors
/// When Instantly can't be asked or nothing can be stored; what was taken in stays.
pub async fn fill(
    store: &Arc<EventStore>,
    client: &Client,
    source: &Subscribed,
    span: Span,
    now_ms: impl Fn() -> i64,
    mut told: impl FnMut(&Reconciled),
) -> Result<Reconciled, ReconcileError> {
    let mut found = Reconciled {
        whole: true,
        ..Reconciled::default()
    };
    let mut intake = Intake::new(store.keys(), BYTES_MAX);
    let of = Of {
        source: source.source,
        workspace: &source.workspace,
    };
    let (mut seen, mut with_payload) = (HashSet::<EventId>::new(), HashSet::<String>::new());
    let mut bare = HashMap::<String, Bare>::new();
    let mut entering = FuturesUnordered::new();
    let mut rows = rows(client, span);
    while let Some(row) = rows.next().await {
        let row: Row = row?;
        if found.tries >= ROWS_MAX {
            found.whole = false;
            break;
        }
        let at_ms = row.at_ms();
        let within = at_ms.is_none_or(|at| (span.from_ms..span.to_ms).contains(&at));
        if row.webhook_url != source.url || !within {
            continue;
        }
        found.tries += 1;
        let Some(payload) = row.payload() else {
            if !with_payload.contains(row.group()) {
                let one = Bare {
                    lead: row.lead_email.clone(),
                    missing: Missing {
                        webhook_event: row.id.clone(),
                        at_ms: at_ms.unwrap_or(span.from_ms),
                    },
                };
                bare.insert(row.group().to_owned(), one);
            }
            continue;
        };
        bare.remove(row.group());
        with_payload.insert(row.group().to_owned());
        let body = Bytes::copy_from_slice(payload.as_bytes());
        let event = intake.event(of, body, now_ms(), Origin::Backfill);
        if seen.insert(event.key.id()) {
            entering.push(take(store, event));
        }
        while entering.len() >= AT_ONCE {
            note(&mut found, entering.next().await)?;
        }
        if found.tries.is_multiple_of(1_000) {
            told(&found);
        }
    }
    while let Some(taken) = entering.next().await {
        note(&mut found, Some(taken))?;
    }
    drop(entering);
    for one in bare.into_values() {
        let here = match &one.lead {
            Some(lead) => is_here(store, &source.workspace, lead, &[], one.missing.at_ms).await?,
            None => false,
        };
        if here {
            found.received += 1;
            continue;
        }
        found.unrecoverable += 1;
        if found.missing.len() < MISSING_TOLD {
            found.missing.push(one.missing);
        }
    }
    told(&found);
    Ok(found)
}

fn note(
    found: &mut Reconciled,
    taken: Option<Result<Taken, TakeError>>,
) -> Result<(), ReconcileError> {
    match taken {
        Some(Ok(Taken::Stored(_))) => found.recovered += 1,
        Some(Ok(Taken::Known(_))) => found.received += 1,
        Some(Err(error)) => return Err(error.into()),
        None => {}
    }
    Ok(())
}

/// Takes an event in; waits where the store has too much to write.
pub(super) async fn take(store: &EventStore, event: NewEvent) -> Result<Taken, TakeError> {
    let mut tries = 1;
    loop {
        match store.take(event.clone()).await {
            Err(TakeError::Busy) if tries < TRIES => tokio::time::sleep(AGAIN).await,
            taken => return taken,
        }
        tries += 1;
    }
}
