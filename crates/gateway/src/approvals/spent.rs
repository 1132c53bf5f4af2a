//! An approval that was used: once, durably, before its call leaves. It is good again only if nothing
//! was sent, and a crash never makes it so.

use std::sync::Arc;

use doorward_catalog::Op;
use doorward_ledger::Change;
use doorward_policy::Timestamp;
use doorward_store::ApprovalRecord;
use http::StatusCode;

use super::desk::{ApprovalDesk, in_force};
use crate::decision::refusal::Refusal;
use crate::gateway::Inner;
use crate::request::request_id::RequestId;

/// Why an approval can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotSpent {
    /// Another call was faster, or it is over.
    Over,
    /// The store failed. What it has is what counts when it works again.
    Failed,
}

/// An approval that a call has used. Dropped before the call leaves, it is given back.
pub(crate) struct Spent {
    desk: Arc<ApprovalDesk>,
    /// With the request, which the store has no more.
    record: ApprovalRecord,
    request_id: RequestId,
    gone: bool,
}

impl ApprovalDesk {
    /// Uses an approval up, durably: one call alone can. Gives it as it is now, with the request that
    /// it is for.
    pub(crate) fn spend(
        &self,
        id: &str,
        request_id: &str,
        now: Timestamp,
    ) -> Result<ApprovalRecord, NotSpent> {
        let mine = {
            let mut granted = self.granted();
            let mut all = granted.iter();
            let digest =
                all.find_map(|(digest, approval)| (*approval.id == *id).then_some(*digest));
            digest.and_then(|digest| granted.remove_entry(&digest))
        };
        let (digest, approval) = mine.ok_or(NotSpent::Over)?;
        let before = self.store.approval(id);
        let spent = before.and_then(|record| Ok((record, self.store.spend_approval(id, now)?)));
        match spent {
            Ok((record, true)) => {
                let request_id = Some(request_id);
                self.record(&record, "approval.spend", Change::Updated, request_id, now);
                Ok(ApprovalRecord {
                    spent_at: Some(now),
                    ..record
                })
            }
            Ok((_, false)) => Err(NotSpent::Over),
            Err(error) => {
                tracing::error!(%error, approval = id, "an approval could not be spent");
                self.granted().entry(digest).or_insert(approval);
                Err(NotSpent::Failed)
            }
        }
    }

    /// Takes back that a call used an approval: nothing was sent.
    pub(crate) fn give_back(&self, spent: &ApprovalRecord, request_id: &str) {
        let Some(at) = spent.spent_at else {
            return;
        };
        match self.store.return_approval(&spent.id, at, &spent.request) {
            Ok(true) => {
                self.granted().insert(spent.digest, in_force(spent));
                let (request_id, change) = (Some(request_id), Change::Updated);
                self.record(spent, "approval.return", change, request_id, at);
            }
            // It was asked for anew.
            Ok(false) => {}
            Err(error) => {
                tracing::error!(%error, approval = spent.id, "an approval could not be given back");
            }
        }
    }
}

impl Spent {
    /// Told right before the call leaves.
    pub(crate) fn going(&mut self) {
        self.gone = true;
    }

    /// Nothing was sent: it is good again.
    pub(crate) async fn returned(mut self) {
        self.gone = true;
        let (desk, request) = (Arc::clone(&self.desk), self.request_id.to_string());
        let record = self.record.clone();
        let given = tokio::task::spawn_blocking(move || desk.give_back(&record, &request));
        if given.await.is_err() {
            tracing::error!("an approval could not be given back");
        }
    }
}

impl Drop for Spent {
    fn drop(&mut self) {
        if self.gone {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (desk, request) = (Arc::clone(&self.desk), self.request_id.to_string());
            let record = self.record.clone();
            runtime.spawn_blocking(move || desk.give_back(&record, &request));
        }
    }
}

impl Inner {
    /// Spends the approval of a call that is about to leave.
    pub(crate) async fn spend(
        &self,
        approval: &Arc<str>,
        op: Op,
        request_id: RequestId,
    ) -> Result<Spent, Refusal> {
        let over = || {
            Refusal::new(
                StatusCode::FORBIDDEN,
                "approval_required",
                "the call's approval was used by another call, or is over; send it again to ask for \
                 a new one",
            )
            .of(op)
        };
        let desk = self.approvals.as_ref().ok_or_else(over)?;
        let (at, id, now) = (Arc::clone(desk), Arc::clone(approval), self.clock.now());
        let request = request_id.to_string();
        let spent = tokio::task::spawn_blocking(move || at.spend(&id, &request, now)).await;
        match spent.unwrap_or(Err(NotSpent::Failed)) {
            Ok(record) => Ok(Spent {
                desk: Arc::clone(desk),
                record,
                request_id,
                gone: false,
            }),
            Err(NotSpent::Over) => Err(over()),
            Err(NotSpent::Failed) => {
                let why = "that the call's approval is used can't be kept, and so nothing was sent; \
                           it is still there: try again";
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Err(Refusal::new(status, "approval_unavailable", why).of(op))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approvals::desk::tests::{NOW, asked, open, peopled};

    #[test]
    fn a_store_that_fails_takes_nobodys_approval() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let desk = open(&path);
        peopled(&desk);
        let record = asked(&desk);
        desk.decide(&record.id, true, "bob", None, NOW).unwrap();
        let other = rusqlite::Connection::open(&path).unwrap();
        let fails = "CREATE TRIGGER no BEFORE UPDATE ON approvals
                     BEGIN SELECT RAISE(ABORT, 'no room'); END";
        other.execute_batch(fails).unwrap();
        for _ in 0..2 {
            let spent = desk.spend(&record.id, "req_1", NOW);
            assert_eq!(spent.unwrap_err(), NotSpent::Failed);
            assert!(desk.lookup(&record.digest).is_some(), "it is still there");
        }
        other.execute_batch("DROP TRIGGER no").unwrap();
        assert!(desk.spend(&record.id, "req_1", NOW).is_ok());
        assert_eq!(desk.lookup(&record.digest), None);
        let again = desk.spend(&record.id, "req_1", NOW);
        assert_eq!(again.unwrap_err(), NotSpent::Over);
    }

    #[test]
    fn what_is_given_back_passes_once_more_and_outlives_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let desk = open(&path);
        peopled(&desk);
        let record = asked(&desk);
        desk.decide(&record.id, true, "bob", None, NOW).unwrap();
        let spent = desk.spend(&record.id, "req_1", NOW).unwrap();
        desk.give_back(&spent, "req_1");
        // Whoever says so twice gives nothing.
        assert!(desk.spend(&record.id, "req_2", NOW).is_ok());
        let later = ApprovalRecord {
            spent_at: Some(NOW.plus_millis(-1)),
            ..spent.clone()
        };
        desk.give_back(&later, "req_1");
        assert_eq!(desk.lookup(&record.digest), None);
        desk.give_back(&spent, "req_2");
        drop(desk);
        let desk = open(&path);
        assert!(desk.lookup(&record.digest).is_some());
        let (_, request) = desk.show(&record.id).unwrap();
        assert!(request.is_some(), "it can be shown");
    }
}
