//! CSV as in RFC 4180: lines end with CR LF, the header is the first.

use crate::entry::Entry;

/// The columns, in order. New ones come at the end.
const COLUMNS: [&str; 25] = [
    "seq",
    "timestamp",
    "kind",
    "action",
    "result",
    "id",
    "user",
    "user_type",
    "user_claimed",
    "client",
    "client_key_id",
    "environment",
    "workspace",
    "as_workspace",
    "operation",
    "resource",
    "resource_type",
    "resource_ids",
    "decision",
    "reason",
    "status",
    "request_id",
    "source_ip",
    "upstream_key",
    "metadata",
];

/// The header line.
pub(super) fn header() -> Vec<u8> {
    record(COLUMNS.into_iter().map(str::to_owned))
}

/// The entry's line. What is a map is JSON in its cell.
pub(super) fn line(entry: &Entry) -> Vec<u8> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let json = |empty: bool, value: serde_json::Result<String>| match empty {
        true => String::new(),
        false => value.unwrap_or_default(),
    };
    record(
        [
            entry.seq.to_string(),
            entry.timestamp.clone(),
            entry.kind.clone(),
            entry.action.clone(),
            entry.result.clone(),
            entry.id.map(|id| id.to_string()).unwrap_or_default(),
            text(&entry.user),
            text(&entry.user_type),
            entry.user_claimed.to_string(),
            text(&entry.client),
            text(&entry.client_key_id),
            text(&entry.environment),
            text(&entry.workspace),
            text(&entry.as_workspace),
            text(&entry.operation),
            text(&entry.resource),
            text(&entry.resource_type),
            json(
                entry.resource_ids.is_empty(),
                serde_json::to_string(&entry.resource_ids),
            ),
            text(&entry.decision),
            text(&entry.reason),
            entry
                .status
                .map(|status| status.to_string())
                .unwrap_or_default(),
            text(&entry.request_id),
            text(&entry.source_ip),
            text(&entry.upstream_key),
            json(
                entry.metadata.is_empty(),
                serde_json::to_string(&entry.metadata),
            ),
        ]
        .into_iter(),
    )
}

fn record(cells: impl Iterator<Item = String>) -> Vec<u8> {
    let mut line = cells.map(|text| cell(&text)).collect::<Vec<_>>().join(",");
    line.push_str("\r\n");
    line.into_bytes()
}

/// What a cell begins with that a spreadsheet would calculate; some read the wide forms as well.
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// A cell. One that a spreadsheet would calculate gets an apostrophe before it.
fn cell(text: &str) -> String {
    let formula = text.starts_with(FORMULA);
    let quoted = formula || text.contains([',', '"', '\r', '\n']) || text.trim() != text;
    if !quoted {
        return text.to_owned();
    }
    let guard = if formula { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a reader of RFC 4180 makes of a file.
    fn parse(text: &str) -> Vec<Vec<String>> {
        let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
        let mut chars = text.chars().peekable();
        let mut quoted = false;
        while let Some(char) = chars.next() {
            match char {
                '"' if quoted && chars.peek() == Some(&'"') => {
                    chars.next();
                    cell.push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => row.push(std::mem::take(&mut cell)),
                '\r' if !quoted => {
                    assert_eq!(chars.next(), Some('\n'));
                    row.push(std::mem::take(&mut cell));
                    rows.push(std::mem::take(&mut row));
                }
                char => cell.push(char),
            }
        }
        assert!(!quoted && row.is_empty() && cell.is_empty());
        rows
    }

    #[test]
    fn the_header_has_a_name_for_each_cell_and_each_member_of_an_entry() {
        let row = String::from_utf8(line(&Entry::default())).unwrap();
        assert_eq!(parse(&row)[0].len(), COLUMNS.len());
        let full = serde_json::json!({
            "seq": 1, "timestamp": "", "kind": "", "action": "", "result": "",
            "id": "leaf_00000000000000000000000000000001", "user": "", "user_type": "",
            "user_claimed": true, "client": "", "client_key_id": "", "environment": "",
            "workspace": "", "as_workspace": "", "operation": "", "resource": "",
            "resource_type": "", "resource_ids": {"a": "b"}, "decision": "", "reason": "",
            "status": 200, "request_id": "", "source_ip": "", "upstream_key": "",
            "metadata": {"a": 1},
        });
        let entry: Entry = serde_json::from_value(full).unwrap();
        let mut names = COLUMNS.to_vec();
        names.sort_unstable();
        let written = serde_json::to_value(&entry).unwrap();
        let mut members: Vec<_> = written.as_object().unwrap().keys().cloned().collect();
        members.sort_unstable();
        assert_eq!(members, names);
    }

    #[test]
    fn formulas_are_defused() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            assert!(cell(formula).starts_with("\"'"), "{formula:?}");
        }
        assert_eq!(cell("a=1"), "a=1");
        assert_eq!(cell("say \"hi\", Ann"), "\"say \"\"hi\"\", Ann\"");
    }

    proptest! {
        #[test]
        fn any_text_comes_back_and_begins_no_formula(user in any::<String>(), reason in any::<String>()) {
            let entry = Entry { user: Some(user.clone()), reason: Some(reason.clone()), ..Entry::default() };
            let rows = parse(&String::from_utf8(line(&entry)).unwrap());
            prop_assert_eq!(rows.len(), 1);
            for (column, text) in [("user", user), ("reason", reason)] {
                let at = COLUMNS.iter().position(|name| *name == column).unwrap();
                let found = &rows[0][at];
                prop_assert!(!found.starts_with(FORMULA));
                prop_assert_eq!(found.strip_prefix('\'').filter(|_| !text.starts_with('\'')).unwrap_or(found), &text);
            }
        }
    }
}
