//! The demo's own destination: takes what is delivered to it, verifies it, and shows the last of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use axum::Json;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use doorward_policy::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::admin::now;
use crate::exit::Failure;

/// Most deliveries that are shown, and most bytes of one.
const SHOWN: usize = 100;
const BODY_MAX: usize = 6 * 1024 * 1024;

/// The running inbox.
pub(super) struct Inbox {
    /// Where it is.
    pub(super) url: String,
    arrived: Arc<Arrived>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Arrived {
    secret: Mutex<Option<SecretString>>,
    last: Mutex<VecDeque<Delivery>>,
}

/// A delivery that was verified.
#[derive(Clone, Serialize)]
struct Delivery {
    id: String,
    arrived_at: Timestamp,
    payload: Value,
}

impl Inbox {
    /// Listens.
    ///
    /// # Errors
    /// When no port is to be had.
    pub(super) fn start(listener: TcpListener) -> Result<Self, Failure> {
        let address = listener.local_addr().map_err(Failure::failed)?;
        let arrived = Arc::new(Arrived::default());
        let router = Router::new()
            .route("/", get(shown).post(take))
            .layer(DefaultBodyLimit::max(BODY_MAX))
            .with_state(Arc::clone(&arrived));
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::warn!(%error, "the demo's inbox failed");
            }
        });
        Ok(Self {
            url: format!("http://{address}/"),
            arrived,
            serving,
        })
    }

    /// What deliveries are signed with.
    pub(super) fn verify_with(&self, secret: SecretString) {
        *self
            .arrived
            .secret
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(secret);
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(State(arrived): State<Arc<Arrived>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let secret = arrived
        .secret
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let Some(secret) = secret else {
        return StatusCode::SERVICE_UNAVAILABLE;
    };
    let message = doorward_webhook::verify(
        &[secret.expose_secret()],
        &headers,
        &body,
        SystemTime::now(),
    );
    let Ok(message) = message else {
        return StatusCode::UNAUTHORIZED;
    };
    let delivery = Delivery {
        id: message.id,
        arrived_at: now(),
        payload: serde_json::from_slice(&body).unwrap_or_default(),
    };
    let mut last = arrived.last.lock().unwrap_or_else(PoisonError::into_inner);
    last.push_front(delivery);
    last.truncate(SHOWN);
    StatusCode::NO_CONTENT
}

async fn shown(State(arrived): State<Arc<Arrived>>) -> Json<Vec<Delivery>> {
    let last = arrived.last.lock().unwrap_or_else(PoisonError::into_inner);
    Json(last.iter().cloned().collect())
}
