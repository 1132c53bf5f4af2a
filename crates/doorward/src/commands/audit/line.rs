//! An entry as people see it: on one line, in a table.

use doorward_audit::Entry;

use crate::exit::Failure;
use crate::output::{Cell, Output, Tone, clean};

/// Characters of a subject's id that are shown in passing.
const SUBJECT_SHOWN: usize = 12;

/// Time without fractions of a second.
pub(super) fn time(entry: &Entry) -> String {
    entry.at().map_or_else(
        || clean(&entry.timestamp),
        |at| crate::commands::whole_seconds(at).to_string(),
    )
}

/// Who acted, short.
pub(super) fn who(entry: &Entry) -> String {
    let user = entry.user.as_deref().map(short).unwrap_or_default();
    let kind = entry.user_type.as_deref().unwrap_or_default();
    match (&entry.client, user.is_empty()) {
        (Some(client), _) if kind == "admin" || kind == "doorward" => {
            format!("{kind} ({client})")
        }
        (Some(client), true) => client.clone(),
        (Some(client), false) if *client == user => user,
        (Some(client), false) => format!("{client}/{user}"),
        (None, true) => kind.to_owned(),
        (None, false) => format!("{kind} {user}"),
    }
}

fn short(user: &str) -> String {
    let id = user.starts_with("sub_") && user.len() == 36;
    if id {
        user.chars().take(SUBJECT_SHOWN).collect()
    } else {
        user.to_owned()
    }
}

/// What was done, and to what when one word says it.
pub(super) fn what(entry: &Entry) -> String {
    let said = match entry.kind.as_str() {
        "state" => "state",
        "finding" => "check",
        "refusals" => "count",
        "secret_read" => "reference",
        _ => return entry.named().into_owned(),
    };
    let said = entry.metadata.get(said).map(|value| match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    match said {
        Some(said) if entry.kind == "refusals" => format!("{} ×{said}", entry.action),
        Some(said) if said != entry.action => format!("{} {said}", entry.action),
        _ => entry.action.clone(),
    }
}

/// How it ended, with the status that was answered.
pub(super) fn result(entry: &Entry) -> String {
    match entry.status {
        Some(status) => format!("{} {status}", entry.result),
        None => entry.result.clone(),
    }
}

/// What the result means.
pub(super) fn tone(entry: &Entry) -> Tone {
    match entry.result.as_str() {
        "success" => Tone::Good,
        "pending" => Tone::Quiet,
        "refused" | "unknown" => Tone::Careful,
        _ => Tone::Bad,
    }
}

/// One line: time, place, who, what, how it ended, why.
pub(super) fn line(entry: &Entry, output: Output) -> String {
    let padded = |text: String, width: usize| format!("{:<width$}", clean(&text));
    let line = format!(
        "{}  {:>7}  {}  {}  {}  {}",
        output.paint(Tone::Quiet, time(entry)),
        entry.seq,
        padded(who(entry), 22),
        padded(what(entry), 30),
        output.paint(tone(entry), padded(result(entry), 11)),
        clean(entry.reason.as_deref().unwrap_or_default()),
    );
    line.trim_end().to_owned()
}

/// A table of entries.
pub(super) fn table(entries: &[Entry], output: Output, nothing: &str) -> Result<(), Failure> {
    let rows = entries.iter().map(|entry| {
        vec![
            Cell::toned(time(entry), Tone::Quiet),
            Cell::toned(entry.seq, Tone::Strong),
            Cell::from(who(entry)),
            Cell::from(what(entry)),
            Cell::toned(result(entry), tone(entry)),
            Cell::from(entry.reason.as_deref().unwrap_or_default()),
            Cell::from(ids(entry)),
        ]
    });
    let headings = ["time", "seq", "who", "what", "result", "why", "ids"];
    output.table(&headings, rows.collect(), nothing)
}

/// Ids of what was acted on.
pub(super) fn ids(entry: &Entry) -> String {
    let ids = entry.resource_ids.iter();
    let ids = ids.map(|(name, id)| format!("{name}={}", short(id)));
    ids.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_short_and_says_whose_program_it_was() {
        let entry = |client: Option<&str>, kind: &str, user: Option<&str>| {
            who(&Entry {
                client: client.map(str::to_owned),
                user_type: Some(kind.to_owned()),
                user: user.map(str::to_owned),
                ..Entry::default()
            })
        };
        let subject = format!("sub_{}", "ab".repeat(16));
        assert_eq!(entry(Some("crm"), "client", Some("crm")), "crm");
        assert_eq!(
            entry(Some("crm"), "client", Some(&subject)),
            "crm/sub_abababab"
        );
        assert_eq!(entry(None, "admin", Some(&subject)), "admin sub_abababab");
        assert_eq!(entry(Some("crm"), "admin", Some(&subject)), "admin (crm)");
        assert_eq!(entry(None, "stranger", None), "stranger");
    }
}
