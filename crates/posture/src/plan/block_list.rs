//! Steps for the block list, which may have a million entries.

use std::collections::HashMap;

use doorward_catalog::Risk;

use super::make::{Draft, Of};
use super::present::BlockedNow;
use super::step::{Act, Changed, Sign};
use crate::block::BlockValue;
use crate::manifest::Kind;

const BLOCK: u16 = 60;
const UNBLOCK: u16 = 84;
const KIND: Kind = Kind::BlockList;
/// Most values that people are shown.
const SHOWN: usize = 10;

pub(super) fn plan(of: &mut Of<'_, '_, '_>) {
    let declared = of.spec.blocked();
    let prunes = of.spec.prune.contains(&KIND);
    let Some(there) = of.looked(KIND, &of.there.block_list, declared.is_some() || prunes) else {
        return;
    };
    let declared = declared.unwrap_or_default();
    let mut known: HashMap<String, &BlockedNow> = HashMap::with_capacity(there.len());
    let mut again: Vec<&BlockedNow> = Vec::new();
    for entry in there {
        let value = plain(entry);
        if let Some(before) = known.insert(value, entry) {
            again.push(before);
        }
    }
    let new = declared.iter().filter(|value| !known.contains_key(*value));
    let new: Vec<String> = new.cloned().collect();
    if !new.is_empty() {
        of.step(Draft {
            kind: KIND,
            name: "block".to_owned(),
            sign: Sign::Make,
            risk: Risk::Low,
            rank: BLOCK,
            changes: vec![Changed {
                field: "blocked",
                from: String::new(),
                to: few(new.iter().map(String::as_str)),
            }],
            told: Vec::new(),
            act: Act::Block { values: new },
        });
    }
    for value in &declared {
        known.remove(value);
    }
    let mut extra: Vec<(String, &BlockedNow)> = known.into_iter().collect();
    if extra.is_empty() || !of.prunes(KIND) {
        return;
    }
    extra.sort_by(|one, other| one.0.cmp(&other.0));
    let gone: std::collections::HashSet<&str> =
        extra.iter().map(|(value, _)| value.as_str()).collect();
    // A value that goes goes with all its entries.
    let twins = again
        .iter()
        .filter(|entry| gone.contains(plain(entry).as_str()));
    let twins: Vec<String> = twins.map(|entry| entry.id.clone()).collect();
    let shown = few(extra.iter().map(|(value, _)| value.as_str()));
    let mut ids: Vec<String> = extra.iter().map(|(_, entry)| entry.id.clone()).collect();
    ids.extend(twins);
    ids.sort_unstable();
    ids.dedup();
    of.step(Draft {
        kind: KIND,
        name: "unblock".to_owned(),
        sign: Sign::Remove,
        risk: Risk::High,
        rank: UNBLOCK,
        changes: vec![Changed {
            field: "blocked",
            from: shown,
            to: String::new(),
        }],
        told: vec!["whoever this is may be written to again".to_owned()],
        act: Act::Unblock { ids },
    });
}

/// How many they are, and the first of them.
fn few<'v>(values: impl ExactSizeIterator<Item = &'v str>) -> String {
    let count = values.len();
    let first: Vec<&str> = values.take(SHOWN).collect();
    let more = match count.saturating_sub(first.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", first.join(", "))
}

/// A value in the form that declared ones have; what is none stays as it is.
fn plain(entry: &BlockedNow) -> String {
    let value = BlockValue::parse(&entry.value);
    value.map_or_else(|_| entry.value.clone(), BlockValue::into_string)
}
