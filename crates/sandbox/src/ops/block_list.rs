//! createBlockListEntry, createblukBlockListEntry, deleteallBlockListEntry and the like.
//!
//! Nothing of the block list is in the audit log.

use std::collections::HashSet;

use doorward_catalog::Op;
use serde_json::{Value, json};

use crate::call::Call;
use crate::cx::{self, Cx};
use crate::ops::astray;
use crate::reply::{Answer, Refusal, Reply};

pub(crate) fn answer(cx: &mut Cx<'_>, call: &Call) -> Answer {
    match call.op {
        Op::CreateBlockListEntry => {
            let value = call.field_text("bl_value").unwrap_or_default();
            let entry = add(cx, value);
            Reply::ok(entry)
        }
        Op::ListBlockListEntry => {
            let wanted = filter(call);
            cx.ws().block_list.page(call, wanted)
        }
        Op::GetBlockListEntry => {
            let entry = cx.ws().block_list.find(&call.param, KIND)?;
            Reply::ok(entry.clone())
        }
        Op::PatchBlockListEntry => patch(cx, call),
        Op::DeleteBlockListEntry => {
            let removed = cx.ws().block_list.remove(&call.param);
            Reply::ok(removed.ok_or_else(|| Refusal::not_found(KIND))?)
        }
        Op::DeleteallBlockListEntry => {
            let wanted = filter(call);
            remove(cx, wanted)
        }
        Op::DeletebulkBlockListEntry => {
            let ids: HashSet<String> = call.field_list("ids").into_iter().flatten().collect();
            remove(cx, |entry| {
                let id = entry.get("id").and_then(Value::as_str);
                id.is_some_and(|id| ids.contains(id))
            })
        }
        Op::CreateblukBlockListEntry => bulk(cx, call),
        Op::DownloadBlockListEntry => download(cx, call),
        other => Err(astray(other)),
    }
}

const KIND: &str = "Block list entry";

fn add(cx: &mut Cx<'_>, value: &str) -> Value {
    let id = cx.uuid();
    let value = value.trim();
    let entry = json!({
        "id": id,
        "timestamp_created": cx.now_text(),
        "organization_id": cx.workspace,
        "bl_value": value,
        "is_domain": is_domain(value),
    });
    cx.ws().block_list.put(&id, entry.clone());
    entry
}

fn is_domain(value: &str) -> bool {
    !value.contains('@')
}

/// Whether a value is shaped like an address or a domain.
fn is_sound(value: &str) -> bool {
    let value = value.trim();
    let domain = match value.split_once('@') {
        Some(("", _)) => return false,
        Some((_, domain)) => domain,
        None => value,
    };
    let mut labels = domain.split('.');
    let sound =
        |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-');
    domain.len() <= 253 && domain.contains('.') && labels.all(sound)
}

fn filter(call: &Call) -> impl Fn(&Value) -> bool + use<> {
    let domains_only = call.query_flag("domains_only").unwrap_or(false);
    let search = call.query_text("search").map(str::to_lowercase);
    move |entry: &Value| {
        let domain = entry.get("is_domain").and_then(Value::as_bool) == Some(true);
        let value = entry
            .get("bl_value")
            .and_then(Value::as_str)
            .unwrap_or_default();
        (domain || !domains_only)
            && search
                .as_ref()
                .is_none_or(|search| value.to_lowercase().contains(search))
    }
}

fn patch(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let entry = cx.ws().block_list.find_mut(&call.param, KIND)?;
    cx::merge(entry, &call.body);
    if let Some(value) = call.field_text("bl_value")
        && let Some(entry) = entry.as_object_mut()
    {
        entry.insert("is_domain".to_owned(), json!(is_domain(value)));
    }
    Reply::ok(entry.clone())
}

fn remove(cx: &mut Cx<'_>, wanted: impl Fn(&Value) -> bool) -> Answer {
    let mut removed = Vec::new();
    cx.ws().block_list.remove_where(|entry| {
        let gone = wanted(entry);
        if gone {
            removed.push(entry.clone());
        }
        gone
    });
    Reply::ok(Value::Array(removed))
}

fn bulk(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let values = call.field_list("bl_values").unwrap_or_default();
    let (valid, invalid): (Vec<_>, Vec<_>) = values.iter().partition(|value| is_sound(value));
    let items: Vec<Value> = valid.iter().map(|value| add(cx, value)).collect();
    Reply::ok(json!({
        "items": items,
        "valid_count": items.len(),
        "invalid_count": invalid.len(),
    }))
}

fn download(cx: &mut Cx<'_>, call: &Call) -> Answer {
    let wanted = filter(call);
    let mut csv = "Blocked Email,Date\r\n".to_owned();
    for entry in cx.ws().block_list.iter().filter(|entry| wanted(entry)) {
        for (name, after) in [("bl_value", ","), ("timestamp_created", "\r\n")] {
            let text = entry.get(name).and_then(Value::as_str).unwrap_or_default();
            csv.push_str(&quoted(text));
            csv.push_str(after);
        }
    }
    Ok(Reply::Csv(csv))
}

/// A field of a CSV file (RFC 4180).
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{self, call, call_as, key};

    const PATH: &str = "/api/v2/block-lists-entries";

    #[test]
    fn bulk_takes_what_is_sound_and_says_how_much_was_not() {
        let mut world = testing::world();
        let values = [
            "a.example",
            "x@b.example",
            "nonsense",
            "@",
            "a@",
            "b c.example",
        ];
        let body = json!({ "bl_values": values });
        let (status, made) = call(
            &mut world,
            "POST",
            &format!("{PATH}/bulk-create"),
            Some(body),
        );
        assert_eq!(status, 200);
        assert_eq!(
            (&made["valid_count"], &made["invalid_count"]),
            (&json!(2), &json!(4))
        );
        assert_eq!(made["items"][0]["is_domain"], true);
        assert_eq!(made["items"][1]["is_domain"], false);
        let ids = json!({ "ids": [made["items"][0]["id"], "no such id"] });
        let (_, gone) = call(
            &mut world,
            "POST",
            &format!("{PATH}/bulk-delete"),
            Some(ids),
        );
        assert_eq!(gone, json!([made["items"][0]]));
        let many = json!({ "bl_values": vec!["a.example"; 1_001] });
        assert_eq!(
            call(
                &mut world,
                "POST",
                &format!("{PATH}/bulk-create"),
                Some(many)
            )
            .0,
            400
        );
    }

    #[test]
    fn a_delete_on_the_collection_takes_what_the_filters_take() {
        let mut world = testing::world();
        let (_, before) = call(&mut world, "GET", &format!("{PATH}?limit=100"), None);
        let (_, gone) = call(
            &mut world,
            "DELETE",
            &format!("{PATH}?domains_only=true"),
            None,
        );
        assert!(
            gone.as_array()
                .unwrap()
                .iter()
                .all(|entry| entry["is_domain"] == true)
        );
        let (_, rest) = call(&mut world, "DELETE", PATH, None);
        let counts = [&gone, &rest].map(|list| list.as_array().unwrap().len());
        assert_eq!(
            counts.iter().sum::<usize>(),
            before["items"].as_array().unwrap().len()
        );
        let key = key(&world, 0, 0);
        let csv = call_as(&mut world, &key, "GET", &format!("{PATH}/download"), None);
        assert_eq!(csv.headers["content-type"], "text/csv; charset=utf-8");
        assert_eq!(&csv.body[..], b"Blocked Email,Date\r\n");
    }
}
