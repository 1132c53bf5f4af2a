//! What an answer passes on its way to the client: decoded, redacted, scrubbed.

use std::sync::Arc;

use bytes::Bytes;
use doorward_catalog::Op;
use doorward_veil::{DecodeLimits, Decoding, Redactor, Scrubber, Scrubbing, VeilError};
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};

use crate::decision::refusal::Refusal;
use crate::snapshot::Snapshot;

/// What was said of a body that goes on changed.
const OF_THE_CODED: [HeaderName; 5] = [
    header::CONTENT_ENCODING,
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("repr-digest"),
];

/// Character sets in which a secret is found: ASCII is ASCII in them.
const CHARSETS: [&str; 5] = ["utf-8", "utf8", "us-ascii", "iso-8859-1", "windows-1252"];

/// What is done to the answer of one call.
pub(crate) struct Veil {
    op: Op,
    /// Doorward's id of the client that it is for.
    client: Arc<str>,
    scrubber: Arc<Scrubber>,
    redactor: Arc<Redactor>,
}

/// How a body is coded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Coding(Option<Box<str>>);

impl Coding {
    /// Takes what an answer's headers say of its body's coding out of them.
    ///
    /// # Errors
    /// When no secret could be found in a body like that.
    pub(crate) fn take(headers: &mut HeaderMap) -> Result<Self, VeilError> {
        let mut lines = headers.get_all(header::CONTENT_ENCODING).iter();
        let line = lines.next().map(|line| line.to_str());
        let coding = line.transpose().map_err(|_| VeilError::UnknownCoding)?;
        let coding = coding.map(str::trim).filter(|coding| !coding.is_empty());
        let coding = coding.filter(|coding| !coding.eq_ignore_ascii_case("identity"));
        // A coding of the transfer is undone by nobody but for the chunks.
        let mut transfer = headers.get_all(header::TRANSFER_ENCODING).iter();
        let is_chunked = |line: &HeaderValue| line.as_bytes().eq_ignore_ascii_case(b"chunked");
        if lines.next().is_some() || !transfer.all(is_chunked) || !is_ascii_like(headers) {
            return Err(VeilError::UnknownCoding);
        }
        let coding = Self(coding.map(Into::into));
        if coding.0.is_some() {
            for name in &OF_THE_CODED {
                headers.remove(name);
            }
        }
        Ok(coding)
    }

    /// What undoes it; `None` where there is nothing to undo.
    pub(crate) fn decoding(&self) -> Result<Option<Decoding>, VeilError> {
        let decoding = |coding| Decoding::new(Some(coding), DecodeLimits::default());
        self.0.as_deref().map(decoding).transpose()
    }
}

/// Whether ASCII stands for itself in the body.
fn is_ascii_like(headers: &HeaderMap) -> bool {
    let Some(line) = headers.get(header::CONTENT_TYPE) else {
        return true;
    };
    if !line.as_bytes().contains(&b';') {
        return true;
    }
    let line = line.as_bytes().to_ascii_lowercase();
    let mut named = line.split(|byte| *byte == b';').skip(1).filter_map(|part| {
        let name = part.trim_ascii().strip_prefix(b"charset=")?;
        Some(name.trim_ascii().trim_ascii_start())
    });
    named.all(|name| {
        let bare = name.strip_prefix(b"\"").unwrap_or(name);
        let bare = bare.strip_suffix(b"\"").unwrap_or(bare);
        CHARSETS.iter().any(|known| known.as_bytes() == bare)
    })
}

impl Veil {
    /// For an answer to a client.
    ///
    /// # Errors
    /// 503, when what must be hidden could not be.
    pub(crate) fn of(snapshot: &Snapshot, client_id: &str, op: Op) -> Result<Self, Refusal> {
        let both = snapshot.scrubber().zip(snapshot.redactor(client_id));
        let (scrubber, redactor) = both.ok_or_else(|| {
            Refusal::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "redaction_unavailable",
                "what is to be hidden of answers to this client can't be; its rules are to be \
                 mended",
            )
            .of(op)
        })?;
        Ok(Self {
            op,
            client: client_id.into(),
            scrubber: Arc::clone(scrubber),
            redactor: Arc::clone(redactor),
        })
    }

    /// Doorward's id of the client that the answer is for.
    pub(crate) fn client(&self) -> &Arc<str> {
        &self.client
    }

    /// Whether the answer must be read whole before any of it passes.
    pub(crate) fn redacts(&self) -> bool {
        self.redactor.bears_on(self.op)
    }

    /// Scrubs the values of headers.
    pub(crate) fn headers(&self, headers: &mut HeaderMap) {
        for value in headers.values_mut() {
            if let std::borrow::Cow::Owned(clean) = self.scrubber.scrub(value.as_bytes()) {
                let clean = HeaderValue::from_bytes(&clean);
                *value = clean.unwrap_or(HeaderValue::from_static(doorward_veil::MARKER));
            }
        }
    }

    /// The whole of an answer, decoded, as the client may see it.
    ///
    /// # Errors
    /// It must be redacted and can't be read.
    pub(crate) fn cover(&self, document: Bytes) -> Result<Bytes, VeilError> {
        // No document at all is what some writes are answered with.
        let document = if self.redacts() && !document.is_empty() {
            self.redactor.redact(Some(self.op), &document)?.into()
        } else {
            document
        };
        let clean = match self.scrubber.scrub(&document) {
            std::borrow::Cow::Owned(clean) => Some(clean),
            std::borrow::Cow::Borrowed(_) => None,
        };
        Ok(clean.map_or(document, Bytes::from))
    }

    /// What an answer that need not be redacted passes through as it arrives.
    ///
    /// # Errors
    /// It is coded in a way that can't be undone.
    pub(crate) fn passing(&self, coding: &Coding) -> Result<Passing, VeilError> {
        Ok(Passing {
            decoding: coding.decoding()?,
            scrubbing: Scrubbing::new(Arc::clone(&self.scrubber)),
            plain: Vec::new(),
        })
    }
}

/// An answer under way.
pub(crate) struct Passing {
    decoding: Option<Decoding>,
    scrubbing: Scrubbing,
    plain: Vec<u8>,
}

impl Passing {
    /// Takes a piece and gives what may go on by now.
    ///
    /// # Errors
    /// It can't be decoded. Nothing more may go on.
    pub(crate) fn feed(&mut self, piece: &[u8]) -> Result<Bytes, VeilError> {
        let mut out = Vec::new();
        match &mut self.decoding {
            Some(decoding) => {
                self.plain.clear();
                decoding.feed(piece, &mut self.plain)?;
                self.scrubbing.feed(&self.plain, &mut out);
            }
            None => self.scrubbing.feed(piece, &mut out),
        }
        Ok(out.into())
    }

    /// Ends it and gives the rest.
    ///
    /// # Errors
    /// It is not whole.
    pub(crate) fn finish(mut self) -> Result<Bytes, VeilError> {
        let mut out = Vec::new();
        if let Some(decoding) = self.decoding {
            self.plain.clear();
            decoding.finish(&mut self.plain)?;
            self.scrubbing.feed(&self.plain, &mut out);
        }
        self.scrubbing.finish(&mut out);
        Ok(out.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coding(lines: &[(&'static str, &'static str)]) -> Result<Option<String>, VeilError> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let coding = Coding::take(&mut headers)?;
        assert!(coding.0.is_none() || headers.get("content-encoding").is_none());
        Ok(coding.0.map(String::from))
    }

    #[test]
    fn what_hides_secrets_is_not_passed_over() {
        assert_eq!(coding(&[]), Ok(None));
        assert_eq!(coding(&[("content-encoding", "Identity")]), Ok(None));
        let gzip = [("content-encoding", " gzip"), ("content-md5", "x")];
        assert_eq!(coding(&gzip), Ok(Some("gzip".to_owned())));
        assert_eq!(coding(&[("transfer-encoding", "chunked")]), Ok(None));
        for charset in ["utf-8", "\"UTF-8\"", "ISO-8859-1"] {
            let value = format!("application/json; charset={charset}");
            assert_eq!(coding(&[("content-type", value.leak())]), Ok(None));
        }
        for lines in [
            &[("content-encoding", "gzip"), ("content-encoding", "br")][..],
            &[("transfer-encoding", "gzip, chunked")],
            &[
                ("transfer-encoding", "gzip"),
                ("transfer-encoding", "chunked"),
            ],
            &[("content-type", "application/json; charset=utf-16")],
            &[("content-type", "text/plain;charset=\"UTF-7\"; x=y")],
        ] {
            assert_eq!(coding(lines), Err(VeilError::UnknownCoding), "{lines:?}");
        }
    }
}
