//! How the gateway says no: Instantly's own envelope, so that every client library understands
//! it, with the reason beside it.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use doorward_catalog::{Op, RouteError, Scope, ScopeSet};
use doorward_policy::{Denial, DenyReason, Timestamp};
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE,
};
use http::{Response, StatusCode};
use serde::Serialize;

use crate::clients::auth::UPSTREAM_KEY;
use crate::request::headers::{DOORWARD_DECISION, DOORWARD_REQUEST_ID};
use crate::request::request_id::RequestId;

/// An answer of the gateway's own: a call it did not allow, or could not carry out.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    status: StatusCode,
    reason: &'static str,
    message: Cow<'static, str>,
    /// Whether the call had been allowed when it failed.
    allowed: bool,
    operation: Option<Op>,
    required: Option<Scope>,
    granted: Option<ScopeSet>,
    /// What few refusals say, apart: a refusal is the error of whatever may refuse.
    more: Box<More>,
}

/// What few refusals say.
#[derive(Debug, Clone, Default)]
struct More {
    /// The methods that there are.
    allow: Option<Box<str>>,
    /// The member of a claim that does not fit.
    member: Option<&'static str>,
    /// Name of the policy that stands against it.
    policy: Option<String>,
    /// The limit that was met.
    limit: Option<&'static str>,
    /// When to try again.
    wait: Option<Duration>,
    /// The approval that is waited for.
    approval: Option<AskedApproval>,
}

/// An approval that a call waits for.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct AskedApproval {
    pub(crate) id: String,
    /// `pending`, or `approved` when it was by now.
    pub(crate) state: &'static str,
    pub(crate) expires_at: Timestamp,
}

/// Why a request is not taken up, and how that is recorded.
#[derive(Debug)]
pub(crate) enum Fault {
    /// To be recorded as any refusal.
    Refused(Refusal),
    /// To be counted: the client asks for too much, and that was recorded a moment ago.
    Again(Refusal),
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Refusal {
    pub(crate) fn new(
        status: StatusCode,
        reason: &'static str,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            reason,
            message: message.into(),
            allowed: false,
            operation: None,
            required: None,
            granted: None,
            more: Box::default(),
        }
    }

    /// The same with what few say.
    fn with(mut self, say: impl FnOnce(&mut More)) -> Self {
        say(&mut self.more);
        self
    }

    /// 405 of a path that has one method.
    pub(crate) fn wrong_method(only: &'static str) -> Self {
        let why = format!("the path has no such method; it has {only}");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "unknown_operation", why)
            .with(|more| more.allow = Some(only.into()))
    }

    /// 503: what can't be recorded is not done.
    pub(crate) fn ledger(message: &'static str) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "ledger_unavailable",
            message,
        )
    }

    /// 400: a member of a claim does not fit.
    pub(crate) fn claim(member: &'static str, why: &str) -> Self {
        Self::bad_request("claim_malformed", format!("{member}: {why}"))
            .with(|more| more.member = Some(member))
    }

    /// 400.
    pub(crate) fn bad_request(reason: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason, message)
    }

    /// 401. There is one for every fault of a key, so that none can be told from another.
    pub(crate) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "present a valid Doorward client key: Authorization: Bearer dwk_…",
        )
    }

    /// 401 for a real key: whoever holds it is told, and it is not repeated.
    pub(crate) fn upstream_key() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            UPSTREAM_KEY,
            "this is a key of Instantly itself, which is not taken here: present a Doorward client \
             key (dwk_…), and take the real key away from where this one was found",
        )
    }

    /// A method and path that are no operation.
    pub(crate) fn route(error: RouteError) -> Self {
        match error {
            RouteError::NotCanonical(why) => Self::bad_request(
                "path_not_canonical",
                format!("the path is not in canonical form: {why}"),
            ),
            RouteError::WrongMethod(methods) => {
                let message = error.to_string();
                let status = StatusCode::METHOD_NOT_ALLOWED;
                Self::new(status, "unknown_operation", message)
                    .with(|more| more.allow = Some(methods.names().into()))
            }
            RouteError::UnknownPath => Self::new(
                StatusCode::NOT_FOUND,
                "unknown_operation",
                error.to_string(),
            ),
        }
    }

    /// What the policy denied.
    pub(crate) fn denial(denial: &Denial<'_>) -> Self {
        let reason = denial.reason();
        if reason.is_of_the_key() {
            return Self::unauthorized();
        }
        let status = match reason {
            DenyReason::UnknownOperation => StatusCode::NOT_FOUND,
            _ => StatusCode::FORBIDDEN,
        };
        let refusal = Self {
            operation: denial.operation(),
            required: denial.required(),
            granted: Some(denial.granted()),
            ..Self::new(status, reason.code(), denial.to_string())
        };
        refusal.with(|more| more.policy = denial.policy().map(str::to_owned))
    }

    /// The same for a call that had been allowed when it failed.
    pub(crate) fn after_allowed(self) -> Self {
        Self {
            allowed: true,
            ..self
        }
    }

    /// The same with the operation named.
    pub(crate) fn of(self, op: Op) -> Self {
        Self {
            operation: Some(op),
            ..self
        }
    }

    /// The same with the limit that was met and when to try again.
    pub(crate) fn limited(self, limit: &'static str, retry_after: Duration) -> Self {
        self.retry_after(retry_after)
            .with(|more| more.limit = Some(limit))
    }

    /// The same with when to try again.
    pub(crate) fn retry_after(self, wait: Duration) -> Self {
        self.with(|more| more.wait = Some(wait))
    }

    /// The same with the approval that was asked for.
    pub(crate) fn awaiting(self, approval: AskedApproval) -> Self {
        let AskedApproval { id, expires_at, .. } = &approval;
        let message = format!(
            "{}; {id} was asked for: send the very same request again once somebody has approved \
             it, before {expires_at} (`doorward approval show {id}`)",
            self.message
        );
        let refusal = Self {
            message: message.into(),
            ..self
        };
        refusal.with(|more| more.approval = Some(approval))
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn reason(&self) -> &'static str {
        self.reason
    }

    pub(crate) fn is_allowed(&self) -> bool {
        self.allowed
    }

    /// The answer.
    pub(crate) fn response(&self, request_id: RequestId) -> Response<Bytes> {
        let body = Envelope {
            status_code: self.status.as_u16(),
            error: self.status.canonical_reason().unwrap_or("Error"),
            message: &self.message,
            doorward: Details {
                reason: self.reason,
                operation: self.operation.map(Op::id),
                required: self.required.map(|scope| [scope]),
                granted: self.granted,
                member: self.more.member,
                policy: self.more.policy.as_deref(),
                limit: self.more.limit,
                approval: self.more.approval.as_ref(),
                request_id,
            },
        };
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let decision = if self.allowed { "allowed" } else { "denied" };
        headers.insert(DOORWARD_DECISION, HeaderValue::from_static(decision));
        if let Ok(id) = HeaderValue::try_from(request_id.to_string()) {
            headers.insert(DOORWARD_REQUEST_ID, id);
        }
        match self.status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        if let Some(wait) = self.more.wait {
            // Whole seconds, rounded up, at least one (RFC 9110, 10.2.3).
            let seconds = wait.as_millis().div_ceil(1_000).max(1);
            let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(allow) = self
            .more
            .allow
            .as_ref()
            .and_then(|names| names.parse().ok())
        {
            headers.insert(ALLOW, allow);
        }
        response
    }
}

#[derive(Serialize)]
struct Envelope<'a> {
    #[serde(rename = "statusCode")]
    status_code: u16,
    error: &'a str,
    message: &'a str,
    doorward: Details<'a>,
}

#[derive(Serialize)]
struct Details<'a> {
    reason: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    required: Option<[Scope; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    granted: Option<ScopeSet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    member: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    policy: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    approval: Option<&'a AskedApproval>,
    request_id: RequestId,
}
