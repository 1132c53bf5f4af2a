//! The record of calls in the ledger.

use std::sync::Arc;
use std::time::Duration;

use doorward_audit::{Audit, Draft, Ended, Recorded};
use doorward_catalog::Environment;
use doorward_ledger::{Door, LeafId};
use doorward_policy::Timestamp;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::records::ledger_drafts::{End, decision, intent, not_sent, people};
use crate::records::record::{CallFacts, NotRecorded, Outcome, Recorder, Recording};

/// When the outcome of a read is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reads {
    /// In the background.
    #[default]
    Noted,
    /// Before the end of the answer is passed on.
    Durable,
}

/// Whether reads go on when they can't be recorded. Writes never do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReadsWithout {
    /// No.
    Refuse,
    /// Yes.
    Allow,
    /// Not those of clients in production.
    #[default]
    RefuseInProduction,
}

/// How calls are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordSettings {
    /// When the outcome of a read is recorded.
    pub reads: Reads,
    /// Whether reads go on when they can't be recorded.
    pub reads_without: ReadsWithout,
    /// How long an intent may take to be durable before its call is refused.
    pub patience: Duration,
}

impl Default for RecordSettings {
    fn default() -> Self {
        Self {
            reads: Reads::default(),
            reads_without: ReadsWithout::default(),
            patience: Duration::from_secs(5),
        }
    }
}

/// Records calls in the ledger: of a write the intent, durable before it is sent, and the outcome;
/// of a read the outcome; of a refusal the decision; of strangers a count each minute.
pub struct LedgerRecorder {
    audit: Arc<Audit>,
    settings: RecordSettings,
}

impl LedgerRecorder {
    /// Records in `audit`. Calls must come from within a runtime.
    pub fn new(audit: Arc<Audit>, settings: RecordSettings) -> Self {
        Self { audit, settings }
    }

    /// Whether what happens now will be recorded, the end of it too.
    fn may_record(&self) -> bool {
        self.audit.available().is_ok() && self.audit.keeps_up()
    }

    fn may_read_without(&self, call: &CallFacts) -> bool {
        match self.settings.reads_without {
            ReadsWithout::Refuse => false,
            ReadsWithout::Allow => true,
            ReadsWithout::RefuseInProduction => call
                .environment
                .is_some_and(|environment| environment != Environment::Production),
        }
    }

    fn read_may_go_on(&self, call: &CallFacts) -> Result<(), NotRecorded> {
        if self.may_record() || self.may_read_without(call) {
            Ok(())
        } else {
            Err(NotRecorded)
        }
    }

    /// Puts the intent on its way. It is recorded on a task of its own, so that it has an end
    /// whatever becomes of who waits for it.
    fn begin(&self, call: &CallFacts) -> Waiter {
        let (done, wait) = oneshot::channel();
        let orphan = Arc::new(Orphan {
            audit: Arc::clone(&self.audit),
            call: call.clone(),
        });
        let late = Arc::clone(&orphan);
        tokio::spawn(async move {
            let recorded = late.audit.record(intent(&late.call)).await;
            let recorded = recorded.map(|recorded| recorded.leaf).map_err(|error| {
                tracing::warn!(%error, "an intent is not recorded");
                NotRecorded
            });
            if let Err(Ok(leaf)) = done.send(recorded) {
                late.end(leaf);
            }
        });
        Waiter { wait, orphan }
    }
}

/// A call whose intent nobody waits for any more.
struct Orphan {
    audit: Arc<Audit>,
    call: CallFacts,
}

impl Orphan {
    /// Records that nothing was sent.
    fn end(&self, leaf: LeafId) {
        let at = self.audit.now().max(self.call.at);
        self.audit
            .note(not_sent(&self.call, leaf, at, "intent_late"));
    }
}

/// Waits for an intent. Dropped before it has it, the intent is ended when it comes.
struct Waiter {
    wait: oneshot::Receiver<Result<LeafId, NotRecorded>>,
    orphan: Arc<Orphan>,
}

impl Waiter {
    async fn recorded(&mut self, patience: Duration) -> Result<LeafId, NotRecorded> {
        match timeout(patience, &mut self.wait).await {
            Ok(Ok(recorded)) => recorded,
            // Too late, or its task is gone.
            Err(_) | Ok(Err(_)) => Err(NotRecorded),
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.wait.close();
        // It may have come just now.
        if let Ok(Ok(leaf)) = self.wait.try_recv() {
            self.orphan.end(leaf);
        }
    }
}

impl Recorder for LedgerRecorder {
    fn intent<'a>(&'a self, call: &'a CallFacts) -> Recording<'a, Option<LeafId>> {
        if !call.writes() {
            let may = self.read_may_go_on(call).map(|()| None);
            return Box::pin(std::future::ready(may));
        }
        if !self.may_record() {
            return Box::pin(std::future::ready(Err(NotRecorded)));
        }
        let mut waiter = self.begin(call);
        let patience = self.settings.patience;
        Box::pin(async move { waiter.recorded(patience).await.map(Some) })
    }

    fn outcome(&self, call: &Arc<CallFacts>, intent: Option<LeafId>, ended: &Outcome) {
        if call.client.is_none() || call.stranger.is_some() {
            let reason = call.stranger.or(ended.reason).unwrap_or("unknown");
            return self.count(call.at, reason);
        }
        // What is refused when its intent is recorded already is how that ended.
        if !ended.allowed && intent.is_none() {
            return self.audit.note(decision(call, ended));
        }
        // The caller went while the intent was under way: its task tells, if it comes to be.
        if call.writes() && intent.is_none() && !ended.sent && ended.status == 0 {
            return;
        }
        self.audit.note_end(Box::new(End::of(call, intent, ended)));
    }

    fn holds_reads(&self) -> bool {
        self.settings.reads == Reads::Durable
    }

    fn outcome_of_read(&self, call: &Arc<CallFacts>, ended: &Outcome) -> Recording<'static, ()> {
        let audit = Arc::clone(&self.audit);
        let draft = Draft::from(End::of(call, None, ended).end());
        let lenient = self.may_read_without(call);
        let patience = self.settings.patience;
        // On a task of its own: it is recorded also when the caller goes away.
        let task = tokio::spawn(async move { audit.record(draft).await.is_ok() });
        Box::pin(async move {
            match timeout(patience, task).await {
                Ok(Ok(true)) => Ok(()),
                _ if lenient => Ok(()),
                _ => Err(NotRecorded),
            }
        })
    }

    fn act(&self, draft: Draft) -> Recording<'_, Recorded> {
        Box::pin(async move {
            let recorded = timeout(self.settings.patience, self.audit.record(draft)).await;
            recorded.ok().and_then(Result::ok).ok_or(NotRecorded)
        })
    }

    fn brings_new_people(&self, call: &CallFacts) -> bool {
        !self.audit.knows(people(call))
    }

    fn welcome(&self, call: &CallFacts) {
        self.audit.expect(people(call));
    }

    fn count(&self, at: Timestamp, reason: &'static str) {
        self.audit.stranger(Door::Out, at, reason);
    }
}
