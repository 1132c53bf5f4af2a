//! Whether the server can take calls: `/readyz` at the gateway's address, `doorward ready`.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use doorward_audit::Audit;
use doorward_gateway::{Beside, BesideAnswer, BesideRequest, SnapshotHandle};
use doorward_store::Store;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{Response, StatusCode};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::Stage;
use crate::health::Ready;

const PATH: &str = "/readyz";
/// The store is not asked more often: anybody may ask for the page.
const KEPT: Duration = Duration::from_secs(1);
/// How long the store may take to answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Tells whether calls can be taken.
pub(super) struct Readiness {
    store: Arc<dyn Store>,
    record: Arc<Audit>,
    snapshot: SnapshotHandle,
    stage: watch::Receiver<Stage>,
    /// What the store said last, and when. Held while it is asked, so that it is asked once.
    store_said: Mutex<Option<(Instant, Option<String>)>>,
}

impl Readiness {
    pub(super) fn new(
        store: Arc<dyn Store>,
        record: Arc<Audit>,
        snapshot: SnapshotHandle,
        stage: watch::Receiver<Stage>,
    ) -> Self {
        Self {
            store,
            record,
            snapshot,
            stage,
            store_said: Mutex::default(),
        }
    }

    /// Whether calls can be taken now, and why not. Blocks while the store is asked.
    pub(super) fn now(&self) -> Ready {
        let mut ready = Ready::default();
        if *self.stage.borrow() != Stage::Running {
            ready.reasons.push("the server is ending".to_owned());
        }
        if let Some(halt) = self.record.status().halt {
            // What exactly is for those who may ask for the status.
            tracing::debug!(%halt, "not ready");
            ready.reasons.push("nothing can be recorded".to_owned());
        }
        ready.reasons.extend(self.store_fault());
        let (workspaces, usable) = self.snapshot.load().workspaces();
        match (workspaces, usable) {
            (0, _) => ready.warnings.push("there is no workspace yet".to_owned()),
            (_, 0) => ready
                .reasons
                .push("no workspace has an upstream key that can be used".to_owned()),
            (all, usable) if usable < all => ready.warnings.push(format!(
                "{} of {all} workspaces have no upstream key that can be used",
                all - usable
            )),
            _ => {}
        }
        ready.ready = ready.reasons.is_empty();
        ready
    }

    fn store_fault(&self) -> Option<String> {
        let mut said = self
            .store_said
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((_, said)) = said.as_ref().filter(|(at, _)| at.elapsed() < KEPT) {
            return said.clone();
        }
        let fault = self.store.generation().err().map(|error| {
            tracing::debug!(%error, "not ready");
            "the store can't be read".to_owned()
        });
        *said = Some((Instant::now(), fault.clone()));
        fault
    }
}

/// Serves it.
pub(super) struct ReadyPage(Arc<Readiness>);

impl ReadyPage {
    pub(super) fn new(readiness: Arc<Readiness>) -> Self {
        Self(readiness)
    }

    async fn page(&self) -> Response<Bytes> {
        let readiness = Arc::clone(&self.0);
        let asked = timeout(PATIENCE, spawn_blocking(move || readiness.now())).await;
        let ready = asked.ok().and_then(Result::ok).unwrap_or_else(|| Ready {
            reasons: vec!["the store does not answer".to_owned()],
            ..Ready::default()
        });
        let body = serde_json::to_vec(&ready).unwrap_or_default();
        let mut response = Response::new(Bytes::from(body));
        if !ready.ready {
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        }
        let headers = response.headers_mut();
        let json = HeaderValue::from_static("application/json");
        headers.insert(CONTENT_TYPE, json);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl Beside for ReadyPage {
    fn serves(&self, path: &str) -> bool {
        path == PATH
    }

    fn answer<'a>(&'a self, _: BesideRequest<'a>) -> BesideAnswer<'a> {
        Box::pin(self.page())
    }
}
