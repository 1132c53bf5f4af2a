//! The thread that speaks with the service. The ledger signs from a thread of its own and must not
//! need a runtime; so the signer brings one along.

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request};
use http_body_util::Full;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::mpsc;

use crate::web::{Address, Answer, Web, WebError};

/// Questions that wait; there is one a checkpoint.
const WAITING: usize = 16;

/// A question and where its answer goes.
struct Job {
    method: Method,
    path: String,
    body: Vec<u8>,
    token: SecretString,
    answer: SyncSender<Result<Answer, WebError>>,
}

/// A way to the service. Its thread ends when this is dropped.
pub(super) struct Service {
    jobs: mpsc::Sender<Job>,
    within: Duration,
}

impl Service {
    pub(super) fn start(
        web: Web,
        address: Address,
        namespace: Option<HeaderValue>,
        within: Duration,
    ) -> std::io::Result<Self> {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name("ledger-signer".to_owned())
            .spawn(move || runtime.block_on(serve(web, address, namespace, waiting)))?;
        Ok(Self { jobs, within })
    }

    /// Asks and waits. Blocks for as long as an answer may take.
    pub(super) fn ask(
        &self,
        method: Method,
        path: String,
        body: Vec<u8>,
        token: SecretString,
    ) -> Result<Answer, WebError> {
        let (answer, answered) = sync_channel(1);
        let job = Job {
            method,
            path,
            body,
            token,
            answer,
        };
        let gone = || WebError::Failed("the signer's thread ended".to_owned());
        self.jobs.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => WebError::Late(self.within.as_secs()),
            mpsc::error::TrySendError::Closed(_) => gone(),
        })?;
        // The thread's own limit is the same; this one holds even if the thread hangs.
        match answered.recv_timeout(self.within.saturating_add(Duration::from_secs(1))) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Timeout) => Err(WebError::Late(self.within.as_secs())),
            Err(RecvTimeoutError::Disconnected) => Err(gone()),
        }
    }
}

async fn serve(
    web: Web,
    address: Address,
    namespace: Option<HeaderValue>,
    mut waiting: mpsc::Receiver<Job>,
) {
    while let Some(job) = waiting.recv().await {
        let answer = match request(&address, namespace.as_ref(), &job) {
            Ok(request) => web.send(request).await,
            Err(error) => Err(error),
        };
        // Whoever asked may have given up.
        let _ = job.answer.send(answer);
    }
}

fn request(
    address: &Address,
    namespace: Option<&HeaderValue>,
    job: &Job,
) -> Result<Request<Full<Bytes>>, WebError> {
    let mut token =
        HeaderValue::from_str(job.token.expose_secret()).map_err(|_| WebError::Request)?;
    token.set_sensitive(true);
    let mut request = Request::builder()
        .method(job.method.clone())
        .uri(address.at(&job.path)?)
        .header("x-vault-token", token)
        .header("x-vault-request", "true")
        .header(CONTENT_TYPE, "application/json");
    if let Some(namespace) = namespace {
        request = request.header("x-vault-namespace", namespace);
    }
    request
        .body(Full::new(Bytes::from(job.body.clone())))
        .map_err(|_| WebError::Request)
}
