//! Batches by `POST`, signed, to an HTTPS endpoint.

use bytes::Bytes;
use doorward_policy::Timestamp;
use doorward_webhook::{WebhookSecret, retry_after};
use http::header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Full;
use secrecy::ExposeSecret;

use super::config::{BatchBody, HttpsSink, SinkFormat};
use super::line::{Deliver, Failure, Limits, Line};
use super::net::OwnRuntime;
use super::stop::Stop;
use crate::entry::Entry;
use crate::web::{Web, target};

/// Most bytes of an answer that are read; nothing is made of them.
const ANSWER_MAX: usize = 1024 * 1024;

/// Sends batches.
pub(super) struct Poster {
    config: HttpsSink,
    format: SinkFormat,
    uri: Uri,
    web: Web,
    secret: Option<WebhookSecret>,
    bearer: Option<HeaderValue>,
    runtime: OwnRuntime,
}

impl Poster {
    /// Says what does not fit, without showing it.
    pub(super) fn new(
        config: HttpsSink,
        format: SinkFormat,
        ca: Option<&[u8]>,
    ) -> Result<Self, &'static str> {
        let uri = target(config.url.expose_secret())?;
        let secret = match &config.secret {
            None => None,
            Some(secret) => Some(
                WebhookSecret::parse(secret)
                    .map_err(|_| "its signing secret is not whsec_ and base64 of 24 to 64 bytes")?,
            ),
        };
        let bearer = match &config.bearer {
            None => None,
            Some(token) => {
                let text = zeroize::Zeroizing::new(format!("Bearer {}", token.expose_secret()));
                let mut value = HeaderValue::from_str(&text)
                    .map_err(|_| "its bearer token does not fit in a header")?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        let web = Web::new(ca, config.timeout, ANSWER_MAX)
            .map_err(|_| "its certificate authorities can't be used")?;
        Ok(Self {
            config,
            format,
            uri,
            web,
            secret,
            bearer,
            runtime: OwnRuntime::new()?,
        })
    }

    fn request(&self, lines: &[Line], now: Timestamp) -> Result<Request<Full<Bytes>>, Failure> {
        let (body, content_type) = body(self.config.body, lines);
        // The same for the same entries, however often they come: in between nothing else may have.
        let id = match lines {
            [only] => only.name.clone(),
            [first, .., last] => format!("{}-{}", first.name, last.name),
            [] => String::new(),
        };
        let seconds = now.millis().div_euclid(1000);
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.uri.clone())
            .header(CONTENT_TYPE, content_type)
            .header(USER_AGENT, concat!("doorward/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &id)
            .header("webhook-timestamp", seconds);
        if let Some(secret) = &self.secret {
            request = request.header("webhook-signature", secret.sign(&id, seconds, &body));
        }
        if let Some(bearer) = &self.bearer {
            request = request.header(AUTHORIZATION, bearer.clone());
        }
        request
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| Failure::later("the request can't be made"))
    }
}

impl Deliver for Poster {
    fn limits(&self) -> Limits {
        Limits {
            entries: self.config.max_entries.max(1),
            bytes: self.config.max_bytes,
            linger: self.config.linger,
        }
    }

    fn text(&self, entry: &Entry) -> Vec<u8> {
        self.format.json(entry)
    }

    fn deliver(&mut self, lines: &[Line], now: Timestamp, stop: &Stop) -> Result<(), Failure> {
        let request = self.request(lines, now)?;
        let answer = self.runtime.run(stop, self.web.send(request));
        match answer {
            None => Err(Failure::Stopped),
            Some(Err(error)) => Err(Failure::later(error)),
            Some(Ok(answer)) => judge(answer.status, &answer.headers, now),
        }
    }
}

fn body(form: BatchBody, lines: &[Line]) -> (Vec<u8>, &'static str) {
    let texts = lines.iter().map(|line| line.text.as_slice());
    match form {
        BatchBody::Lines => {
            let mut body = Vec::new();
            for text in texts {
                body.extend_from_slice(text);
                body.push(b'\n');
            }
            (body, "application/x-ndjson")
        }
        BatchBody::Array => {
            let joined = texts.collect::<Vec<_>>().join(&b','.to_owned());
            ([b"[", joined.as_slice(), b"]"].concat(), "application/json")
        }
    }
}

/// What a status means for a batch. One that is about the entries is refused; one that is about
/// the receiver, who may be set up wrong, is tried again: no entry may be lost by that.
fn judge(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Result<(), Failure> {
    if status.is_success() {
        return Ok(());
    }
    let why = format!("the receiver answered {}", status.as_u16());
    if matches!(status.as_u16(), 400 | 413 | 415 | 422) {
        return Err(Failure::Refused(why));
    }
    let after = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| retry_after(value, now));
    Err(Failure::Later { why, after })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_lines_or_an_array() {
        let line = |text: &str| Line {
            sequence: 0,
            at: None,
            name: String::new(),
            text: text.as_bytes().to_vec(),
        };
        let lines = [line("{\"a\":1}"), line("{\"b\":2}")];
        assert_eq!(body(BatchBody::Lines, &lines).0, b"{\"a\":1}\n{\"b\":2}\n");
        assert_eq!(body(BatchBody::Array, &lines).0, b"[{\"a\":1},{\"b\":2}]");
    }
}
