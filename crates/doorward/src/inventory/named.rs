//! Calls that Instantly's log names, held against the ledger: whoever holds a key can write what looks
//! like such a name.

use std::collections::{HashMap, HashSet};

use doorward_audit::reconcile::{TheirRecord, Windows};
use doorward_audit::{AuditError, Filter, find};
use doorward_ledger::ReadLeaf;
use doorward_ledger::log::Reader;
use doorward_policy::Timestamp;

/// Records that are read at once, and leaves that are looked at for them.
const PAGE: usize = 4_096;
const LOOK: u64 = 65_536;
/// Most leaves that are looked at in all.
const LEAVES_MAX: u64 = 20_000_000;

/// The calls of the ledger by their names: under which key they went out (Doorward's id), and when.
pub(crate) struct NamedCalls(HashMap<String, Vec<(String, Timestamp)>>);

impl NamedCalls {
    /// Looks for the calls that these records name, at about the time of the records; and whether all of
    /// the ledger of that time was looked at.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub(crate) fn read<'r>(
        reader: &Reader,
        records: impl Iterator<Item = &'r TheirRecord>,
    ) -> Result<(Self, bool), AuditError> {
        let mut names = HashSet::new();
        let mut span: Option<(Timestamp, Timestamp)> = None;
        for record in records {
            if let Some(name) = &record.mark {
                names.insert(name.clone());
                let (first, last) = span.unwrap_or((record.at, record.at));
                span = Some((first.min(record.at), last.max(record.at)));
            }
        }
        let mut calls: HashMap<String, Vec<(String, Timestamp)>> = HashMap::new();
        let mut next = span.map(|_| reader.minimum());
        // A record may be later than its call, and clocks differ.
        let longest = Windows::default().longest();
        let filter = Filter {
            since: span.map(|(first, _)| first.plus_millis(-longest)),
            until: span.map(|(_, last)| last.plus_millis(longest)),
            ..Filter::default()
        };
        let mut looked_at = 0;
        while let Some(from) = next {
            if looked_at >= LEAVES_MAX {
                return Ok((Self(calls), false));
            }
            let found = find(reader, &filter, from, PAGE, LOOK)?;
            looked_at += found.looked_at;
            for record in &found.records {
                let Ok(ReadLeaf::Known(leaf)) = ReadLeaf::from_bytes(&record.leaf) else {
                    continue;
                };
                let act = leaf.act;
                if let (Some(name), Some(key)) = (act.request_id, act.upstream_key)
                    && names.contains(&name)
                {
                    calls.entry(name).or_default().push((key, leaf.at));
                }
            }
            next = found.next;
        }
        Ok((Self(calls), true))
    }

    /// Whether a record is the trace of a call of ours: it names one that went out about then under a
    /// key that is the record's.
    pub(crate) fn has(&self, record: &TheirRecord, is_its_key: impl Fn(&str) -> bool) -> bool {
        let windows = Windows::default();
        let Some(calls) = record.mark.as_ref().and_then(|mark| self.0.get(mark)) else {
            return false;
        };
        calls.iter().any(|(key, at)| {
            let late = record.at.millis_since(*at);
            is_its_key(key) && (-windows.longest()..=windows.longest()).contains(&late)
        })
    }
}
