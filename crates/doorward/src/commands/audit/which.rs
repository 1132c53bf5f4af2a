//! Which entries are asked for: names turned into what leaves hold.

use std::collections::VecDeque;

use doorward_audit::{Entry, Filter, find, find_last};
use doorward_ledger::SubjectId;
use doorward_ledger::log::{Reader, Record};

use crate::admin::{AuditFind, AuditShow, FoundPerson, SHOWN_MAX, Session, WorkspaceShow};
use crate::cli::{Filters, Person};
use crate::context::Context;
use crate::exit::Failure;

/// Records that are read at once.
const PAGE: usize = 4_096;
/// Leaves that are looked at for one page.
const LOOK: u64 = 65_536;

/// The state, opened when it is first asked.
pub(super) struct Asking<'c> {
    context: &'c Context,
    session: Option<Session>,
}

impl<'c> Asking<'c> {
    /// Nothing is opened yet.
    pub(super) const fn new(context: &'c Context) -> Self {
        Self {
            context,
            session: None,
        }
    }

    /// Who carries requests out.
    ///
    /// # Errors
    /// When nobody can.
    pub(super) async fn session(&mut self) -> Result<&Session, Failure> {
        let session = match self.session.take() {
            Some(session) => session,
            None => Session::open(self.context).await?,
        };
        Ok(self.session.insert(session))
    }

    /// The subjects that stand for somebody. Looking is recorded.
    ///
    /// # Errors
    /// When the state can't be asked.
    pub(super) async fn person(&mut self, person: &Person) -> Result<Vec<FoundPerson>, Failure> {
        if let Ok(subject) = person.0.parse::<SubjectId>() {
            let kind = String::new();
            return Ok(vec![FoundPerson { subject, kind }]);
        }
        let call = AuditFind {
            person: person.0.clone(),
        };
        self.session().await?.call(call).await
    }

    /// Entries with people in clear, in the order of `sequences`. Looking is recorded.
    ///
    /// # Errors
    /// When the state can't be asked.
    pub(super) async fn in_clear(&mut self, sequences: &[u64]) -> Result<Vec<Entry>, Failure> {
        let mut entries = Vec::with_capacity(sequences.len());
        for some in sequences.chunks(SHOWN_MAX) {
            let call = AuditShow {
                sequences: some.to_vec(),
            };
            entries.extend(self.session().await?.call(call).await?);
        }
        Ok(entries)
    }
}

/// Which entries: those that fit any of the filters.
pub(super) struct Which(Vec<Filter>);

impl Which {
    /// What was typed. A person who is not in the record fits nothing.
    ///
    /// # Errors
    /// When the state can't be asked, or there is no such workspace.
    pub(super) async fn of(asking: &mut Asking<'_>, typed: &Filters) -> Result<Self, Failure> {
        let typed = typed.clone();
        let workspace = match typed.workspace {
            Some(name) if !name.starts_with("ws_") => {
                let call = WorkspaceShow { name: Some(name) };
                Some(asking.session().await?.call(call).await?.id)
            }
            id => id,
        };
        let filter = Filter {
            since: typed.since.map(|moment| moment.0),
            until: typed.until.map(|moment| moment.0),
            kind: typed.kind,
            client: typed.client,
            workspace,
            action: typed.action,
            result: typed.result,
            reason: typed.reason,
            request_id: typed.request_id,
            subject: None,
        };
        let Some(person) = &typed.person else {
            return Ok(Self(vec![filter]));
        };
        let found = asking.person(person).await?;
        let subjects = found.into_iter().map(|one| one.subject);
        let filters = subjects.map(|subject| Filter {
            subject: Some(subject),
            ..filter.clone()
        });
        Ok(Self(filters.collect()))
    }

    /// Whether nothing can fit.
    pub(super) const fn is_nobody(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a record fits.
    pub(super) fn fits(&self, record: &Record) -> bool {
        self.0.iter().any(|filter| filter.fits(record))
    }

    /// Some of the records that fit, from `from` on, in order; and where to go on, if there are
    /// more.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub(super) fn page(
        &self,
        reader: &Reader,
        from: u64,
    ) -> Result<(Vec<Record>, Option<u64>), Failure> {
        let Some(first) = self.0.first() else {
            return Ok((Vec::new(), None));
        };
        let common = match self.0.len() {
            1 => first.clone(),
            _ => Filter {
                subject: None,
                ..first.clone()
            },
        };
        let found = find(reader, &common, from, PAGE, LOOK).map_err(Failure::failed)?;
        let mut records = found.records;
        if self.0.len() > 1 {
            records.retain(|record| self.fits(record));
        }
        Ok((records, found.next))
    }

    /// The newest records that fit, in order.
    ///
    /// # Errors
    /// When the ledger can't be read.
    pub(super) fn newest(&self, reader: &Reader, count: usize) -> Result<Vec<Record>, Failure> {
        let mut all = Vec::new();
        for filter in &self.0 {
            all.extend(newest(reader, filter, count)?);
        }
        if self.0.len() > 1 {
            all.sort_by_key(|record| record.sequence);
            all.dedup_by_key(|record| record.sequence);
            all.drain(..all.len().saturating_sub(count));
        }
        Ok(all)
    }
}

fn newest(reader: &Reader, filter: &Filter, count: usize) -> Result<Vec<Record>, Failure> {
    if filter.since.is_none() {
        return find_last(reader, filter, count, u64::MAX).map_err(Failure::failed);
    }
    // From the beginning of the time on: most of the ledger is before it.
    let mut last = VecDeque::new();
    let mut next = Some(0);
    while let Some(from) = next {
        let found = find(reader, filter, from, PAGE, u64::MAX).map_err(Failure::failed)?;
        last.extend(found.records);
        let surplus = last.len().saturating_sub(count);
        last.drain(..surplus);
        next = found.next;
    }
    Ok(last.into())
}

/// The last record that fits, before `end`.
///
/// # Errors
/// When the ledger can't be read.
pub(super) fn last_where(
    reader: &Reader,
    mut fits: impl FnMut(&Record) -> bool,
) -> Result<Option<Record>, Failure> {
    const STEP: u64 = 256;
    let mut end = reader.size();
    while end > reader.minimum() {
        let start = reader.minimum().max((end - 1) / STEP * STEP);
        let mut cursor = reader.from(start).map_err(Failure::failed)?;
        let mut last = None;
        while cursor.position() < end {
            let Some(record) = cursor.next().map_err(Failure::failed)? else {
                break;
            };
            if record.sequence < end && fits(&record) {
                last = Some(record);
            }
        }
        if last.is_some() {
            return Ok(last);
        }
        end = start;
    }
    Ok(None)
}

/// Whether a leaf's bytes hold a text that needs no escaping.
pub(super) fn holds(leaf: &[u8], text: &str) -> bool {
    !text.is_empty() && leaf.windows(text.len()).any(|part| part == text.as_bytes())
}
