//! ArcSight's Common Event Format, version 0.

use std::net::IpAddr;

use doorward_catalog::Op;

use super::ocsf::severity;
use crate::entry::Entry;

/// The entry's line.
pub(super) fn line(entry: &Entry) -> Vec<u8> {
    let header = [
        "CEF:0",
        "Doorward",
        "Doorward",
        env!("CARGO_PKG_VERSION"),
        &header_value(&entry.named()),
        &header_value(&entry.told()),
        // Of 10; OCSF's goes to 5.
        &(severity(entry) * 2).to_string(),
    ]
    .join("|");
    let extension: Vec<_> = extension(entry)
        .into_iter()
        .map(|(key, value)| format!("{key}={}", extension_value(&value)))
        .collect();
    format!("{header}|{}\n", extension.join(" ")).into_bytes()
}

/// Keys of the format's dictionary; what it has none for goes into its numbered ones with a label.
fn extension(entry: &Entry) -> Vec<(&'static str, String)> {
    let mut pairs = vec![
        ("externalId", entry.seq.to_string()),
        ("cat", entry.kind.clone()),
        ("outcome", entry.result.clone()),
    ];
    let mut add = |key, value: &Option<String>| {
        if let Some(value) = value {
            pairs.push((key, value.clone()));
        }
    };
    let at = entry.at().map(|at| at.millis().to_string());
    let method = entry.operation.as_deref().and_then(Op::from_id);
    let method = method.map(|op| op.facts().method.as_str().to_owned());
    let address = entry.source_ip.as_deref();
    let address = address.and_then(|text| text.parse::<IpAddr>().ok());
    add("rt", &at);
    add("act", &entry.decision);
    add("reason", &entry.reason);
    add("suser", &entry.user);
    match address {
        Some(IpAddr::V4(_)) => add("src", &entry.source_ip),
        Some(IpAddr::V6(_)) => add("c6a2", &entry.source_ip),
        None => add("shost", &entry.source_ip),
    }
    if matches!(address, Some(IpAddr::V6(_))) {
        add("c6a2Label", &Some("Source IPv6 Address".to_owned()));
    }
    add("requestMethod", &method);
    add("request", &entry.resource);
    let labelled = [
        ("cs1", "cs1Label", "client", entry.client.clone()),
        ("cs2", "cs2Label", "workspace", entry.workspace.clone()),
        ("cs3", "cs3Label", "environment", entry.environment.clone()),
        ("cs4", "cs4Label", "leaf", entry.id.map(|id| id.to_string())),
        ("cs5", "cs5Label", "requestId", entry.request_id.clone()),
        (
            "cs6",
            "cs6Label",
            "resourceIds",
            (!entry.resource_ids.is_empty())
                .then(|| serde_json::to_string(&entry.resource_ids).unwrap_or_default()),
        ),
        (
            "cn1",
            "cn1Label",
            "status",
            entry.status.map(|status| status.to_string()),
        ),
    ];
    for (key, label, name, value) in labelled {
        if value.is_some() {
            add(key, &value);
            add(label, &Some(name.to_owned()));
        }
    }
    if !entry.metadata.is_empty() {
        pairs.push((
            "msg",
            serde_json::to_string(&entry.metadata).unwrap_or_default(),
        ));
    }
    pairs
}

/// In the header, a bar and a backslash are escaped and lines can't be broken.
fn header_value(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace(['\r', '\n'], " ")
}

/// In the extension, an equals sign and a backslash are escaped; a broken line is written as such.
fn extension_value(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('=', "\\=")
        .replace('\r', "\\r")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn is_escaped_by_where_it_stands() {
        let entry = Entry {
            seq: 7,
            timestamp: "2027-01-15T08:00:00Z".to_owned(),
            kind: "outcome".to_owned(),
            action: "a|b\\c".to_owned(),
            result: "success".to_owned(),
            user: Some("x=1\ny".to_owned()),
            ..Entry::default()
        };
        assert_eq!(
            String::from_utf8(line(&entry)).unwrap(),
            format!(
                "CEF:0|Doorward|Doorward|{}|a\\|b\\\\c|a\\|b\\\\c: success|2|\
                 externalId=7 cat=outcome outcome=success rt=1800000000000 suser=x\\=1\\ny\n",
                env!("CARGO_PKG_VERSION")
            )
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_a_second_line_or_another_key(action in any::<String>(), user in any::<String>()) {
            let entry = Entry { action, user: Some(user), ..Entry::default() };
            let text = String::from_utf8(line(&entry)).unwrap();
            prop_assert_eq!(text.matches('\n').count(), 1);
            prop_assert!(!text.contains('\r'));
            let unescaped = |text: &str, wanted: char| {
                let mut escaped = false;
                let mut found = Vec::new();
                for (at, char) in text.char_indices() {
                    if char == wanted && !escaped {
                        found.push(at);
                    }
                    escaped = char == '\\' && !escaped;
                }
                found
            };
            let extension = &text[unescaped(&text, '|')[6] + 1..];
            prop_assert!(extension.starts_with("externalId="));
            // externalId, cat, outcome, suser
            prop_assert_eq!(unescaped(extension, '=').len(), 4);
        }
    }
}
