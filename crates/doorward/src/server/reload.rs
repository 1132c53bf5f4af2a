//! Taking new snapshots when the state has changed.

use std::sync::{Arc, Mutex, PoisonError};

use doorward_gateway::{SnapshotBuilder, SnapshotHandle};
use doorward_store::Store;

use crate::admin::{AdminError, now};

/// Reads the store and puts what it reads in force.
pub(super) struct Reloader {
    store: Arc<dyn Store>,
    // One at a time, so that an older snapshot never takes a newer one's place.
    builder: Mutex<SnapshotBuilder>,
    handle: SnapshotHandle,
}

impl Reloader {
    /// Takes the first snapshot.
    pub(super) fn start(
        store: Arc<dyn Store>,
        builder: SnapshotBuilder,
    ) -> Result<Self, AdminError> {
        let (snapshot, faults) = builder.build(store.load_snapshot(now())?);
        tell(&faults);
        let handle = SnapshotHandle::new(snapshot);
        Ok(Self {
            store,
            builder: Mutex::new(builder),
            handle,
        })
    }

    /// The snapshot in force.
    pub(super) fn handle(&self) -> SnapshotHandle {
        self.handle.clone()
    }

    /// Takes a new snapshot, upstream keys read again. Blocks.
    pub(super) fn reload(&self) -> Result<(), AdminError> {
        let builder = self.builder.lock().unwrap_or_else(PoisonError::into_inner);
        let (snapshot, faults) = builder.build(self.store.load_snapshot(now())?);
        tell(&faults);
        self.handle.swap(snapshot);
        Ok(())
    }

    /// Takes a new snapshot if the store has moved since the last. Blocks.
    pub(super) fn catch_up(&self) -> Result<(), AdminError> {
        if self.store.generation()? == self.handle.load().generation() {
            return Ok(());
        }
        self.reload()
    }
}

fn tell(faults: &[doorward_gateway::Error]) {
    for fault in faults {
        tracing::warn!(%fault, "left out");
    }
}
