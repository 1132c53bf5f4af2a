//! `doorward api`: a call through the gateway, as a client makes it.

mod fields;
mod pages;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use bytes::Bytes;
use doorward_catalog::route;
use http::Method;
use serde_json::{Value, json};

use self::fields::Fields;
use crate::admin::Session;
use crate::caller::{Answer, Call, Caller};
use crate::cli::Api;
use crate::context::Context;
use crate::credential::{Credential, find_gateway};
use crate::duration::Lasting;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Output, Tone, clean, note};

/// Most bytes read as a body or a field: what the gateway takes by default.
const INPUT_MAX: u64 = 16 * 1024 * 1024;

/// Runs `doorward api`.
pub(crate) async fn run(context: &Context, api: &Api) -> Outcome {
    let call = prepare(api)?;
    let gateway = find_gateway(context, api.gateway.as_deref()).await?;
    let Some(client) = &api.client else {
        let credential = Credential::of_environment()?;
        return carry_out(
            context.output,
            api,
            Caller::new(gateway, &credential.key)?,
            call,
        )
        .await;
    };
    let session = Session::open(context).await?;
    let workspace = api.within.workspace.as_deref();
    let credential =
        Credential::of_client(context, &session, workspace, client, Lasting::HOUR).await?;
    let done = match Caller::new(gateway, &credential.key) {
        Ok(caller) => carry_out(context.output, api, caller, call).await,
        Err(failure) => Err(failure),
    };
    credential.release(&session).await?;
    done
}

async fn carry_out(output: Output, api: &Api, caller: Caller, call: Call) -> Outcome {
    let answer = if api.paginate {
        pages::follow(&caller, call, api.max_pages).await?
    } else {
        caller.call(&call).await?
    };
    show(output, api, &answer)?;
    Ok(if answer.status.as_u16() < 400 {
        Exit::Done
    } else {
        Exit::Findings
    })
}

/// The call that was typed.
fn prepare(api: &Api) -> Result<Call, Failure> {
    let method = Method::from_bytes(api.method.to_ascii_uppercase().as_bytes())
        .map_err(|_| Failure::usage("METHOD must be one like GET, POST, PATCH or DELETE"))?;
    let (path, query) = match api.path.split_once('?') {
        Some((path, query)) => (path, query.to_owned()),
        None => (api.path.as_str(), String::new()),
    };
    let path = full_path(path);
    let mut fields = Fields::default();
    for text in &api.field {
        fields.add_typed(text, |path| read_text(Path::new(path)))?;
    }
    for text in &api.raw_field {
        fields.add_text(text)?;
    }
    let mut call = Call {
        body: api.input.as_deref().map(read).transpose()?.map(Bytes::from),
        path_and_query: path,
        as_workspace: api.as_workspace.clone(),
        method,
    };
    let mut query = query;
    if fields.is_empty() {
        // Nothing to add.
    } else if takes_body(&call) {
        let body = serde_json::to_vec(&fields.into_value()).map_err(Failure::failed)?;
        call.body = Some(body.into());
    } else {
        let more = fields.into_query()?;
        let and = if query.is_empty() { "" } else { "&" };
        query = format!("{query}{and}{more}");
    }
    if !query.is_empty() {
        call.path_and_query = format!("{}?{query}", call.path_and_query);
    }
    Ok(call)
}

/// The whole path of one that leaves `/api/v2/` out, with what can't stand in a path encoded.
fn full_path(path: &str) -> String {
    let whole = if path.starts_with("/api/") {
        path.to_owned()
    } else {
        format!("/api/v2/{}", path.trim_start_matches('/'))
    };
    let segments = whole.split('/').map(|segment| {
        // What has a percent sign is taken to be encoded.
        if segment.contains('%') {
            segment.to_owned()
        } else {
            route::encode(segment)
        }
    });
    segments.collect::<Vec<_>>().join("/")
}

/// Whether fields go into a body. Of deletions only two have one.
fn takes_body(call: &Call) -> bool {
    use doorward_catalog::Op;
    match call.method.as_str() {
        "GET" | "HEAD" => false,
        "DELETE" => doorward_catalog::route("DELETE", &call.path_and_query)
            .is_ok_and(|found| matches!(found.op, Op::BulkDeleteLeads | Op::DeleteLeadLabel)),
        _ => true,
    }
}

/// Reads a file, or stdin for `-`, up to a bound.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed =
        |error: io::Error| Failure::usage(format_args!("can't read {}: {error}", path.display()));
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(failed)?)
    };
    let mut bytes = Vec::new();
    source
        .take(INPUT_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > INPUT_MAX {
        return Err(Failure::usage(format_args!(
            "{} is larger than the 16 MiB that the gateway takes; send it in parts",
            path.display()
        )));
    }
    Ok(bytes)
}

fn read_text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read(path)?)
        .map_err(|_| Failure::usage(format_args!("{} is not UTF-8", path.display())))
}

fn show(output: Output, api: &Api, answer: &Answer) -> Result<(), Failure> {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    if output.is_json() {
        let text = || Value::String(String::from_utf8_lossy(&answer.body).into_owned());
        output.value(&json!({
            "status": answer.status.as_u16(),
            "decision": answer.header("doorward-decision"),
            "request_id": answer.header("doorward-request-id"),
            "body": body.unwrap_or_else(text),
        }))?;
        return Ok(());
    }
    if api.include {
        output.line(format_args!("HTTP/1.1 {}", answer.status))?;
        for (name, value) in &answer.headers {
            let value = String::from_utf8_lossy(value.as_bytes());
            output.line(format_args!(
                "{}: {}",
                output.paint(Tone::Quiet, name),
                clean(&value)
            ))?;
        }
        output.line("")?;
    }
    if answer.status.as_u16() >= 400 {
        let message = body
            .as_ref()
            .and_then(|body| body.get("message"))
            .and_then(Value::as_str);
        let message = message
            .map(|message| format!(": {}", clean(message)))
            .unwrap_or_default();
        note(format_args!("{}{message}", answer.status));
    }
    match body {
        Some(body) if output.is_terminal() => output.value(&body),
        // An escape sequence in a body must not reach the terminal.
        None if output.is_terminal() => String::from_utf8_lossy(&answer.body)
            .lines()
            .try_for_each(|l| output.line(clean(l))),
        _ if answer.body.is_empty() => Ok(()),
        _ => {
            output.bytes(&answer.body)?;
            output.bytes(if answer.body.ends_with(b"\n") {
                b""
            } else {
                b"\n"
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_may_be_short_and_plain() {
        for (typed, sent) in [
            ("campaigns", "/api/v2/campaigns"),
            ("/campaigns", "/api/v2/campaigns"),
            ("/api/v2/campaigns", "/api/v2/campaigns"),
            (
                "accounts/ada@example.com",
                "/api/v2/accounts/ada@example.com",
            ),
            (
                "accounts/ada%40example.com",
                "/api/v2/accounts/ada%40example.com",
            ),
            ("leads/../campaigns", "/api/v2/leads/../campaigns"),
        ] {
            assert_eq!(full_path(typed), sent, "{typed}");
        }
    }

    #[test]
    fn fields_go_where_the_operation_takes_them() {
        let api = |method: &str, path: &str| Api {
            method: method.to_owned(),
            path: path.to_owned(),
            field: vec!["limit=5".to_owned()],
            raw_field: vec!["search=a b".to_owned()],
            input: None,
            paginate: false,
            max_pages: 1,
            client: None,
            as_workspace: None,
            include: false,
            gateway: None,
            within: crate::cli::InWorkspace { workspace: None },
        };
        let call = prepare(&api("get", "campaigns?x=1")).unwrap();
        assert_eq!(
            call.path_and_query,
            "/api/v2/campaigns?x=1&limit=5&search=a%20b"
        );
        assert_eq!((call.method.as_str(), call.body), ("GET", None));
        let call = prepare(&api("POST", "leads/list")).unwrap();
        assert_eq!(call.path_and_query, "/api/v2/leads/list");
        assert_eq!(call.body.unwrap(), r#"{"limit":5,"search":"a b"}"#);
        assert!(prepare(&api("DELETE", "leads")).unwrap().body.is_some());
        assert!(prepare(&api("DELETE", "leads/1")).unwrap().body.is_none());
    }
}
