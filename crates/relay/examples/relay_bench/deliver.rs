//! From receipt to a fast destination's answer, with and without another one that hangs.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use doorward_relay::EventStore;
use doorward_relay::deliver::{DeliverOptions, DeliveryObserver, Destination, Dispatcher, Tried};
use doorward_webhook::{Signer, WebhookSecret};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::common::{Failure, event, now_ms, open, percentile, runtime};

/// Counts what arrived, and how long it took.
struct Seen {
    took: Mutex<Vec<Duration>>,
    count: watch::Sender<usize>,
}

impl DeliveryObserver for Seen {
    fn tried(&self, tried: &Tried) {
        if let Some(took) = tried.since_received.filter(|_| tried.destination == 1) {
            let mut all = self.took.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(took);
            self.count.send_replace(all.len());
        }
    }
}

pub(crate) fn measure(folder: &Path, events: i64) -> Result<Value, Failure> {
    let runtime = runtime()?;
    let alone = runtime.block_on(one(&folder.join("alone.db"), events, false))?;
    let beside = runtime.block_on(one(&folder.join("beside.db"), events, true))?;
    Ok(json!({ "alone": alone, "beside_one_that_hangs": beside }))
}

async fn one(file: &Path, events: i64, hanging: bool) -> Result<Value, Failure> {
    let store = Arc::new(open(file)?);
    let seen = Arc::new(Seen {
        took: Mutex::default(),
        count: watch::Sender::new(0),
    });
    let options = DeliverOptions {
        observer: Arc::clone(&seen) as Arc<dyn DeliveryObserver>,
        grace: Duration::from_secs(1),
        ..DeliverOptions::default()
    };
    let dispatcher = Dispatcher::new(Arc::clone(&store), options);
    let mut destinations = vec![destination(1, server(false).await?)?];
    if hanging {
        destinations.push(destination(2, server(true).await?)?);
    }
    dispatcher.set(&destinations);

    // A backlog, as fast as it goes.
    take(&store, 0, events, 64).await?;
    let since = Instant::now();
    let begun = *seen.count.borrow();
    wait(&seen, events).await?;
    let left = events - i64::try_from(begun)?;
    let rate = left as f64 / since.elapsed().as_secs_f64();

    // One after the other, each from its receipt to the answer.
    let mut took = Vec::new();
    let singles = 500.min(events);
    for n in events..events + singles {
        let since = Instant::now();
        take(&store, n, n + 1, 1).await?;
        wait(&seen, n + 1).await?;
        took.push(since.elapsed());
    }
    dispatcher.drain().await;
    Ok(json!({
        "per_second_out_of_a_backlog": rate.round(),
        "left_of_the_backlog": left,
        "receipt_to_answer_p50_ms": (percentile(&mut took, 0.5) * 100.0).round() / 100.0,
        "receipt_to_answer_p99_ms": (percentile(&mut took, 0.99) * 100.0).round() / 100.0,
    }))
}

async fn take(store: &Arc<EventStore>, from: i64, to: i64, at_once: usize) -> Result<(), Failure> {
    let tasks = (0..at_once).map(|caller| {
        let store = Arc::clone(store);
        tokio::spawn(async move {
            for n in (from..to).skip(caller).step_by(at_once) {
                store.take(event(&store, n, now_ms())).await?;
            }
            Ok::<_, doorward_relay::events::TakeError>(())
        })
    });
    let tasks: Vec<_> = tasks.collect();
    for task in tasks {
        task.await??;
    }
    Ok(())
}

async fn wait(seen: &Seen, count: i64) -> Result<(), Failure> {
    let count = usize::try_from(count)?;
    let mut arrived = seen.count.subscribe();
    let all = arrived.wait_for(|found| *found >= count);
    tokio::time::timeout(Duration::from_secs(600), all).await??;
    Ok(())
}

fn destination(number: i64, url: http::Uri) -> Result<Arc<Destination>, Failure> {
    let secret = WebhookSecret::parse(&WebhookSecret::symmetric(&[7; 32]))?;
    Ok(Arc::new(Destination {
        allow: vec!["127.0.0.0/8".parse()?],
        begin_after: Some(0),
        signer: Some(Signer::new(vec![secret])?),
        ..Destination::new(number, "bench", url)
    }))
}

/// Answers each request at once, or never.
async fn server(hangs: bool) -> Result<http::Uri, Failure> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/", listener.local_addr()?).parse()?;
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                let mut part = vec![0; 64 << 10];
                while let Ok(read) = stream.read(&mut part).await {
                    if read == 0 {
                        return;
                    }
                    bytes.extend_from_slice(part.get(..read).unwrap_or_default());
                    // A payload ends with a quote and a brace, and no head does.
                    while let Some(at) = bytes.windows(2).position(|end| end == b"\"}") {
                        bytes.drain(..at + 2);
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
                        if hangs || stream.write_all(answer).await.is_err() {
                            std::future::pending::<()>().await;
                        }
                    }
                }
            });
        }
    });
    Ok(url)
}
