//! Reads Instantly's audit log, a part at a time, each record once.

use std::sync::Arc;
use std::time::Duration;

use doorward_policy::Timestamp;
use doorward_store::{LogRow, Store};
use doorward_upstream::{Call, Client, Op};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::record::kept;
use super::told::{EMPTY, is_passing, tell};
use crate::audit::Audit;
use crate::error::{AuditError, Result};
use crate::people::Person;

/// Where an audit log is read: a workspace, or a sub-workspace through it.
#[derive(Debug, Clone)]
pub struct Source {
    /// Doorward's id of the workspace.
    pub workspace: String,
    /// Instantly's id of the sub-workspace; the client acts on it already.
    pub sub_workspace: Option<String>,
    /// A client with a key of the workspace's.
    pub client: Client,
}

impl Source {
    /// The name of a state of this source's own.
    pub(super) fn state(&self, name: &str) -> String {
        match &self.sub_workspace {
            Some(sub) => format!("{name}:{sub}"),
            None => name.to_owned(),
        }
    }
}

/// How the log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PullOptions {
    /// Milliseconds before the last reading that are read again, for records that come late.
    pub overlap_ms: i64,
    /// How far back the first reading goes, in milliseconds.
    pub first_ms: i64,
    /// Records a page, 1 to 1,000.
    pub page: u32,
    /// Most pages of one reading; the next goes on where it stopped.
    pub pages_max: u32,
    /// Pause between pages, so that others are not starved of the workspace's rate limit.
    pub pause: Duration,
}

impl Default for PullOptions {
    /// 10 minutes again, 30 days the first time, 100 pages of 1,000, 100 ms between them.
    fn default() -> Self {
        Self {
            overlap_ms: 600_000,
            first_ms: 30 * 86_400_000,
            page: 1_000,
            pages_max: 100,
            pause: Duration::from_millis(100),
        }
    }
}

/// How far the log of a source was read; kept in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Records up to this time are read; those that come later than the overlap excepted.
    #[serde(default)]
    pub(crate) complete_to: Option<Timestamp>,
    /// A reading that was not finished.
    #[serde(default)]
    walk: Option<Walk>,
    /// Instantly's id of the workspace, as records say it.
    #[serde(default)]
    pub(crate) place: Option<String>,
    /// Whether there ever was a record.
    #[serde(default)]
    seen_any: bool,
}

/// A reading from the newest record down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Walk {
    /// When it began.
    top: Timestamp,
    /// Where it ends.
    floor: Timestamp,
    /// After which page it goes on.
    cursor: Option<String>,
}

/// What one reading brought.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Pulled {
    /// Records read, those known already included.
    pub read: u64,
    /// Records that are new.
    pub new: u64,
    /// Items that are no record of any known form.
    pub unreadable: u64,
    /// Pages read.
    pub pages: u32,
    /// Whether a reading came to its end; if not, the next one goes on.
    pub complete: bool,
    /// What there is to say, in words: why it could not be read, or that it is empty.
    pub told: Option<String>,
    /// Whether trying again soon may help.
    pub again: bool,
}

/// The name of the state that holds a [`Position`].
pub(crate) const POSITION: &str = "pull";

/// Up to when the audit log of a workspace was read; `None` when it never was.
///
/// # Errors
/// When the store can't be read.
pub fn read_to(store: &dyn Store, workspace_id: &str) -> Result<Option<Timestamp>> {
    let text = store.watch_state(workspace_id, POSITION)?;
    let position: Option<Position> = text.and_then(|text| serde_json::from_str(&text).ok());
    Ok(position.and_then(|position| position.complete_to))
}

/// Reads what is new in the audit log of a source and keeps it in the store. May be interrupted at
/// any time: the next reading goes on, and no record is kept twice.
///
/// # Errors
/// When the store fails. That Instantly does is told in [`Pulled::told`].
pub async fn pull_once(
    audit: &Arc<Audit>,
    source: &Source,
    options: &PullOptions,
    now: Timestamp,
) -> Result<Pulled> {
    let mut position = load(audit, source).await?;
    let mut pulled = Pulled::default();
    // One that was left unfinished, then what came since.
    while pulled.pages < options.pages_max {
        let resumed = position.walk.is_some();
        let floor = match position.complete_to {
            Some(complete) => complete.plus_millis(options.overlap_ms.saturating_neg()),
            None => now.plus_millis(options.first_ms.saturating_neg()),
        };
        let walk = position.walk.get_or_insert(Walk {
            top: now,
            floor,
            cursor: None,
        });
        let walk = walk.clone();
        if !step(audit, source, options, &mut position, walk, &mut pulled).await? {
            break;
        }
        pulled.complete = true;
        if !resumed {
            break;
        }
    }
    if pulled.complete && !position.seen_any {
        pulled.told = Some(EMPTY.to_owned());
    } else if pulled.unreadable > 0 && pulled.told.is_none() {
        let count = pulled.unreadable;
        pulled.told = Some(format!("{count} items of the audit log have no known form"));
    }
    Ok(pulled)
}

/// Walks on; whether it came to the end.
async fn step(
    audit: &Arc<Audit>,
    source: &Source,
    options: &PullOptions,
    position: &mut Position,
    walk: Walk,
    pulled: &mut Pulled,
) -> Result<bool> {
    // A day more: whose day it is, the vendor does not say.
    let day = walk.floor.plus_millis(-86_400_000).to_string();
    let day: String = day.chars().take(10).collect();
    let call = Call::new(Op::ListAuditLog)
        .query("limit", options.page.clamp(1, 1_000))
        .query("start_date", day)
        .maybe_query("starting_after", walk.cursor.as_deref());
    let mut pages = source.client.pages::<Value>(call);
    loop {
        let page = match pages.next().await {
            None => break,
            Some(Ok(page)) => page,
            Some(Err(error)) => {
                pulled.told = Some(tell("the audit log", "audit_logs:read", &error));
                pulled.again = is_passing(&error);
                if !pulled.again {
                    // A cursor that is not taken any more must not stand in the way for ever.
                    position.walk = None;
                    save(audit, source, position).await?;
                }
                return Ok(false);
            }
        };
        pulled.pages += 1;
        let newest = keep(audit, source, position, page.items, pulled).await?;
        let below = newest.is_some_and(|newest| newest < walk.floor);
        if below || page.next_starting_after.is_none() {
            break;
        }
        if let Some(walk) = &mut position.walk {
            walk.cursor = page.next_starting_after;
        }
        save(audit, source, position).await?;
        if pulled.pages >= options.pages_max {
            return Ok(false);
        }
        tokio::time::sleep(options.pause).await;
    }
    position.complete_to = position.complete_to.max(Some(walk.top));
    position.walk = None;
    save(audit, source, position).await?;
    Ok(true)
}

/// Keeps a page; the time of its newest record.
async fn keep(
    audit: &Arc<Audit>,
    source: &Source,
    position: &mut Position,
    items: Vec<Value>,
    pulled: &mut Pulled,
) -> Result<Option<Timestamp>> {
    let (shared, workspace) = (Arc::clone(audit), source.workspace.clone());
    let count = items.len() as u64;
    let (newest, place, kept, new) = blocking(move || {
        let mut rows = Vec::with_capacity(items.len());
        let (mut newest, mut place) = (None, None);
        for item in &items {
            // The store failing here only makes the account unknown.
            let subject = |email: &str| {
                let found = shared.find(&Person::named(email)).ok().flatten();
                found.map(|subject| subject.to_string())
            };
            let Some(record) = kept(item, subject) else {
                continue;
            };
            let json = serde_json::to_string(&record)
                .map_err(|_| AuditError::NotRecorded("a record has no form"))?;
            newest = newest.max(Some(record.at));
            place = record.place.or(place);
            rows.push(LogRow {
                id: record.id,
                at: record.at,
                record: json,
            });
        }
        let new = shared.store().add_log_records(&workspace, &rows)?;
        Ok((newest, place, rows.len() as u64, new))
    })
    .await?;
    pulled.read += kept;
    pulled.new += new;
    pulled.unreadable += count - kept;
    position.seen_any |= kept > 0;
    position.place = place.or(position.place.take());
    Ok(newest)
}

async fn load(audit: &Arc<Audit>, source: &Source) -> Result<Position> {
    let (audit, workspace) = (Arc::clone(audit), source.workspace.clone());
    let name = source.state(POSITION);
    blocking(move || {
        let text = audit.store().watch_state(&workspace, &name)?;
        // What can't be read is read anew: records are kept once all the same.
        Ok(text
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default())
    })
    .await
}

async fn save(audit: &Arc<Audit>, source: &Source, position: &Position) -> Result<()> {
    let text = serde_json::to_string(position)
        .map_err(|_| AuditError::NotRecorded("the position has no form"))?;
    save_text(audit, source, POSITION, text).await
}

pub(super) async fn save_text(
    audit: &Arc<Audit>,
    source: &Source,
    name: &str,
    text: String,
) -> Result<()> {
    let (audit, workspace) = (Arc::clone(audit), source.workspace.clone());
    let name = source.state(name);
    blocking(move || Ok(audit.store().set_watch_state(&workspace, &name, &text)?)).await
}

/// Runs what blocks where it may.
pub(crate) async fn blocking<T: Send + 'static>(
    act: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(act)
        .await
        .map_err(|_| AuditError::NotRecorded("a task failed"))?
}
