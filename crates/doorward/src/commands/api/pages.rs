//! `--paginate`: the pages of a list as one answer.

use std::collections::HashSet;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::fields::encode;
use crate::caller::{Answer, Call, Caller};
use crate::exit::Failure;

/// Most items kept.
const ITEMS_MAX: usize = 1_000_000;

/// Makes a call and then those for the pages after it. The answer is the last page's, with the
/// items of all. A refusal is answered as it is.
pub(super) async fn follow(caller: &Caller, call: Call, most: u32) -> Result<Answer, Failure> {
    let mut items = Vec::new();
    let mut seen = HashSet::new();
    let mut next = call.clone();
    for _ in 0..most {
        let mut answer = caller.call(&next).await?;
        if !answer.status.is_success() {
            return Ok(answer);
        }
        let (page, cursor) = read_page(&answer.body)?;
        // A cursor can be there on the last page too; an empty page is the end.
        let ended = page.is_empty();
        items.extend(page);
        if items.len() > ITEMS_MAX {
            return Err(Failure::failed(
                "the list has more than a million items; narrow it",
            ));
        }
        let Some(cursor) = cursor.filter(|_| !ended) else {
            let whole = serde_json::to_vec(&json!({ "items": items }));
            answer.body = Bytes::from(whole.map_err(Failure::failed)?);
            return Ok(answer);
        };
        if !seen.insert(cursor.clone()) {
            return Err(Failure::failed(
                "the list repeats its cursor, so that it would never end",
            ));
        }
        next = turned(&call, &cursor)?;
    }
    Err(Failure::failed(format_args!(
        "the list has more than {most} pages; raise --max-pages, or take larger pages with \
         --field limit=100"
    )))
}

fn read_page(body: &[u8]) -> Result<(Vec<Value>, Option<String>), Failure> {
    let no_list = || Failure::failed("the answer is no list of items; leave --paginate out");
    let mut body: Map<String, Value> = serde_json::from_slice(body).map_err(|_| no_list())?;
    let Some(Value::Array(items)) = body.remove("items") else {
        return Err(no_list());
    };
    let cursor = match body.remove("next_starting_after") {
        Some(Value::String(cursor)) if !cursor.is_empty() => Some(cursor),
        _ => None,
    };
    Ok((items, cursor))
}

/// The call for the page after a cursor: in the query of a GET, else in the body.
fn turned(call: &Call, cursor: &str) -> Result<Call, Failure> {
    let mut call = call.clone();
    if call.method == http::Method::GET {
        let (path, query) = call
            .path_and_query
            .split_once('?')
            .unwrap_or((&call.path_and_query, ""));
        let kept = query
            .split('&')
            .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some("starting_after"));
        let cursor = format!("starting_after={}", encode(cursor));
        let pairs: Vec<&str> = kept.chain([cursor.as_str()]).collect();
        call.path_and_query = format!("{path}?{}", pairs.join("&"));
        return Ok(call);
    }
    let body = call.body.as_deref().unwrap_or(b"{}");
    let mut body: Map<String, Value> = serde_json::from_slice(body)
        .map_err(|_| Failure::usage("--paginate needs a body that is a JSON object"))?;
    body.insert("starting_after".to_owned(), cursor.into());
    call.body = Some(serde_json::to_vec(&body).map_err(Failure::failed)?.into());
    Ok(call)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(method: &str, path: &str, body: Option<&'static str>) -> Call {
        Call {
            method: method.parse().unwrap(),
            path_and_query: path.to_owned(),
            body: body.map(Bytes::from),
            as_workspace: None,
        }
    }

    #[test]
    fn the_cursor_goes_where_the_list_takes_it() {
        let first = call("GET", "/api/v2/campaigns?limit=5&starting_after=old", None);
        let next = turned(&first, "a@b c").unwrap();
        assert_eq!(
            next.path_and_query,
            "/api/v2/campaigns?limit=5&starting_after=a%40b%20c"
        );
        let next = turned(&call("GET", "/api/v2/x", None), "c").unwrap();
        assert_eq!(next.path_and_query, "/api/v2/x?starting_after=c");

        let first = call("POST", "/api/v2/leads/list", Some(r#"{"limit":5}"#));
        let next = turned(&first, "c").unwrap();
        assert_eq!(next.body.unwrap(), r#"{"limit":5,"starting_after":"c"}"#);
        assert!(turned(&call("POST", "/", Some("[]")), "c").is_err());
    }

    #[test]
    fn a_page_is_items_and_perhaps_a_cursor() {
        let (items, cursor) = read_page(br#"{"items":[1],"next_starting_after":"c"}"#).unwrap();
        assert_eq!((items.len(), cursor.as_deref()), (1, Some("c")));
        assert_eq!(read_page(br#"{"items":[]}"#).unwrap().1, None);
        assert!(read_page(b"[]").is_err());
        assert!(read_page(br#"{"item":1}"#).is_err());
    }
}
