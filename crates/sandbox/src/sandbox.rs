//! The sandbox: the emulated API with all it needs, in process.

use std::collections::VecDeque;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::clock::{Clock, Millis};
use crate::control;
use crate::delivery::{Queue, Sender};
use crate::ops::due;
use crate::pipeline::{self, Gate, Handled};
use crate::reply::TestDelivery;
use crate::request::{Incoming, Outgoing};
use crate::seed;
use crate::settings::Settings;
use crate::state;
use crate::summary::{self, Summary};
use crate::world::World;

/// Most events that wait where nothing delivers them.
const OUTBOX_MAX: usize = 10_000;
/// Tries of deliveries that are remembered.
const DELIVERIES_MAX: usize = 5_000;

/// What can go wrong around a sandbox; within it, everything is an answer.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The address can't be listened on.
    #[error("can't listen on {address}: {source}")]
    Listen {
        /// The address.
        address: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The state file can't be used.
    #[error("the state file {path}: {why}")]
    State {
        /// The file.
        path: PathBuf,
        /// Why not.
        why: String,
    },
}

/// The emulated Instantly API. Clones share one state.
///
/// ```
/// # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// # runtime.block_on(async {
/// use doorward_sandbox::{Incoming, Sandbox};
///
/// let sandbox = Sandbox::builder().seed(7).build().unwrap();
/// let summary = sandbox.summary("http://sandbox.example");
/// let key = &summary.workspaces[0].keys[0].key;
/// let answer = sandbox
///     .handle(Incoming {
///         method: "GET".into(),
///         target: "/api/v2/workspaces/current".into(),
///         headers: [(http::header::AUTHORIZATION, format!("Bearer {key}").parse().unwrap())]
///             .into_iter()
///             .collect(),
///         ..Incoming::default()
///     })
///     .await;
/// assert_eq!(answer.status, 200);
/// # });
/// ```
#[derive(Clone)]
pub struct Sandbox {
    pub(crate) shared: Arc<Shared>,
}

impl fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What it holds are keys and other people's secrets.
        f.debug_struct("Sandbox").finish_non_exhaustive()
    }
}

/// What all clones of a sandbox share.
pub(crate) struct Shared {
    core: Mutex<Core>,
    /// Rung when there may be something to deliver.
    pub(crate) wake: Notify,
    pub(crate) sender: Sender,
    pub(crate) origin: Origin,
    /// Where the state is kept.
    pub(crate) file: Option<PathBuf>,
}

/// What a reset goes back to.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    pub(crate) seed: u64,
    pub(crate) clock: Clock,
    pub(crate) settings: Settings,
}

/// The state proper, under one lock: no request holds it across an await.
pub(crate) struct Core {
    pub(crate) world: World,
    pub(crate) gate: Gate,
    pub(crate) queue: Queue,
    pub(crate) deliveries: Deliveries,
    /// Goes up when the world is replaced.
    pub(crate) generation: u64,
    /// Goes up when the world may have changed.
    pub(crate) changes: u64,
}

/// The last tries of deliveries, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    pub(crate) tries: VecDeque<Value>,
}

impl Deliveries {
    pub(crate) fn note(&mut self, noted: Value) {
        if self.tries.len() >= DELIVERIES_MAX {
            self.tries.pop_front();
        }
        self.tries.push_back(noted);
    }
}

impl Core {
    /// Moves the clock ahead; what time alone brings about is brought about.
    pub(crate) fn advance(&mut self, millis: Millis) {
        self.world.clock.advance(millis);
        due::settle_world(&mut self.world);
    }

    /// Drops the oldest events where nothing has taken them for long.
    pub(crate) fn bound_outbox(&mut self) {
        let surplus = self.world.outbox.len().saturating_sub(OUTBOX_MAX);
        self.world.outbox.drain(..surplus);
    }

    /// Puts another world in this one's place. What was counted, set and queued goes.
    pub(crate) fn replace(&mut self, world: World) {
        self.world = world;
        self.gate = Gate::default();
        self.queue = Queue::default();
        self.deliveries = Deliveries::default();
        self.generation = self.generation.wrapping_add(1);
        self.changes = self.changes.wrapping_add(1);
    }
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Core> {
        // A panic in a handler is a fault of ours, but no reason to stop answering.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sandbox {
    /// A sandbox to be made.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Answers a request to the API. What is to go wrong in sending the answer is left to the
    /// caller: see [`Outgoing::fate`].
    pub async fn handle(&self, request: Incoming) -> Outgoing {
        let (handled, timeout) = {
            let mut core = self.shared.lock();
            let core = &mut *core;
            let handled = pipeline::handle(&mut core.world, &mut core.gate, &request);
            if !matches!(request.method.as_str(), "GET" | "HEAD") {
                core.changes = core.changes.wrapping_add(1);
            }
            core.bound_outbox();
            if !core.world.outbox.is_empty() {
                self.shared.wake.notify_one();
            }
            let timeout = core.world.settings.webhook_timeout_ms;
            (handled, Duration::from_millis(timeout.into()))
        };
        match handled {
            Handled::Done(outgoing) => outgoing,
            Handled::Test(outgoing, test) => self.test(outgoing, test, timeout).await,
        }
    }

    async fn test(&self, bare: Outgoing, test: TestDelivery, timeout: Duration) -> Outgoing {
        let TestDelivery {
            url,
            headers,
            payload,
        } = test;
        let outcome = self
            .shared
            .sender
            .send(&url, &headers, &payload, timeout)
            .await;
        let mut body = json!({
            "success": outcome.success(),
            "message": if outcome.success() { "Webhook test successful" } else { "Webhook test failed" },
            "response_time_ms": outcome.took_ms,
        });
        if let Some(body) = body.as_object_mut() {
            let status = outcome.status.map(Value::from);
            let error = outcome.message().map(Value::from);
            let said = [("status_code", status), ("error", error)];
            body.extend(
                said.into_iter()
                    .filter_map(|(name, value)| Some((name.to_owned(), value?))),
            );
        }
        Outgoing {
            body: Outgoing::json(200, &body).body,
            ..bare
        }
    }

    /// Answers a request to the control API (`/_sandbox/…`): method, path and query, body.
    pub fn control(&self, method: &str, target: &str, body: &[u8]) -> Outgoing {
        control::answer(&self.shared, method, target, body)
    }

    /// Which workspaces and keys there are, for a sandbox that is reached at a URL.
    pub fn summary(&self, url: &str) -> Summary {
        summary::of(&self.shared.lock().world, url)
    }

    /// The clock's time, ms since 1970.
    pub fn now(&self) -> i64 {
        self.shared.lock().world.clock.now()
    }

    /// Moves the clock ahead; what becomes due is delivered.
    pub fn advance(&self, millis: i64) {
        self.shared.lock().advance(millis);
        self.shared.wake.notify_one();
    }

    /// Changes settings.
    pub fn set(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.shared.lock().world.settings);
    }

    /// Writes the state to its file, if there is one.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn save(&self) -> Result<(), SandboxError> {
        let Some(path) = &self.shared.file else {
            return Ok(());
        };
        let core = self.shared.lock();
        state::save(&core.world, path).map_err(|error| state_error(path, error.to_string()))
    }
}

fn state_error(path: &Path, why: String) -> SandboxError {
    SandboxError::State {
        path: path.to_owned(),
        why,
    }
}

/// How a sandbox is to be.
#[derive(Debug, Clone)]
pub struct Builder {
    origin: Origin,
    file: Option<PathBuf>,
    roots: Vec<CertificateDer<'static>>,
}

impl Default for Builder {
    fn default() -> Builder {
        Builder {
            origin: Origin {
                seed: 1,
                clock: Clock::default(),
                settings: Settings::default(),
            },
            file: None,
            roots: Vec::new(),
        }
    }
}

impl Builder {
    /// The seed of what it holds; the same seed brings the same ids and keys.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Builder {
        self.origin.seed = seed;
        self
    }

    /// Its clock; the machine's when none is set.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Builder {
        self.origin.clock = clock;
        self
    }

    /// Its settings.
    #[must_use]
    pub fn settings(mut self, settings: Settings) -> Builder {
        self.origin.settings = settings;
        self
    }

    /// A file that keeps its state: taken up if it is there, else seeded.
    #[must_use]
    pub fn state(mut self, file: impl Into<PathBuf>) -> Builder {
        self.file = Some(file.into());
        self
    }

    /// Certificates (DER) that receivers of webhooks are trusted by, instead of the machine's.
    #[must_use]
    pub fn trust(mut self, roots: Vec<CertificateDer<'static>>) -> Builder {
        self.roots = roots;
        self
    }

    /// Makes it.
    ///
    /// # Errors
    /// When there is a state file that can't be read.
    pub fn build(self) -> Result<Sandbox, SandboxError> {
        let kept = match &self.file {
            Some(path) => state::open(path).map_err(|why| state_error(path, why))?,
            None => None,
        };
        let Origin {
            seed,
            clock,
            settings,
        } = self.origin.clone();
        let world = kept.unwrap_or_else(|| seed::world(seed, clock, settings));
        let core = Core {
            world,
            gate: Gate::default(),
            queue: Queue::default(),
            deliveries: Deliveries::default(),
            generation: 0,
            changes: 0,
        };
        Ok(Sandbox {
            shared: Arc::new(Shared {
                core: Mutex::new(core),
                wake: Notify::new(),
                sender: Sender::trusting(self.roots),
                origin: self.origin,
                file: self.file,
            }),
        })
    }
}
