//! A bare loop over the same tables: the most that a store of these could do.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior, params};

use crate::common::{Failure, open, payload, processor};

/// Commits groups of so many events for a while, with the same tables, indexes and durability; gives
/// events a second, and processor time an event in microseconds. Nothing is sealed, nobody is told.
pub(crate) fn measure(file: &Path, group: i64, life: Duration) -> Result<(f64, f64), Failure> {
    // Made by the store itself, so that the tables are the same.
    open(file)?.close();
    let mut connection = Connection::open(file)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "cache_size", -16_000)?;
    let before = processor();
    let until = Instant::now() + life;
    let mut seq = 0_i64;
    while Instant::now() < until {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for _ in 0..group {
            seq += 1;
            // Scattered as a keyed hash is.
            let id = u128::from(seq.unsigned_abs())
                .wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
            tx.prepare_cached(
                "INSERT INTO events (seq, id, source, workspace, type, campaign, subject, event_ms,
                    received_ms, origin, size) VALUES (?1, ?2, 1,
                    '0198f000-0000-7000-8000-000000000001', 'reply_received',
                    '0198f000-0000-7000-8000-00000000000c', ?3, ?1, ?1, 'webhook', 1500)",
            )?
            .execute(params![seq, id.to_be_bytes(), seq % 50_000])?;
            tx.prepare_cached("INSERT INTO bodies (seq, sealed) VALUES (?1, ?2)")?
                .execute(params![seq, payload(seq).as_bytes()])?;
        }
        tx.commit()?;
    }
    let processor_us = (processor() - before) * 1e6 / seq.max(1) as f64;
    Ok((seq as f64 / life.as_secs_f64(), processor_us))
}
