//! `doorward audit show`: one entry whole, and what belongs to it.

use doorward_audit::Entry;
use doorward_ledger::log::{Reader, Record};
use doorward_ledger::{LeafId, SignedCheckpoint, leaf_hash};
use serde_json::{Value, json};

use super::folder::{Folder, entry};
use super::line;
use super::which::{Asking, holds, last_where};
use crate::cli::Show;
use crate::context::Context;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, Tone, clean};

/// How far away an entry is looked for that belongs to this one.
const NEAR: u64 = 20_000;
/// Most entries that belong to one.
const RELATED_MAX: usize = 50;

/// Runs `doorward audit show`.
pub(super) async fn run(context: &Context, show: &Show) -> Outcome {
    let output = context.output;
    let folder = Folder::of(context)?;
    let reader = folder.reader()?;
    let record = find(&reader, &show.what)?;
    let plain = entry(&record)?;
    let beside = related(&reader, &plain)?;
    let signed = folder.checkpoint()?.map(|(_, signed)| signed);
    let (shown, beside) = if show.people {
        let sequences = std::iter::once(plain.seq).chain(beside.iter().map(|one| one.seq));
        let mut asking = Asking::new(context);
        let mut clear = asking
            .in_clear(&sequences.collect::<Vec<_>>())
            .await?
            .into_iter();
        (clear.next().unwrap_or(plain), clear.collect())
    } else {
        (plain, beside)
    };
    let hash = leaf_hash(&record.leaf).to_string();
    let covered = signed.filter(|signed| signed.checkpoint.size() > record.sequence);
    if output.is_json() {
        let leaf: Value = serde_json::from_slice(&record.leaf).map_err(Failure::failed)?;
        output.value(&json!({
            "entry": shown,
            "hash": hash,
            "signed": covered.as_ref().map(|signed| signed.checkpoint.size()),
            "related": beside,
            "leaf": leaf,
        }))?;
        return Ok(Exit::Done);
    }
    fields(&shown, &hash, covered.as_ref(), output)?;
    if !beside.is_empty() {
        output.line(format_args!(
            "\n{}",
            output.paint(Tone::Strong, "beside it")
        ))?;
        line::table(&beside, output, "")?;
    }
    Ok(Exit::Done)
}

/// The record that was named: its place, its id, or the newest of a call.
fn find(reader: &Reader, what: &str) -> Result<Record, Failure> {
    if let Ok(sequence) = what.parse() {
        let leaf = reader.leaf(sequence).map_err(Failure::failed)?;
        return Ok(Record { sequence, leaf });
    }
    let id = what.parse::<LeafId>().is_ok();
    let call =
        what.starts_with("req_") && what.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric());
    let wanted = match (id, call) {
        (true, _) => format!("\"id\":\"{what}\""),
        (_, true) => format!("\"request_id\":\"{what}\""),
        _ => {
            return Err(Failure::usage(
                "say which entry: its place (1204), its id (leaf_…) or the call's name (req_…)",
            ));
        }
    };
    last_where(reader, |record| holds(&record.leaf, &wanted))?
        .ok_or_else(|| Failure::failed(format_args!("there is no {what} in the ledger")))
}

/// What belongs to an entry: the same call's, its intent, its outcome.
fn related(reader: &Reader, entry: &Entry) -> Result<Vec<Entry>, Failure> {
    let named = ["intent", "pending"].into_iter();
    let named = named.filter_map(|name| entry.metadata.get(name)?.as_str().map(str::to_owned));
    let own = entry.id.map(|id| id.to_string());
    let names: Vec<String> = named.chain(own).chain(entry.request_id.clone()).collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let start = reader.minimum().max(entry.seq.saturating_sub(NEAR));
    let mut cursor = reader.from(start).map_err(Failure::failed)?;
    let mut found = Vec::new();
    while cursor.position() <= entry.seq.saturating_add(NEAR) && found.len() < RELATED_MAX {
        let Some(record) = cursor.next().map_err(Failure::failed)? else {
            break;
        };
        let fits = names.iter().any(|name| holds(&record.leaf, name));
        if fits && record.sequence != entry.seq {
            found.push(self::entry(&record)?);
        }
    }
    Ok(found)
}

fn fields(
    entry: &Entry,
    hash: &str,
    signed: Option<&SignedCheckpoint>,
    output: Output,
) -> Result<(), Failure> {
    let text = |text: &Option<String>| Cell::from(text.as_deref().unwrap_or_default());
    // Without a person, the user is the client.
    let user = entry.user.as_ref().filter(|_| entry.user != entry.client);
    let person = match (user, entry.user_claimed) {
        (Some(user), true) => format!("{user} (as the client says)"),
        (Some(user), false) => user.clone(),
        (None, _) => String::new(),
    };
    let checkpoint = match signed {
        Some(signed) => Cell::toned(
            format_args!(
                "under the checkpoint of {} leaves",
                signed.checkpoint.size()
            ),
            Tone::Good,
        ),
        None => Cell::toned(
            "not signed yet: the next checkpoint covers it",
            Tone::Careful,
        ),
    };
    let ids = entry.resource_ids.iter();
    let ids = ids.map(|(name, id)| format!("{name} = {id}"));
    output.fields(vec![
        ("seq", Cell::toned(entry.seq, Tone::Strong)),
        ("id", text(&entry.id.map(|id| id.to_string()))),
        ("time", Cell::from(&entry.timestamp)),
        ("kind", Cell::from(&entry.kind)),
        ("action", Cell::from(&entry.action)),
        (
            "result",
            Cell::toned(line::result(entry), line::tone(entry)),
        ),
        ("decision", text(&entry.decision)),
        ("reason", text(&entry.reason)),
        ("who", text(&entry.user_type)),
        ("person", Cell::from(person)),
        ("client", text(&entry.client)),
        ("client key", text(&entry.client_key_id)),
        ("environment", text(&entry.environment)),
        ("workspace", text(&entry.workspace)),
        ("sub-workspace", text(&entry.as_workspace)),
        ("upstream key", text(&entry.upstream_key)),
        ("resource", text(&entry.resource_type)),
        ("path", text(&entry.resource)),
        ("ids", Cell::from(ids.collect::<Vec<_>>().join(", "))),
        ("request", text(&entry.request_id)),
        ("from", text(&entry.source_ip)),
        ("hash", Cell::from(hash)),
        ("checkpoint", checkpoint),
    ])?;
    for (name, value) in &entry.metadata {
        let value = match value {
            Value::String(text) => clean(text),
            other => other.to_string(),
        };
        let name = output.paint(Tone::Quiet, clean(name));
        output.line(format_args!("{name}  {value}"))?;
    }
    Ok(())
}
