//! Tasks that run as long as the server does: one that ends before its time ends the server, which
//! says which it was. A supervisor starts it again then; a server that goes on without a part of it
//! would be half a guard.

use std::future::Future;

use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::{AbortHandle, JoinHandle};

/// Tells of tasks that end.
#[derive(Clone)]
pub(super) struct Alive(Sender<&'static str>);

/// Is told of tasks that end. The first is reason enough.
pub(super) struct Ended(Receiver<&'static str>);

/// Tells when it is dropped, however the task it is in comes to its end.
struct Telling(&'static str, Sender<&'static str>);

impl Drop for Telling {
    fn drop(&mut self) {
        let _ = self.1.try_send(self.0);
    }
}

impl Alive {
    /// Both ends.
    pub(super) fn new() -> (Self, Ended) {
        let (sender, receiver) = channel(1);
        (Self(sender), Ended(receiver))
    }

    /// Starts a task by its name.
    pub(super) fn spawn<T: Send + 'static>(
        &self,
        name: &'static str,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        let telling = Telling(name, self.0.clone());
        tokio::spawn(async move {
            let _telling = telling;
            task.await
        })
    }

    /// Watches a task that was started before; whoever aborts it does so on purpose.
    pub(super) fn adopt(&self, name: &'static str, task: JoinHandle<()>) -> AbortHandle {
        let handle = task.abort_handle();
        let sender = self.0.clone();
        tokio::spawn(async move {
            let aborted = task.await.is_err_and(|error| error.is_cancelled());
            if !aborted {
                let _ = sender.try_send(name);
            }
        });
        handle
    }
}

impl Ended {
    /// The name of the first task that ended.
    pub(super) async fn first(&mut self) -> &'static str {
        match self.0.recv().await {
            Some(name) => name,
            // Nobody is left who could tell.
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_that_ends_or_panics_is_told_of() {
        for panics in [false, true] {
            let (alive, mut ended) = Alive::new();
            let lasting = alive.spawn("lasting", std::future::pending::<()>());
            let _short = alive.spawn("short", async move {
                assert!(!panics, "on purpose");
            });
            assert_eq!(ended.first().await, "short");
            lasting.abort();
        }
    }

    #[tokio::test]
    async fn a_task_that_was_started_before_is_watched() {
        let (alive, mut ended) = Alive::new();
        let kept = alive.adopt("kept", tokio::spawn(std::future::pending()));
        kept.abort();
        alive.adopt("lost", tokio::spawn(async {}));
        assert_eq!(ended.first().await, "lost");
    }
}
