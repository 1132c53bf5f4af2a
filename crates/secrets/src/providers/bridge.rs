//! Providers that are spoken to over the network, from code that waits.

use std::future::Future;
use std::pin::Pin;
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::{LocalSet, spawn_local};

use crate::error::{Error, Result};
use crate::reference::SecretRef;

type Job = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send>;

/// A thread of its own with a runtime of its own, started when it is first needed, that ends with
/// this: connections live on it, and whoever waits may be on any thread.
pub(super) struct Bridge {
    name: &'static str,
    jobs: OnceLock<Option<UnboundedSender<Job>>>,
}

impl Bridge {
    pub(super) const fn new(name: &'static str) -> Self {
        Self {
            name,
            jobs: OnceLock::new(),
        }
    }

    /// Carries work out and waits for it, at most so long.
    pub(super) fn run<T, F>(
        &self,
        reference: &SecretRef,
        limit: Duration,
        work: impl FnOnce() -> F + Send + 'static,
    ) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + 'static,
    {
        let none = || Error::trouble(reference, "no thread can be started to reach it");
        let jobs = self.jobs.get_or_init(|| start(self.name));
        let (done, answer) = mpsc::channel();
        let job: Job = Box::new(move || {
            Box::pin(async move {
                let _ = done.send(tokio::time::timeout(limit, work()).await);
            })
        });
        let jobs = jobs.as_ref().ok_or_else(none)?;
        jobs.send(job).map_err(|_| none())?;
        // The runtime keeps the limit; this is for the case that it does not run.
        match answer.recv_timeout(limit + Duration::from_secs(1)) {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Err(Error::TimedOut {
                reference: reference.clone(),
                millis: limit.as_millis(),
            }),
        }
    }
}

fn start(name: &'static str) -> Option<UnboundedSender<Job>> {
    let runtime = Builder::new_current_thread().enable_all().build().ok()?;
    let (jobs, mut next) = unbounded_channel::<Job>();
    let started = thread::Builder::new().name(name.into()).spawn(move || {
        let all = LocalSet::new();
        all.block_on(&runtime, async move {
            while let Some(job) = next.recv().await {
                spawn_local(async move { job().await });
            }
        });
    });
    started.is_ok().then_some(jobs)
}
