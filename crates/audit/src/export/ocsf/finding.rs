//! Findings of checks and scans: Detection Finding.

use serde_json::{Value, json};

use super::activity::Activity;
use super::{base, object, resources, said, unmapped};
use crate::entry::Entry;

/// The event.
pub(super) fn event(entry: &Entry) -> Value {
    const CLASS: (u32, &str) = (2004, "Detection Finding");
    let (activity, name, status, status_name) = match said(entry, "state") {
        Some("open") => (1, "Create", 1, "New"),
        Some("accepted") => (2, "Update", 3, "Suppressed"),
        Some("mended") => (3, "Close", 4, "Resolved"),
        _ => (0, "Unknown", 0, "Unknown"),
    };
    let did = Activity {
        id: activity,
        name: name.to_owned(),
    };
    let mut event = base(entry, CLASS, (2, "Findings"), &did);
    // The captions of this class's activities are not those of API Activity.
    event.put("type_name", format!("{}: {name}", CLASS.1));
    event.put("status_id", status);
    event.put("status", status_name);
    event.put_some("status_detail", entry.reason.clone());
    let check = said(entry, "check").unwrap_or("unknown");
    event.put(
        "finding_info",
        object([
            // The same as long as it is the same finding: not the leaf, which tells of it.
            ("uid", finding_uid(entry, check).into()),
            ("title", check.into()),
            ("types", json!([entry.action])),
        ]),
    );
    event.put_some("resources", resources(entry));
    event.put("unmapped", unmapped(entry));
    Value::Object(event.0)
}

fn finding_uid(entry: &Entry, check: &str) -> String {
    let mut uid = check.to_owned();
    for id in entry.workspace.iter().chain(entry.resource_ids.values()) {
        uid.push('/');
        uid.push_str(id);
    }
    uid
}
