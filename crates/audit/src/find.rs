//! Finding entries: by what they say, and by when.

use doorward_ledger::log::{Reader, Record};
use doorward_ledger::{Leaf, ReadLeaf, SubjectId, Verdict};
use doorward_policy::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::in_time::{End, first_fit};

/// Which entries. What is not said fits all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// From this time on.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// Leaf kind, such as `outcome`.
    pub kind: Option<String>,
    /// Name of the client.
    pub client: Option<String>,
    /// Doorward's id of the workspace.
    pub workspace: Option<String>,
    /// Operation's id, or action.
    pub action: Option<String>,
    /// How it ended.
    pub result: Option<Verdict>,
    /// Why it was refused or failed.
    pub reason: Option<String>,
    /// The call's name.
    pub request_id: Option<String>,
    /// Somebody who is in it.
    pub subject: Option<SubjectId>,
}

impl Filter {
    /// Whether a record fits. A leaf of a newer version fits only a filter that says nothing.
    pub fn fits(&self, record: &Record) -> bool {
        if !self.may_fit(&record.leaf) {
            return false;
        }
        if let Some(subject) = self.subject {
            let name = subject.to_string();
            let mut windows = record.leaf.windows(name.len());
            if !windows.any(|window| window == name.as_bytes()) {
                return false;
            }
        }
        match ReadLeaf::from_bytes(&record.leaf) {
            Ok(ReadLeaf::Known(leaf)) => self.fits_leaf(&leaf),
            _ => {
                *self
                    == Self {
                        subject: self.subject,
                        ..Self::default()
                    }
            }
        }
    }

    /// Whether a leaf's bytes hold what is asked for, wherever: most leaves need no parsing then.
    fn may_fit(&self, leaf: &[u8]) -> bool {
        let texts = [
            &self.kind,
            &self.client,
            &self.workspace,
            &self.action,
            &self.reason,
            &self.request_id,
        ];
        texts.into_iter().flatten().all(|text| {
            // What JSON may write another way is not looked for.
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
            let mut windows = leaf.windows(text.len().max(1));
            text.is_empty()
                || !text.bytes().all(plain)
                || windows.any(|window| window == text.as_bytes())
        })
    }

    fn fits_leaf(&self, leaf: &Leaf) -> bool {
        let act = &leaf.act;
        let same = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_deref().is_none_or(|wanted| found == Some(wanted))
        };
        self.since.is_none_or(|since| leaf.at >= since)
            && self.until.is_none_or(|until| leaf.at < until)
            && same(&self.client, act.client.as_deref())
            && same(&self.workspace, act.workspace.as_deref())
            && same(&self.action, Some(&act.action))
            && same(&self.reason, act.reason.as_deref())
            && same(&self.request_id, act.request_id.as_deref())
            && self.result.is_none_or(|result| act.result == result)
            && (self.kind.is_none() || same(&self.kind, kind_of(leaf).as_deref()))
    }
}

/// What was found, and where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The records that fit, in order.
    pub records: Vec<Record>,
    /// Where to go on; `None` when there is no more.
    pub next: Option<u64>,
    /// Leaves looked at.
    pub looked_at: u64,
}

/// Records that fit, from `from` on: at most `limit` of them, looking at no more than `budget`
/// leaves.
///
/// # Errors
/// When the ledger can't be read.
pub fn find(
    reader: &Reader,
    filter: &Filter,
    from: u64,
    limit: usize,
    budget: u64,
) -> Result<Found> {
    let mut found = Found {
        records: Vec::new(),
        next: None,
        looked_at: 0,
    };
    let start = from.max(first_fit(reader, filter)?);
    let mut cursor = reader.from(start)?;
    let mut end = End::new(reader, filter);
    loop {
        if found.records.len() >= limit || found.looked_at >= budget {
            found.next = Some(cursor.position());
            return Ok(found);
        }
        let Some(record) = cursor.next()? else {
            return Ok(found);
        };
        found.looked_at += 1;
        if end.is_before(&record)? {
            return Ok(found);
        }
        if filter.fits(&record) {
            found.records.push(record);
        }
    }
}

/// The last `count` records that fit, looking back over no more than `budget` leaves; in order.
///
/// # Errors
/// When the ledger can't be read.
pub fn find_last(
    reader: &Reader,
    filter: &Filter,
    count: usize,
    budget: u64,
) -> Result<Vec<Record>> {
    const STEP: u64 = 256;
    let mut found: Vec<Record> = Vec::new();
    let mut end = reader.size();
    let least = reader.minimum().max(end.saturating_sub(budget));
    while end > least && found.len() < count {
        let start = least.max(end.saturating_sub(1) / STEP * STEP);
        let mut cursor = reader.from(start)?;
        let mut chunk = Vec::new();
        while cursor.position() < end {
            let Some(record) = cursor.next()? else { break };
            if record.sequence < end && filter.fits(&record) {
                chunk.push(record);
            }
        }
        let wanted = count.saturating_sub(found.len());
        let skipped = chunk.len().saturating_sub(wanted);
        found.splice(0..0, chunk.drain(skipped..));
        end = start;
    }
    Ok(found)
}

fn kind_of(leaf: &Leaf) -> Option<String> {
    let value = serde_json::to_value(&leaf.event).ok()?;
    value.get("kind")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use doorward_ledger::{Act, Event, LeafId};
    use proptest::prelude::*;

    fn record(client: &str, reason: &str) -> Record {
        let mut act = Act::new("createLead", Verdict::Refused);
        act.client = Some(client.to_owned());
        act.reason = Some(reason.to_owned());
        let at = Timestamp::from_seconds(1_800_000_000);
        let leaf = Leaf::new(LeafId::from_random([1; 16]), at, act, Event::Admin);
        Record {
            sequence: 0,
            leaf: leaf.to_bytes().unwrap().as_bytes().to_vec(),
        }
    }

    proptest! {
        #[test]
        fn what_a_leaf_says_is_found_however_json_writes_it(
            client in ".{0,8}",
            reason in "[a-z_\"\\\\/é\n]{0,6}",
        ) {
            let record = record(&client, &reason);
            let filter = |client: &str, reason: &str| Filter {
                client: Some(client.to_owned()),
                reason: Some(reason.to_owned()),
                kind: Some("admin".to_owned()),
                action: Some("createLead".to_owned()),
                ..Filter::default()
            };
            prop_assert!(filter(&client, &reason).fits(&record));
            let (other_client, other_reason) = (client.clone() + "x", reason.clone() + "x");
            prop_assert!(!filter(&other_client, &reason).fits(&record));
            prop_assert!(!filter(&client, &other_reason).fits(&record));
        }
    }
}
