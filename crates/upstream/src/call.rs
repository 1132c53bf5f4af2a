//! A call: an operation with its parameter, query and body.

use std::fmt;

use bytes::Bytes;
use doorward_catalog::{Method, Op, route};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, USER_AGENT};
use http::{HeaderValue, Request};
use http_body_util::Full;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use crate::base::BaseUrl;
use crate::error::Error;

/// Names the sub-workspace to act on.
pub(crate) const AS_WORKSPACE: HeaderName = HeaderName::from_static("x-as-workspace");

/// Most bytes of a query.
const QUERY_MAX: usize = 16 * 1_024;
/// What stands for itself in a query: RFC 3986's unreserved characters.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// An operation with its path parameter, query and body.
///
/// ```
/// use doorward_upstream::{Call, Op};
///
/// let call = Call::new(Op::ListCampaign).query("search", "spring & summer").query("limit", 50);
/// assert_eq!(call.op(), Op::ListCampaign);
/// ```
#[derive(Clone, PartialEq)]
pub struct Call {
    op: Op,
    param: Option<String>,
    query: Vec<(String, String)>,
    body: Option<Bytes>,
}

impl Call {
    /// A call of an operation, with nothing yet.
    pub fn new(op: Op) -> Call {
        Call {
            op,
            param: None,
            query: Vec::new(),
            body: None,
        }
    }

    /// Sets the path parameter (no operation has more than one), not encoded.
    pub fn param(mut self, value: impl Into<String>) -> Call {
        self.param = Some(value.into());
        self
    }

    /// Sets a query parameter, in place of one of the same name.
    pub fn query(mut self, name: &str, value: impl ToString) -> Call {
        self.query.retain(|(other, _)| other != name);
        self.also_query(name, value)
    }

    /// Sets a query parameter when there is a value.
    pub fn maybe_query(self, name: &str, value: Option<impl ToString>) -> Call {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Adds a query parameter beside those of the same name.
    pub fn also_query(mut self, name: &str, value: impl ToString) -> Call {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// Sets the JSON body.
    ///
    /// # Errors
    /// [`Error::BadCall`] when the value has no JSON form.
    pub fn json(self, value: &impl Serialize) -> Result<Call, Error> {
        match serde_json::to_vec(value) {
            Ok(bytes) => Ok(self.json_bytes(bytes)),
            Err(_) => Err(self.bad("its body has no JSON form")),
        }
    }

    /// Sets the JSON body to these very bytes.
    pub fn json_bytes(mut self, bytes: impl Into<Bytes>) -> Call {
        self.body = Some(bytes.into());
        self
    }

    /// The operation.
    pub fn op(&self) -> Op {
        self.op
    }

    pub(crate) fn query_value(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn body(&self) -> Option<&Bytes> {
        self.body.as_ref()
    }

    pub(crate) fn bad(&self, why: &str) -> Error {
        Error::BadCall {
            op: self.op,
            why: why.to_owned(),
        }
    }

    /// The HTTP request, without the key.
    ///
    /// # Errors
    /// [`Error::BadCall`] when the parameter, query or body does not fit the operation.
    pub(crate) fn to_request(
        &self,
        base: &BaseUrl,
        user_agent: &HeaderValue,
        workspace: Option<&HeaderValue>,
        key: &HeaderValue,
    ) -> Result<Request<Full<Bytes>>, Error> {
        let method = self.op.facts().method;
        let uri = base
            .join(&self.target()?)
            .ok_or_else(|| self.bad("its path and query make no URL"))?;
        let mut request = Request::builder()
            .method(method.as_str())
            .uri(uri)
            .header(USER_AGENT, user_agent)
            .header(ACCEPT, accepts(self.op))
            .header(AUTHORIZATION, key);
        if let Some(workspace) = workspace {
            request = request.header(AS_WORKSPACE, workspace);
        }
        if self.body.is_some() {
            if !takes_body(self.op) {
                return Err(self.bad("the operation takes no body"));
            }
            request = request.header(CONTENT_TYPE, "application/json");
        }
        request
            .body(Full::new(self.body.clone().unwrap_or_default()))
            .map_err(|_| self.bad("it makes no HTTP request"))
    }

    /// Path and query, in canonical form.
    fn target(&self) -> Result<String, Error> {
        let mut target = self
            .op
            .path_with(self.param.as_deref())
            .ok_or_else(|| self.bad("its path parameter is missing, superfluous or unfit"))?;
        // `event-types` in the place of a webhook's id is another operation.
        let found = route(self.op.facts().method.as_str(), &target);
        if found.map(|matched| matched.op) != Ok(self.op) {
            return Err(self.bad("its path parameter makes it another operation"));
        }
        for (n, (name, value)) in self.query.iter().enumerate() {
            target.push(if n == 0 { '?' } else { '&' });
            target.extend(utf8_percent_encode(name, QUERY));
            target.push('=');
            target.extend(utf8_percent_encode(value, QUERY));
            if target.len() > QUERY_MAX {
                return Err(self.bad("its query is too long"));
            }
        }
        Ok(target)
    }
}

impl fmt::Debug for Call {
    /// Not the values: they may be secrets or people's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.query.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Call")
            .field("op", &self.op)
            .field("query", &names)
            .field("body_bytes", &self.body.as_ref().map(Bytes::len))
            .finish_non_exhaustive()
    }
}

/// Whether the operation takes a JSON body. A `DELETE` with a body, or even a content type, is
/// answered 400, but for the two whose body says what to delete and where to put the rest.
fn takes_body(op: Op) -> bool {
    match op.facts().method {
        Method::Get => false,
        Method::Delete => matches!(op, Op::BulkDeleteLeads | Op::DeleteLeadLabel),
        Method::Post | Method::Patch => true,
    }
}

/// Whether the operation answers with CSV rather than JSON.
pub(crate) fn answers_csv(op: Op) -> bool {
    op == Op::DownloadBlockListEntry
}

fn accepts(op: Op) -> &'static str {
    if answers_csv(op) {
        "text/csv"
    } else {
        "application/json"
    }
}
