//! Durable takes a second, beside the bare loop, in turn on this disk.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Failure, callers, open, runtime};

pub(crate) fn measure(folder: &Path, seconds: u64, rounds: u32) -> Result<Value, Failure> {
    let life = Duration::from_secs(seconds);
    let mut all = serde_json::Map::new();
    for count in [64_u32, 1] {
        let mut bare = Vec::new();
        let mut ours = Vec::new();
        for round in 0..rounds {
            let file = folder.join(format!("bare-{count}-{round}.db"));
            bare.push(crate::bare::measure(&file, i64::from(count), life)?);
            std::fs::remove_file(file)?;

            let file = folder.join(format!("ours-{count}-{round}.db"));
            let store = Arc::new(open(&file)?);
            let runtime = runtime()?;
            let next = Arc::new(AtomicI64::new(0));
            ours.push(runtime.block_on(callers(&store, &next, count, life, None))?);
            drop(runtime);
            drop(store);
            std::fs::remove_file(file)?;
        }
        bare.sort_by(|a, b| a.0.total_cmp(&b.0));
        ours.sort_by(|a, b| a.a_second.total_cmp(&b.a_second));
        let middle = ours.len() / 2;
        let (Some((bare, bare_us)), Some(ours)) = (bare.get(middle), ours.get(middle)) else {
            return Err("no round was measured".into());
        };
        let found = json!({
            "bare": {
                "per_second": bare.round(),
                "processor_us": (bare_us * 10.0).round() / 10.0,
            },
            "ours": ours.json(),
            "ratio": (ours.a_second / bare * 100.0).round() / 100.0,
        });
        all.insert(format!("{count} callers"), found);
    }
    Ok(Value::Object(all))
}
