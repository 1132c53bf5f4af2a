//! The client: prepares a call, sends it, makes it again where that is safe.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use doorward_catalog::Op;
use http::{HeaderValue, Request};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use secrecy::SecretString;
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};

use crate::base::BaseUrl;
use crate::builder::ClientBuilder;
use crate::call::Call;
use crate::classify;
use crate::error::Error;
use crate::keys::{Key, Keys};
use crate::pace::Pace;
use crate::response::Response;
use crate::retry::{RetryPolicy, repeatable};
use crate::transport::{Body, Failure, Transport, chain};

/// Most bytes that are read of a refusal.
const REFUSAL_MAX: usize = 64 * 1_024;

/// A client of the Instantly API. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    pub(crate) keys: Arc<Keys>,
    pub(crate) workspace: Option<HeaderValue>,
}

/// What clones, and clients with other keys, have in common.
pub(crate) struct Shared {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) base: BaseUrl,
    pub(crate) user_agent: HeaderValue,
    pub(crate) timeout: Duration,
    pub(crate) max_body: usize,
    pub(crate) retries: RetryPolicy,
    pub(crate) random: Box<dyn Fn() -> f64 + Send + Sync>,
    pub(crate) pace: Option<Arc<dyn Pace>>,
}

impl Client {
    /// A builder; it needs a key, and has defaults for the rest.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// The same client acting on a sub-workspace of its admin workspace, by `x-as-workspace`.
    ///
    /// # Errors
    /// [`Error::Config`] when the id is no uuid.
    pub fn as_workspace(&self, id: &str) -> Result<Client, Error> {
        let workspace = is_uuid(id)
            .then(|| HeaderValue::from_str(id).ok())
            .flatten();
        let workspace = workspace.ok_or_else(|| Error::Config {
            what: "workspace",
            why: "its id is no uuid".to_owned(),
        })?;
        Ok(Client {
            workspace: Some(workspace),
            ..self.clone()
        })
    }

    /// The same client with another key, over the same connections.
    ///
    /// # Errors
    /// [`Error::Config`] when the key can't be sent.
    pub fn with_key(&self, key: SecretString) -> Result<Client, Error> {
        Ok(Client {
            keys: Arc::new(Keys::One(Key::new(key)?)),
            ..self.clone()
        })
    }

    /// Where calls go.
    pub fn base_url(&self) -> &BaseUrl {
        &self.shared.base
    }

    /// Calls any operation: path parameter, query and JSON body, as the operation takes them.
    ///
    /// # Errors
    /// Every [`Error`] but those of configuration and lists.
    pub async fn request(
        &self,
        op: Op,
        param: Option<&str>,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Response, Error> {
        let mut call = Call::new(op);
        if let Some(param) = param {
            call = call.param(param);
        }
        for (name, value) in query {
            call = call.also_query(name, value);
        }
        if let Some(body) = body {
            call = call.json(body)?;
        }
        self.send(&call).await
    }

    /// Sends a call, again where that is safe, until it is answered or the client's timeout is over.
    ///
    /// # Errors
    /// Every [`Error`] but those of configuration and lists.
    pub async fn send(&self, call: &Call) -> Result<Response, Error> {
        let request = self.prepare(call)?;
        self.deliver(call.op(), request).await
    }

    fn prepare(&self, call: &Call) -> Result<Request<Full<Bytes>>, Error> {
        call.to_request(
            &self.shared.base,
            &self.shared.user_agent,
            self.workspace.as_ref(),
            self.keys.for_op(call.op())?.header(),
        )
    }

    async fn deliver(&self, op: Op, request: Request<Full<Bytes>>) -> Result<Response, Error> {
        let shared = &self.shared;
        let deadline = Instant::now() + shared.timeout;
        let mut made = 0;
        loop {
            let error = match self.attempt(op, request.clone(), deadline).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            made += 1;
            let pause = shared.retries.pause(&error, made, (shared.random)());
            match pause.filter(|pause| Instant::now() + *pause < deadline) {
                None => return Err(error),
                Some(pause) => {
                    tracing::debug!(operation = op.id(), made, ?pause, %error, "calling again");
                    sleep(pause).await;
                }
            }
        }
    }

    async fn attempt(
        &self,
        op: Op,
        request: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Result<Response, Error> {
        self.take_turn(op, deadline).await?;
        let sent = timeout_at(deadline, self.shared.transport.send(request)).await;
        let response = match sent {
            Ok(Ok(response)) => response,
            Ok(Err(failure)) => return Err(self.failed(op, failure)),
            Err(_) => return Err(self.late(op, None)),
        };
        let (head, body) = response.into_parts();
        let status = head.status.as_u16();
        if let Some(pace) = &self.shared.pace {
            let wait = classify::retry_after(&head.headers);
            pace.answered(op, self.as_workspace_id(), status, wait);
        }
        if !head.status.is_success() {
            let body = timeout_at(deadline, read_some(body)).await;
            let body = body.unwrap_or_default();
            let error = classify::refusal(op, status, &head.headers, &body, &self.keys);
            return Err(error);
        }
        let body = match timeout_at(deadline, self.read_all(op, status, body)).await {
            Ok(body) => body?,
            Err(_) => return Err(self.late(op, Some(status))),
        };
        classify::check(op, status, &head.headers, &body, &self.keys)?;
        Ok(Response { op, status, body })
    }

    /// Waits until the call may be sent, if there is somebody to ask.
    async fn take_turn(&self, op: Op, deadline: Instant) -> Result<(), Error> {
        let Some(pace) = &self.shared.pace else {
            return Ok(());
        };
        let turn = pace.turn(op, self.as_workspace_id());
        let refused = |retry_after| Error::Limit {
            op,
            retry_after,
            message: "no turn was to be had in time; nothing was sent".to_owned(),
        };
        match timeout_at(deadline, turn).await {
            Ok(turn) => turn.map_err(|wait| refused(Some(wait))),
            Err(_) => Err(refused(None)),
        }
    }

    fn as_workspace_id(&self) -> Option<&str> {
        self.workspace.as_ref().and_then(|id| id.to_str().ok())
    }

    async fn read_all(&self, op: Op, status: u16, body: Body) -> Result<Bytes, Error> {
        let limit = self.shared.max_body;
        match Limited::new(body, limit).collect().await {
            Ok(read) => Ok(read.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => {
                Err(Error::TooLarge { op, status, limit })
            }
            Err(error) => Err(self.lost(op, Some(status), &chain(&*error))),
        }
    }

    fn failed(&self, op: Op, failure: Failure) -> Error {
        if failure.maybe_sent {
            return self.lost(op, None, &failure.why);
        }
        Error::NotSent {
            op,
            why: self.keys.clean(&failure.why),
        }
    }

    fn lost(&self, op: Op, status: Option<u16>, why: &str) -> Error {
        let why = self.keys.clean(why);
        if repeatable(op) {
            Error::Broken { op, why }
        } else {
            Error::OutcomeUnknown { op, status, why }
        }
    }

    fn late(&self, op: Op, status: Option<u16>) -> Error {
        let after = self.shared.timeout;
        if repeatable(op) {
            return Error::TimedOut { op, after };
        }
        Error::OutcomeUnknown {
            op,
            status,
            why: format!("no answer within {} s", after.as_secs_f64()),
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.shared.base)
            .field("workspace", &self.workspace)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

/// As much of a refusal's body as arrives, up to a bound: its status says what it is anyway.
async fn read_some(mut body: Body) -> Bytes {
    let mut read = BytesMut::new();
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data() {
            let room = REFUSAL_MAX.saturating_sub(read.len());
            read.extend_from_slice(data.get(..room).unwrap_or(&data));
            if read.len() >= REFUSAL_MAX {
                break;
            }
        }
    }
    read.freeze()
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(n, byte)| match n {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
