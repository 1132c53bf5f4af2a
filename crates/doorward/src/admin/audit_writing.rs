//! What is written into the record, or taken off its beginning, by request.

use std::time::Duration;

use doorward_audit::Draft;
use doorward_ledger::log::LogError;
use doorward_ledger::{Act, Actor, ActorKind, Event, Verdict};
use serde_json::Value;

use super::audit_types::{Anchored, AuditAnchor, AuditPrune, AuditReview, Placed, Pruned};
use super::error::AdminError;
use super::service::{Admin, Handle};

/// How long a checkpoint over what is to be pruned is waited for.
const SIGNED_WITHIN: Duration = Duration::from_secs(10);
/// Most bytes of a reviewer's words.
const NOTE_MAX: usize = 8 * 1024;
/// Most groups of a review.
const GROUPS_MAX: usize = 64;

/// What an administrator did.
pub(super) fn act(action: &str) -> Act {
    let mut act = Act::new(action, Verdict::Success);
    act.actor = Some(Actor::of(ActorKind::Admin));
    act
}

impl Handle<AuditAnchor> for Admin {
    fn handle(&self, call: AuditAnchor) -> Result<Anchored, AdminError> {
        let anchor = self.store().ledger_anchor(&call.origin)?;
        let checkpoint = anchor
            .map(String::from_utf8)
            .transpose()
            .map_err(|_| AdminError::failed("the store's checkpoint is no text"))?;
        Ok(Anchored { checkpoint })
    }
}

impl Handle<AuditPrune> for Admin {
    fn handle(&self, call: AuditPrune) -> Result<Pruned, AdminError> {
        let audit = self.parts.audit.get()?;
        if let Some(last) = call.before.checked_sub(1) {
            audit.log().wait_signed(last, SIGNED_WITHIN);
        }
        match audit.log().prune(call.before) {
            Ok(minimum) => Ok(Pruned { minimum }),
            Err(error @ LogError::NotYet { .. }) => Err(AdminError::usage(error)),
            Err(error) => Err(AdminError::failed(error)),
        }
    }
}

impl Handle<AuditReview> for Admin {
    fn handle(&self, call: AuditReview) -> Result<Placed, AdminError> {
        let audit = self.parts.audit.get()?;
        let size = audit.reader().size();
        if call.first > call.last || call.last >= size {
            return Err(AdminError::usage(format_args!(
                "leaves {} to {} can't have been looked at: the ledger has {size}",
                call.first, call.last
            )));
        }
        let note = call.note.unwrap_or_default();
        let named = |name: &String| name.len() <= 32 && name.bytes().all(is_plain);
        if note.len() > NOTE_MAX {
            return Err(AdminError::usage(format_args!(
                "the note is longer than {NOTE_MAX} bytes"
            )));
        }
        if call.counts.len() > GROUPS_MAX || !call.counts.keys().all(named) {
            return Err(AdminError::usage("the counts have no group's name"));
        }
        let event = Event::Review {
            first: call.first,
            last: call.last,
            counts: call.counts,
            note: None,
        };
        let mut draft = Draft::new(audit.now(), act("ledger.review"), event);
        if let Some(reviewer) = call.by {
            draft = draft.person(reviewer.clone());
            if !note.is_empty() {
                draft = draft.sealed(&Value::from(note), reviewer);
            }
        }
        let recorded = audit.record_blocking(draft)?;
        Ok(Placed {
            seq: recorded.sequence,
        })
    }
}

const fn is_plain(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'_')
}
