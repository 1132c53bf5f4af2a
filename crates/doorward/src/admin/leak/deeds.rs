//! Gathering what a leaked key did, by the ledger.

use std::collections::BTreeMap;

use doorward_audit::{Audit, Filter, Unsealed, find};
use doorward_ledger::log::Record;
use doorward_ledger::{Event, Leaf, ReadLeaf, Sealed, Text, Verdict};
use doorward_policy::Timestamp;

use super::types::LeakDeeds;
use crate::admin::error::AdminError;
use crate::admin::service::{Admin, Handle};
use crate::admin::upstream::read_log;
use crate::leak::{Address, Deeds, Found, OfOperation, Through};

/// Records that are read at once, and leaves that are looked at for them.
const PAGE: usize = 4_096;
const LOOK: u64 = 65_536;
/// Most leaves that are looked at in all.
const LEAVES_MAX: u64 = 20_000_000;
/// Most rows of each kind that are listed.
pub(super) const LISTED_MAX: usize = 1_000;

impl Handle<LeakDeeds> for Admin {
    fn handle(&self, call: LeakDeeds) -> Result<Deeds, AdminError> {
        let audit = self.parts.audit.get()?;
        let mut unknown = Vec::new();
        if let Found::UpstreamKey(key) = &call.found
            && !key.workspace_id.is_empty()
        {
            // What was done in the last moments is the most telling.
            let workspace = self.store().workspace(&key.workspace_id)?;
            let logs = self.logs(std::slice::from_ref(&workspace))?;
            read_log(&audit, &logs, &workspace, &mut unknown)?;
        }
        let now = audit.now();
        let through = through(&audit, &call.found, call.since, &mut unknown)?;
        let around = match &call.found {
            Found::ClientKey(_) => None,
            Found::UpstreamKey(key) => {
                Some(self.around(&audit, key, call.since, now, &mut unknown)?)
            }
        };
        Ok(Deeds {
            since: call.since,
            until: now,
            through,
            around,
            unknown,
        })
    }
}

/// The last call under a key from then on, or the last time that it was presented at the gateway's door.
///
/// # Errors
/// When the ledger can't be read.
pub(in crate::admin) fn last_use(
    audit: &Audit,
    found: &Found,
    since: Timestamp,
) -> Result<Option<Timestamp>, AdminError> {
    let through = through(audit, found, since, &mut Vec::new())?;
    let presented = through.presented.iter().map(|one| one.last).max();
    Ok(through.last.max(presented))
}

/// Looks through the ledger for calls under the key, and for the key at the door.
fn through(
    audit: &Audit,
    found: &Found,
    since: Timestamp,
    unknown: &mut Vec<String>,
) -> Result<Through, AdminError> {
    let reader = audit.reader();
    let filter = Filter {
        since: Some(since),
        ..Filter::default()
    };
    let mut told = Telling {
        audit,
        found,
        through: Through::default(),
        operations: BTreeMap::new(),
        addresses: Counted::default(),
        presented: Counted::default(),
        opened: BTreeMap::new(),
    };
    let (mut next, mut looked_at) = (Some(reader.minimum()), 0);
    while let Some(from) = next {
        if looked_at >= LEAVES_MAX {
            unknown.push("the ledger has more leaves than are looked at: say --since".to_owned());
            break;
        }
        let page = find(&reader, &filter, from, PAGE, LOOK)?;
        looked_at += page.looked_at;
        for record in &page.records {
            told.take(record)?;
        }
        next = page.next;
    }
    let Telling {
        mut through,
        operations,
        addresses,
        presented,
        ..
    } = told;
    through.operations = operations.into_values().collect();
    through
        .operations
        .sort_by_key(|one| std::cmp::Reverse(one.calls));
    through.operations.truncate(LISTED_MAX);
    through.addresses = addresses.listed();
    through.presented = presented.listed();
    Ok(through)
}

struct Telling<'a> {
    audit: &'a Audit,
    found: &'a Found,
    through: Through,
    operations: BTreeMap<(String, Option<String>), OfOperation>,
    addresses: Counted,
    presented: Counted,
    /// What subjects stand for: each is opened once.
    opened: BTreeMap<String, String>,
}

impl Telling<'_> {
    fn take(&mut self, record: &Record) -> Result<(), AdminError> {
        let Ok(ReadLeaf::Known(leaf)) = ReadLeaf::from_bytes(&record.leaf) else {
            return Ok(());
        };
        let (at, act) = (leaf.at, &leaf.act);
        if act.action == "gateway.upstream_key_presented" && self.is_presented(&leaf) {
            if let Some(address) = self.address(&leaf)? {
                self.presented.add(&address, at);
            }
            return Ok(());
        }
        let mine = match self.found {
            Found::ClientKey(key) => act.client_key.as_ref() == Some(&key.id),
            Found::UpstreamKey(key) => key.key_id.is_some() && act.upstream_key == key.key_id,
        };
        // A call has one leaf that tells how it ended: its outcome, or the decision that refused it.
        let operation = match &leaf.event {
            Event::Outcome { operation, .. } => operation.clone(),
            Event::Decision { operation, .. } if act.result == Verdict::Refused => {
                operation.clone()
            }
            _ => return Ok(()),
        };
        if !mine {
            return Ok(());
        }
        let failed = act.result != Verdict::Success;
        let through = &mut self.through;
        through.calls += 1;
        through.failed += u64::from(failed);
        through.first = Some(through.first.map_or(at, |first| first.min(at)));
        through.last = Some(through.last.map_or(at, |last| last.max(at)));
        let operation = operation.unwrap_or_else(|| act.action.clone());
        let place = (operation.clone(), act.client.clone());
        let one = self.operations.entry(place).or_insert_with(|| OfOperation {
            operation,
            client: act.client.clone(),
            calls: 0,
            failed: 0,
            first: at,
            last: at,
        });
        one.calls += 1;
        one.failed += u64::from(failed);
        one.first = one.first.min(at);
        one.last = one.last.max(at);
        if let Some(address) = self.address(&leaf)? {
            self.addresses.add(&address, at);
        }
        Ok(())
    }

    fn is_presented(&self, leaf: &Leaf) -> bool {
        let Found::UpstreamKey(key) = self.found else {
            return false;
        };
        let id = |name: &str| {
            let resource = leaf.act.resource.as_ref()?;
            match resource.ids.get(name)? {
                Text::Clear(text) => Some(text.as_str()),
                Text::Sealed(_) => None,
            }
        };
        let same =
            |name, wanted: &Option<String>| wanted.is_some() && id(name) == wanted.as_deref();
        same("fingerprint", &key.fingerprint) || same("upstream_key_id", &key.key_id)
    }

    /// Where a call came from.
    fn address(&mut self, leaf: &Leaf) -> Result<Option<String>, AdminError> {
        let Some(sealed) = &leaf.act.source else {
            return Ok(None);
        };
        let sealed: &Sealed = sealed;
        let subject = sealed.subject.to_string();
        if let Some(known) = self.opened.get(&subject) {
            return Ok(Some(known.clone()));
        }
        let opened = match self.audit.unseal(leaf.id, "source", sealed)? {
            Unsealed::Value(value) => String::from_utf8_lossy(&value).into_owned(),
            Unsealed::Erased => format!("{subject} (erased)"),
            Unsealed::Unreadable => format!("{subject} (unreadable)"),
        };
        self.opened.insert(subject, opened.clone());
        Ok(Some(opened))
    }
}

/// How often which address was seen.
#[derive(Default)]
pub(super) struct Counted(BTreeMap<String, Address>);

impl Counted {
    pub(super) fn add(&mut self, address: &str, at: Timestamp) {
        let one = self.0.entry(address.to_owned()).or_insert_with(|| Address {
            address: address.to_owned(),
            calls: 0,
            first: at,
            last: at,
        });
        one.calls += 1;
        one.first = one.first.min(at);
        one.last = one.last.max(at);
    }

    /// The most frequent first.
    pub(super) fn listed(self) -> Vec<Address> {
        let mut all: Vec<Address> = self.0.into_values().collect();
        all.sort_by_key(|one| std::cmp::Reverse(one.calls));
        all.truncate(LISTED_MAX);
        all
    }
}
