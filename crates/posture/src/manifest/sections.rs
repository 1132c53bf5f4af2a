//! The document, its workspaces and its thresholds.

use std::collections::BTreeSet;

use super::declared;
use super::read::Reading;
use super::reader::Table;
use super::types::{Kind, WorkspaceSpec};
use crate::block::{BlockValue, read_lines};

/// Names of whole numbers among the thresholds, with the most they may be.
pub(super) const NUMBERS: [(&str, u64); 16] = [
    ("max_managers", 10_000),
    ("look_back_days", 3_650),
    ("unused_days", 3_650),
    ("key_days", 3_650),
    ("secret_days", 3_650),
    ("invitation_days", 3_650),
    ("login_days", 3_650),
    ("mfa_failures", 1_000_000),
    ("failing_percent", 100),
    ("failing_of", 1_000_000),
    ("reconcile_hours", 87_600),
    ("quarantine", 1_000_000_000),
    ("witness_leaves", 1_000_000_000),
    ("sink_minutes", 5_256_000),
    ("disk_percent", 100),
    ("disk_mib", 1_000_000_000),
];

/// Most characters of a name of a workspace.
const NAME_MAX: usize = 64;
/// Most faulty lines of a list's file that are told.
const LINES_TOLD: usize = 20;

/// Reads a document.
pub(super) fn document(reading: &mut Reading<'_>, table: &mut Table<'_, '_>) {
    table.tables("workspace", |table| workspace(reading, table));
    table.tables("destination", |table| declared::destination(reading, table));
    if let Some(prune) = table.flag("prune_destinations") {
        reading.manifest.prune_destinations |= prune;
    }
    table.table("thresholds", |table| {
        let thresholds = &mut reading.manifest.thresholds;
        for (name, most) in NUMBERS {
            if let Some(number) = table.number(name, 0..=most) {
                thresholds.numbers.insert(name, number);
            }
        }
        if let Some(domains) = table.texts("email_domains", domain) {
            thresholds.email_domains = Some(domains);
        }
        if let Some(hosts) = table.texts("webhook_hosts", domain) {
            thresholds.webhook_hosts = Some(hosts);
        }
    });
}

/// A name as Doorward has them.
pub(super) fn name(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    let begins = text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    match begins && text.len() <= NAME_MAX && text.chars().all(plain) {
        true => Ok(text.to_owned()),
        false => Err("a name has 1 to 64 characters of a-z, 0-9, '-', '_' and '.'".to_owned()),
    }
}

fn domain(text: &str) -> Result<String, String> {
    match BlockValue::parse(text) {
        Ok(value) if value.is_domain() => Ok(value.into_string()),
        Ok(_) => Err("write a domain like example.com".to_owned()),
        Err(why) => Err(why.to_string()),
    }
}

fn workspace(reading: &mut Reading<'_>, table: &mut Table<'_, '_>) {
    let named = table.text("name", name);
    if named.is_none() {
        table.missing(
            "name",
            "say which workspace, as `doorward workspace list` has it",
        );
    }
    let named = named.unwrap_or_default();
    // What another file says of the same workspace is added to.
    let mut spec = reading
        .manifest
        .workspaces
        .remove(&named)
        .unwrap_or_default();
    let kinds = || {
        Kind::ALL
            .into_iter()
            .filter(|kind| *kind != Kind::Destination)
    };
    let prune = table.flag_or_texts(
        "prune",
        || kinds().collect(),
        |text| {
            let known: Vec<&str> = kinds().map(Kind::as_str).collect();
            kinds()
                .find(|kind| kind.as_str() == text)
                .ok_or_else(|| format!("choose true, or of {}", known.join(", ")))
        },
    );
    spec.prune.extend(prune.into_iter().flatten());
    let own: Option<BTreeSet<String>> = table.texts("own_domains", domain);
    spec.own_domains.extend(own.into_iter().flatten());
    let competitors: Option<BTreeSet<String>> = table.texts("competitor_domains", domain);
    spec.competitors.extend(competitors.into_iter().flatten());
    let subs: Option<BTreeSet<String>> = table.texts("sub_workspaces", declared::uuid);
    if let Some(subs) = subs {
        spec.sub_workspaces.get_or_insert_default().extend(subs);
    }
    table.tables("upstream_key", |table| {
        declared::upstream_key(reading, table, &named, &mut spec);
    });
    table.tables("client", |table| {
        declared::client(reading, table, &named, &mut spec)
    });
    table.tables("subscription", |table| {
        declared::subscription(reading, table, &mut spec);
    });
    table.tables("member", |table| {
        declared::member(reading, table, &named, &mut spec)
    });
    table.table("block_list", |table| block_list(reading, table, &mut spec));
    if !named.is_empty() {
        reading.manifest.workspaces.insert(named, spec);
    }
}

fn block_list(reading: &mut Reading<'_>, table: &mut Table<'_, '_>, spec: &mut WorkspaceSpec) {
    let value = |text: &str| {
        let value = BlockValue::parse(text).map_err(|why| why.to_string())?;
        Ok(value.into_string())
    };
    let mut all = spec.block_list.take().unwrap_or_default();
    let inline: Option<Vec<String>> = table.texts("values", value);
    all.extend(inline.into_iter().flatten());
    let manifest = table.file;
    let mut faulty = Vec::new();
    let read = |path: &str| (reading.files)(manifest, path).map(|text| (path.to_owned(), text));
    let files: Option<Vec<(String, String)>> = table.texts("files", read);
    for (path, text) in files.into_iter().flatten() {
        let lines = read_lines(&text);
        all.extend(lines.values.into_iter().map(BlockValue::into_string));
        faulty.extend(
            lines
                .faults
                .iter()
                .take(LINES_TOLD)
                .map(|fault| super::faults::Fault {
                    file: path.clone(),
                    line: fault.line,
                    column: 1,
                    why: "the line is no address or domain".to_owned(),
                    help: fault.why.to_string(),
                }),
        );
    }
    table.faults.extend(faulty);
    all.sort_unstable();
    all.dedup();
    spec.block_list = Some(all);
}
