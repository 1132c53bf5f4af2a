//! The task of one destination: begins its lane and those of its replays, and begins them again when
//! they break off.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use doorward_webhook::Rate;
use tokio::task::JoinSet;

use super::line::Line;
use super::replay::ReplayFilter;
use super::runner::{Only, Runner, Signals, blocking};
use crate::error::{RelayError, Result};
use crate::store::{Lane, Replay, ReplayState};

/// How long after a lane broke off it is begun again.
const PAUSE: Duration = Duration::from_secs(2);
/// Replays are looked for so often, though nobody says that there are any.
const LOOK: Duration = Duration::from_secs(60);

/// Runs until it is stopped.
pub(super) async fn supervise(line: Arc<Line>, mut signals: Signals) {
    let mut lanes = JoinSet::new();
    let mut running: HashSet<i64> = HashSet::new();
    loop {
        if *signals.stop.borrow_and_update() {
            break;
        }
        signals.look.borrow_and_update();
        if running.insert(0) {
            lanes.spawn(run(Arc::clone(&line), None, signals.clone()));
        }
        let reader = line.shared.store.reader().clone();
        let number = line.destination.number;
        match blocking(move || reader.replays(Some(number), true)).await {
            Ok(replays) => {
                for replay in replays {
                    if running.insert(replay.id) {
                        lanes.spawn(run(Arc::clone(&line), Some(replay), signals.clone()));
                    }
                }
            }
            Err(error) => broke_off(&line, &error),
        }
        tokio::select! {
            Some(ended) = lanes.join_next() => {
                // One that panicked is not known by number: all are looked at again.
                let Ok((number, _)) = ended else {
                    lanes.shutdown().await;
                    running.clear();
                    tokio::time::sleep(PAUSE).await;
                    continue;
                };
                running.remove(&number);
            }
            _ = signals.look.changed() => {}
            _ = signals.stop.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    while lanes.join_next().await.is_some() {}
}

fn broke_off(line: &Line, error: &RelayError) {
    tracing::warn!(
        destination = line.destination.name,
        %error,
        "deliveries broke off; they go on in a moment"
    );
}

/// Runs a lane to its end. Gives the number of the replay.
async fn run(line: Arc<Line>, replay: Option<Replay>, mut signals: Signals) -> (i64, ()) {
    let number = replay.as_ref().map_or(0, |replay| replay.id);
    let outcome = match replay {
        None => live(&line, signals.clone()).await,
        Some(replay) => once_more(&line, replay, signals.clone()).await,
    };
    if let Err(error) = outcome {
        broke_off(&line, &error);
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = signals.stop.changed() => {}
        }
    }
    (number, ())
}

async fn live(line: &Arc<Line>, signals: Signals) -> Result<()> {
    let destination = &line.destination;
    let now_ms = line.shared.options.clock.ms();
    let begun = line
        .shared
        .store
        .begin(destination.number, destination.begin_after, now_ms);
    let cursor = begun.await?;
    let lane = Lane::of(destination.number);
    let runner = Runner::begin(line, lane, cursor, None, signals).await?;
    runner.run().await?;
    Ok(())
}

async fn once_more(line: &Arc<Line>, replay: Replay, mut signals: Signals) -> Result<()> {
    let lane = Lane {
        destination: line.destination.number,
        replay: replay.id,
    };
    let filter: ReplayFilter = serde_json::from_str(&replay.asked.filter)
        .map_err(|error| RelayError::Failed(format!("a replay's filter can't be read: {error}")))?;
    // So many a second, whole ones: at least one.
    let rate = replay.asked.rate.clamp(1.0, 1_000_000.0) as u32;
    let only = Only {
        filter: Arc::new(filter),
        last_seq: replay.asked.last_seq,
        rate: Rate::new(rate, (rate / 10).max(1)),
    };
    let runner = Runner::begin(line, lane, replay.cursor, Some(only), signals.clone()).await?;
    let store = &line.shared.store;
    let cancelled = async {
        loop {
            let reader = store.reader().clone();
            let found = blocking(move || reader.replay(replay.id)).await;
            if found.is_ok_and(|found| found.state != ReplayState::Running) {
                return;
            }
            if signals.look.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    };
    tokio::select! {
        ended = runner.run() => if ended? {
            let now_ms = line.shared.options.clock.ms();
            store.end_replay(replay.id, ReplayState::Done, now_ms).await?;
            line.shared.options.observer.replayed(lane.destination, replay.id);
        },
        // Attempts under way are given up, and those that wait.
        () = cancelled => {}
    }
    Ok(())
}
