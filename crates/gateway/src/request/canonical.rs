//! From a request as received to the form that is decided on and sent.

use doorward_catalog::{Method, Op, RouteError, route};
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, StatusCode, Uri};

use crate::decision::refusal::Refusal;
use crate::records::record::Parameter;
use crate::request::body::HeldBody;
use crate::request::headers::{self, X_AS_WORKSPACE, is_named_by_connection};
use crate::request::query;

/// Most characters of a workspace's id in `x-as-workspace`.
const WORKSPACE_ID_MAX: usize = 64;

/// The head of a request in canonical form. What is not here is not sent.
#[derive(Debug)]
pub(crate) struct Head {
    /// The operation, or why there is none.
    pub(crate) op: Result<Op, RouteError>,
    /// The path's parameter, decoded.
    pub(crate) parameter: Option<Parameter>,
    target: PathAndQuery,
    accept: Option<HeaderValue>,
    as_workspace: Option<HeaderValue>,
}

/// A request as it is sent, less the key that is chosen for it.
#[derive(Debug)]
pub(crate) struct ForwardRequest {
    pub(crate) method: http::Method,
    pub(crate) target: PathAndQuery,
    pub(crate) accept: Option<HeaderValue>,
    pub(crate) as_workspace: Option<HeaderValue>,
    pub(crate) body: Option<HeldBody>,
}

impl Head {
    /// Reads a head. Faults that are no matter of the client's rights are refused here.
    pub(crate) fn read(parts: &Parts) -> Result<Self, Refusal> {
        check_target(&parts.uri, &parts.headers)?;
        check_expectation(&parts.headers)?;
        let path = parts.uri.path();
        let found = route(parts.method.as_str(), path);
        if let Err(error @ RouteError::NotCanonical(_)) = found {
            return Err(Refusal::route(error));
        }
        let malformed = || Refusal::bad_request("path_not_canonical", "the target is malformed");
        let parameter = found.as_ref().ok().and_then(|found| {
            let (name, _) = found.params.raw()?;
            let value = found.params.value()?;
            Some(Parameter { name, value })
        });
        if let Some(parameter) = &parameter {
            query::refuse_key(parameter.value.as_bytes())?;
        }
        // Made from what is decided on: the operation and its decoded parameter.
        let path = match &found {
            Ok(found) => found
                .op
                .path_with(parameter.as_ref().map(|parameter| parameter.value.as_str()))
                .ok_or_else(malformed)?,
            Err(_) => path.to_owned(),
        };
        let target = match parts.uri.query().map(query::canonical).transpose()? {
            Some(query) if !query.is_empty() => format!("{path}?{query}").parse(),
            _ => path.parse(),
        };
        let target = target.map_err(|_| malformed())?;
        Ok(Self {
            op: found.map(|matched| matched.op),
            parameter,
            target,
            accept: headers::accept(&parts.headers),
            as_workspace: as_workspace(&parts.headers)?,
        })
    }

    /// The path and query that are sent.
    pub(crate) fn target(&self) -> &PathAndQuery {
        &self.target
    }

    /// The sub-workspace that is to be acted on.
    pub(crate) fn as_workspace_line(&self) -> Option<&HeaderValue> {
        self.as_workspace.as_ref()
    }

    /// The same as text.
    pub(crate) fn as_workspace(&self) -> Option<&str> {
        self.as_workspace.as_ref().and_then(|id| id.to_str().ok())
    }

    /// What is sent for an operation, once the body is there.
    /// In a place of its own: it is handed on from one to the next.
    pub(crate) fn into_request(self, op: Op, body: Option<HeldBody>) -> Box<ForwardRequest> {
        Box::new(ForwardRequest {
            method: match op.facts().method {
                Method::Get => http::Method::GET,
                Method::Post => http::Method::POST,
                Method::Patch => http::Method::PATCH,
                Method::Delete => http::Method::DELETE,
            },
            target: self.target,
            accept: self.accept,
            as_workspace: self.as_workspace,
            body,
        })
    }
}

/// Whether a body may come with the operation, by its head alone. Looked at before the body is
/// read, and before the caller is told to go on sending it.
pub(crate) fn check_body_head(op: Op, headers: &HeaderMap, empty: bool) -> Result<(), Refusal> {
    if empty {
        return Ok(());
    }
    if op.facts().method == Method::Get {
        return Err(Refusal::bad_request(
            "body_not_allowed",
            "a GET has no body",
        ));
    }
    check_json(headers)
}

/// Whether a body is JSON, by its head.
pub(crate) fn check_json(headers: &HeaderMap) -> Result<(), Refusal> {
    let unsupported = |why| {
        Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "media_type_unsupported",
            why,
        )
    };
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(unsupported("send the body without a content encoding"));
    }
    let mut lines = headers.get_all(header::CONTENT_TYPE).iter();
    match (lines.next(), lines.next()) {
        (Some(line), None) if is_json(line) => Ok(()),
        _ => Err(unsupported("send the body as application/json in UTF-8")),
    }
}

/// Every body that the API takes is `application/json`, with or without `charset=utf-8`.
fn is_json(line: &HeaderValue) -> bool {
    let mut parts = line
        .as_bytes()
        .split(|byte| *byte == b';')
        .map(<[u8]>::trim_ascii);
    let essence = parts.next().unwrap_or_default();
    let charset = |part: &[u8]| {
        let value = part.get(8..).unwrap_or_default();
        part.get(..8)
            .is_some_and(|name| name.eq_ignore_ascii_case(b"charset="))
            && (value.eq_ignore_ascii_case(b"utf-8") || value.eq_ignore_ascii_case(b"\"utf-8\""))
    };
    essence.eq_ignore_ascii_case(b"application/json") && parts.all(charset)
}

/// A target names a path of this server: RFC 9112's origin-form, or absolute-form with the very
/// host that the request is addressed to.
fn check_target(uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
    let Some(authority) = uri.authority() else {
        return Ok(());
    };
    let host = headers.get(header::HOST).map(HeaderValue::as_bytes);
    let ours = matches!(uri.scheme_str(), Some("http" | "https"))
        && host.is_some_and(|host| host.eq_ignore_ascii_case(authority.as_str().as_bytes()))
        && !authority.as_str().contains('@');
    if ours {
        Ok(())
    } else {
        Err(Refusal::bad_request(
            "target_not_ours",
            "the target is on another host",
        ))
    }
}

fn check_expectation(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut lines = headers.get_all(header::EXPECT).iter();
    let known = |line: &HeaderValue| line.as_bytes().eq_ignore_ascii_case(b"100-continue");
    match (lines.next(), lines.next()) {
        (None, _) => Ok(()),
        (Some(line), None) if known(line) => Ok(()),
        _ => Err(Refusal::new(
            StatusCode::EXPECTATION_FAILED,
            "expectation_unknown",
            "the only expectation that is met is 100-continue",
        )),
    }
}

fn as_workspace(headers: &HeaderMap) -> Result<Option<HeaderValue>, Refusal> {
    let mut lines = headers.get_all(&X_AS_WORKSPACE).iter();
    let Some(line) = lines.next() else {
        return Ok(None);
    };
    let id = line.as_bytes();
    let is_id = (1..=WORKSPACE_ID_MAX).contains(&id.len())
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte));
    // A request that would change workspace by losing a header on the way is not sent on.
    if lines.next().is_some() || !is_id || is_named_by_connection(headers, &X_AS_WORKSPACE) {
        return Err(Refusal::bad_request(
            "workspace_malformed",
            "x-as-workspace must be given once and hold the id of a workspace",
        ));
    }
    Ok(Some(line.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(build: http::request::Builder) -> Result<Head, Refusal> {
        Head::read(&build.body(()).unwrap().into_parts().0)
    }

    fn get(target: &str) -> http::request::Builder {
        http::Request::get(target)
    }

    #[test]
    fn the_target_is_rebuilt() {
        let head = read(get("/api/v2/nothing?a=%6c")).unwrap();
        assert_eq!(head.op, Err(RouteError::UnknownPath));
        let head = read(get("/api/v2/campaigns?limit=%31&&search=a+b")).unwrap();
        assert_eq!(head.op, Ok(Op::ListCampaign));
        assert_eq!(head.target, "/api/v2/campaigns?limit=1&search=a%20b");
        assert_eq!(
            read(get("/api/v2/campaigns?")).unwrap().target,
            "/api/v2/campaigns"
        );
        let head = read(get("/api/v2/accounts/a%40b.example%c3%a4")).unwrap();
        assert_eq!(head.target, "/api/v2/accounts/a@b.example%C3%A4");
    }

    #[test]
    fn targets_on_other_hosts_are_refused() {
        let at = |target, host| read(get(target).header("host", host));
        assert!(at("http://door:80/api/v2/campaigns", "door:80").is_ok());
        for (target, host) in [
            ("http://elsewhere/api/v2/campaigns", "door"),
            ("http://u@door/api/v2/campaigns", "u@door"),
            ("ftp://door/api/v2/campaigns", "door"),
        ] {
            assert_eq!(
                at(target, host).unwrap_err().reason(),
                "target_not_ours",
                "{target}"
            );
        }
        assert!(read(get("http://door/api/v2/campaigns")).is_err());
    }

    #[test]
    fn a_sub_workspace_is_named_once_and_plainly() {
        let named = |ids: &[&str]| {
            let build = get("/api/v2/campaigns");
            read(
                ids.iter()
                    .fold(build, |build, id| build.header("x-as-workspace", *id)),
            )
        };
        assert_eq!(named(&[]).unwrap().as_workspace(), None);
        assert_eq!(
            named(&["0195-a_B"]).unwrap().as_workspace(),
            Some("0195-a_B")
        );
        for ids in [&["a", "a"][..], &[""], &["a,b"], &["a b"], &["a/b"]] {
            assert_eq!(
                named(ids).unwrap_err().reason(),
                "workspace_malformed",
                "{ids:?}"
            );
        }
        let dropped = get("/api/v2/campaigns").header("x-as-workspace", "a");
        let dropped = dropped
            .header("connection", "close")
            .header("connection", "X-As-Workspace");
        assert_eq!(read(dropped).unwrap_err().reason(), "workspace_malformed");
    }

    #[test]
    fn bodies_are_json_where_there_are_any() {
        let check = |op, lines: &[(&'static str, &str)], empty| {
            let mut map = HeaderMap::new();
            for (name, value) in lines {
                map.append(*name, value.parse().unwrap());
            }
            check_body_head(op, &map, empty).map_err(|refusal| refusal.status().as_u16())
        };
        let json = ("content-type", "application/json");
        for ok in [
            "application/json",
            "Application/JSON; charset=UTF-8",
            "application/json;charset=\"utf-8\"",
        ] {
            assert_eq!(
                check(Op::CreateLead, &[("content-type", ok)], false),
                Ok(())
            );
        }
        for no in [
            "text/plain",
            "application/json; charset=utf-7",
            "application/json, text/plain",
            "",
        ] {
            assert_eq!(
                check(Op::CreateLead, &[("content-type", no)], false),
                Err(415),
                "{no}"
            );
        }
        assert_eq!(check(Op::CreateLead, &[json, json], false), Err(415));
        assert_eq!(
            check(Op::CreateLead, &[json, ("content-encoding", "gzip")], false),
            Err(415)
        );
        assert_eq!(check(Op::ListCampaign, &[json], false), Err(400));
        assert_eq!(check(Op::ListCampaign, &[json], true), Ok(()));
    }

    #[test]
    fn other_expectations_are_refused() {
        let expecting = |value| read(get("/api/v2/campaigns").header("expect", value));
        assert!(expecting("100-Continue").is_ok());
        assert_eq!(expecting("200-maybe").unwrap_err().status(), 417);
    }
}
